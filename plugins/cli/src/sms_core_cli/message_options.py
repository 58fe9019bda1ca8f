"""The options that describe a message, shared by ``send``, ``preview`` and ``campaign``."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

from sms_core.errors import ConfigurationError, InvalidMessage, Unsupported
from sms_core.model import Media, VendorOptions
from sms_core.provider import ProviderInfo, option_names, read_options
from sms_core_cli.campaign.message_defaults import MessageDefaults
from sms_core_cli.campaign.reading.moments import parse_moment
from sms_core_cli.language import _, phrase

F = TypeVar("F", bound=Callable[..., Any])

_SPAN = re.compile(r"(\d{1,6})([smhd])", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def moment(_ctx: click.Context, _parameter: click.Parameter, text: str | None) -> datetime | None:
    """An option's point in time; Taipei's where no zone is named. Fails as click does."""
    if text is None:
        return None
    try:
        return parse_moment(text)
    except InvalidMessage as error:
        raise click.BadParameter(phrase(error.reason)) from None


def span(_ctx: click.Context, _parameter: click.Parameter, text: str | None) -> timedelta | None:
    """An option's length of time: ``90s``, ``30m``, ``4h``, ``2d``. Fails as click does."""
    if text is None:
        return None
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise click.BadParameter(_("needs a number and a unit, such as 30m, 4h or 2d"))
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _text(_ctx: click.Context, _parameter: click.Parameter, text: str) -> str:
    """The text, or what standard input has where it is ``-``, without the line end that a shell adds."""
    if text != "-":
        return text
    try:
        return sys.stdin.buffer.read().decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise click.BadParameter(_("standard input is not UTF-8")) from None


text_argument = click.argument("text", callback=_text)
"""The argument TEXT; ``-`` is standard input."""


_OPTIONS = (
    click.option("--subject", default="", help="The subject, where the vendor has one."),
    click.option(
        "--send-at", callback=moment, metavar="TIME", help="Later: 2026-12-31T09:00, Taipei's unless it names a zone."
    ),
    click.option("--validity", callback=span, metavar="SPAN", help="How long the network keeps trying: 30m, 4h, 2d."),
    click.option(
        "--media",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="A picture: the message becomes an MMS.",
    ),
    click.option(
        "-o", "--option", "vendor", multiple=True, metavar="NAME=VALUE", help="An option that only this vendor has."
    ),
)


def message_options(command: F) -> F:
    """Give a command ``--subject``, ``--send-at``, ``--validity``, ``--media`` and ``-o``."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def read_message_options(
    info: ProviderInfo,
    *,
    subject: str,
    send_at: datetime | None,
    validity: timedelta | None,
    media: Path | None,
    vendor: Sequence[str],
    text: str | None = None,
) -> MessageDefaults:
    """What the options of `message_options` say. Raises `ConfigurationError`, `InvalidMessage` or `Unsupported`."""
    picture = None if media is None else Media.from_file(media)
    return MessageDefaults(text, subject, send_at, validity, picture, vendor_options(info, vendor))


def vendor_options(info: ProviderInfo, pairs: Sequence[str]) -> tuple[VendorOptions, ...]:
    """``event_id=1234`` and the like as the vendor's own options. Raises `ConfigurationError` or `Unsupported`."""
    if not pairs:
        return ()
    if info.send_options is None:
        raise Unsupported(info.name, "options", "this vendor has none of its own")
    values: dict[str, str] = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator:
            names = ", ".join(option_names(info.send_options))
            raise ConfigurationError(f"-o {name} has no value: write NAME=VALUE with one of {names}")
        values[name] = value
    return (read_options(info.send_options, values),)
