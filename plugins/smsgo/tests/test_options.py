"""Options of smsgo that come as text: what the document's rules do not allow is refused by the option's name."""

from __future__ import annotations

import pytest

from sms_core import ConfigurationError, InvalidMessage
from sms_core.provider import read_options
from sms_core_smsgo import AccountOptions, SendOptions


@pytest.mark.parametrize("days", [1, 3, 30])
def test_reply_days_of_the_table(days: int) -> None:
    assert read_options(SendOptions, {"reply_days": str(days)}) == SendOptions(reply_days=days)


@pytest.mark.parametrize("days", [-1, 0, 31])
def test_reply_days_beyond_it_are_refused(days: int) -> None:
    with pytest.raises(InvalidMessage, match=r"options\.reply_days: is not from 1 to 30"):
        SendOptions(reply_days=days)
    with pytest.raises(InvalidMessage, match=r"options\.reply_days: is not from 1 to 30"):
        read_options(SendOptions, {"reply_days": str(days)})


@pytest.mark.parametrize("host", ["http://example.org", "user@example.org", "example.org?x=1"])
def test_a_backup_host_is_no_url(host: str) -> None:
    with pytest.raises(ConfigurationError, match="backup_host") as caught:
        read_options(AccountOptions, {"backup_host": host}, what="DSN option")
    assert host not in str(caught.value)
