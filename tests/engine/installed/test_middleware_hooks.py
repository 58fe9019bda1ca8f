"""What middleware may do to a provider's hooks, and what is refused before it could be ignored in silence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sms_core import ConfigurationError, hookimpl
from sms_core._engine.registry import bind_hooks
from sms_core.provider import GetBalance, Operation
from sms_core.testing import FakeTransport
from tests.support.tiny import Tiny, Vendor, bind


class Forgetful:
    """Its author forgot the mark."""

    def sms_perform(self, operation: Operation[Any]) -> Any:
        raise NotImplementedError


class Brittle(Tiny):
    """Cannot even be looked at."""

    def __dir__(self) -> list[str]:
        raise KeyError("SETTINGS")


def test_middleware_without_a_mark_is_refused_and_not_ignored() -> None:
    with pytest.raises(
        ConfigurationError, match=r"^provider 'tiny': hook sms_perform is not marked with @hookimpl, in"
    ):
        bind_hooks("tiny", Tiny(), [Forgetful()])


def test_what_an_object_raises_while_it_is_registered_is_told() -> None:
    with pytest.raises(ConfigurationError, match=r"^provider 'tiny' cannot be read: KeyError: 'SETTINGS'$"):
        bind_hooks("tiny", Brittle())


def test_wrappers_of_pluggy_s_older_style_are_no_second_implementation() -> None:
    seen: list[str] = []

    class Older:
        @hookimpl(hookwrapper=True)
        def sms_perform(self, operation: Operation[Any]) -> Iterator[None]:
            seen.append(operation.name)
            yield

    client = bind(FakeTransport(Vendor(balance=["OK 1"])), middleware=[Older(), Older()])
    client.balance()
    assert seen.count(GetBalance.name) == 2
