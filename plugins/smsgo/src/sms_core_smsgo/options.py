"""What only smsgo understands: options of one send, and options of an account (in the DSN)."""

from __future__ import annotations

from typing import Literal

import attrs
from attrs import field, frozen

from sms_core import ConfigurationError, InvalidMessage, VendorOptions

BACKUP_HOST = "www2.smsgo.com.tw"
"""備援的網址 of chapter 1, which prints it with http only."""

_SWITCHES = {"true": BACKUP_HOST, "1": BACKUP_HOST, "yes": BACKUP_HOST, "false": "", "0": "", "no": ""}
MOST_REPLY_DAYS = 30  # table of chapter 1, replydays


def _days(instance: object, attribute: attrs.Attribute[int | None], days: int | None) -> None:
    del instance
    if days is not None and not 1 <= days <= MOST_REPLY_DAYS:
        raise InvalidMessage(f"options.{attribute.name}", f"is not from 1 to {MOST_REPLY_DAYS}")


@frozen
class SendOptions(VendorOptions):
    """What one message asks for, with the rules of chapter 1. What breaks one is refused before anything is sent.

    ``popup`` shows the text at once on the handset: one segment, no character outside Big5. ``push_url`` makes it a
    WAP push of which the text is the title; title and address together are at most 88 bytes of UTF-8. ``reply_url``
    (at most 300 characters) gets the replies of ``reply_days`` days (1 to 30, the vendor's default is 3), for texts of
    one segment without popup and push; every ten messages cost a point more. ``report_url`` gets the delivery reports.
    All these but ``report_url`` and the replies are for Taiwan alone.

    A text abroad is one segment. ``long_abroad`` says what becomes of a longer one: ``"refuse"``, or ``"split"``
    into messages of their own that begin with ``(1/3)``.

    Raises `InvalidMessage` for ``reply_days`` out of their range.
    """

    popup: bool = False
    push_url: str = ""
    reply_url: str = ""
    reply_days: int | None = field(default=None, validator=_days)
    report_url: str = ""
    long_abroad: Literal["refuse", "split"] = "refuse"

    @property
    def taiwan_only(self) -> bool:
        """True with ``popup`` or ``push_url``: abroad only BIG5, ASCII and UCS2 are sent (chapter 1, note 5)."""
        return self.popup or bool(self.push_url)


def _to_backup(value: str) -> str:
    backup = _SWITCHES.get(value.strip().lower(), value.strip())
    if "://" in backup or "@" in backup or "?" in backup:
        raise ConfigurationError("DSN option 'backup_host' is true, or a host such as www2.smsgo.com.tw, and no URL")
    return backup.rstrip("/")


@frozen
class AccountOptions:
    """The DSN options of this vendor.

    ``method``: a form POST, or the GET of the document, which shows the password to every proxy's log. ``rtype``: the
    form of the answers; whatever form comes is read.
    ``backup_host``: true for the document's www2.smsgo.com.tw, or another ``host[:port][/prefix]``; it is asked with
    the scheme of the first host, and only for a send of which surely nothing left this machine. Empty is off.
    """

    method: Literal["POST", "GET"] = "POST"
    rtype: Literal["json", "text", "xml"] = "json"
    backup_host: str = field(default="", converter=_to_backup)
