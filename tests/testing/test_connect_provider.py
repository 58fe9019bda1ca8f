"""A provider that is at hand is connected without an entry point."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sms_core import ConfigurationError, hookimpl
from sms_core.testing import FakeTransport, connect_provider
from tests.support.tiny import TOKEN, Tiny, Vendor, operation_of


def test_an_object_with_hooks_sends() -> None:
    network = FakeTransport(Vendor(send=["OK b-1"]))
    with connect_provider(Tiny(), "tiny://user:password@tiny.invalid", transport=network) as sms:
        assert sms.send("hello", to="+886900000001").batch_id == "b-1"
    assert [operation_of(request) for request in network.requests] == ["login", "send"]
    assert TOKEN not in repr(network.requests)


def test_the_dsn_says_what_it_says_elsewhere() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    network = FakeTransport(Vendor())
    sms = connect_provider(
        Tiny(), "tiny://u:p@tiny.invalid?batch_size=2&max_text=5", transport=network, clock=lambda: moment
    )
    assert (sms.info.limits.recipients, sms.info.limits.text) == (2, 5)
    with pytest.raises(ConfigurationError, match="has no DSN option 'batchsize'"):
        connect_provider(Tiny(), "tiny://u:p@tiny.invalid?batchsize=2")


def test_what_is_no_provider_is_refused_in_words() -> None:
    class Half:
        @hookimpl
        def sms_describe(self) -> None:
            """No provider."""

    with pytest.raises(ConfigurationError, match="provider 'half' has no hook sms_send"):
        connect_provider(Half(), "half://u:p@half.invalid")
