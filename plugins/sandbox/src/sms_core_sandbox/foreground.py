"""The sandbox in the foreground, for a person: ``python -m sms_core_sandbox`` and ``sms sandbox``."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable

from sms_core.testing import Approved
from sms_core_sandbox.box import Sandbox
from sms_core_sandbox.roots import Roots

PASSWORD_VARIABLE = "SMS_SANDBOX_PASSWORD"  # noqa: S105 - where the password is, and not the password
"""The environment variable with the password of the inbox, since a command line is seen by everybody on a machine."""


def serve(  # noqa: PLR0913 - the arguments of a sandbox
    port: int = 8025,
    host: str = "127.0.0.1",
    *,
    callback_url: str | None = None,
    filter_sees_all: bool = False,
    credit: int | None = None,
    approved_name: Iterable[str] = (),
    approved_link: Iterable[str] = (),
    approved_telephone: Iterable[str] = (),
    international: bool = True,
    root: Roots = (),
    db: str | None = None,
    keep: int | None = None,
    password: str = "",
    allow_host: Iterable[str] = (),
    allow_callback: Iterable[str] = (),
    say: Callable[[str], object] = print,
    stop: threading.Event | None = None,
) -> None:
    """Run a sandbox until Ctrl-C, or until ``stop`` is set; ``say`` gets the lines that tell how to use it.

    The other arguments are those of `Sandbox`; a password may stand in the variable ``SMS_SANDBOX_PASSWORD`` instead.
    Where any ``approved_…`` is given, the carriers check the texts. ``root`` names the vendors that get a port of their own. Raises `OSError` for a port that is taken; 0 takes a free one.
    """
    approved = Approved(approved_name, approved_link, approved_telephone)
    box = Sandbox(
        port,
        host,
        callback_url=callback_url,
        filter_sees_all=filter_sees_all,
        credit=credit,
        approved=approved if approved != Approved() else None,
        international=international,
        root=root,
        db=db,
        keep=keep,
        password=password or os.environ.get(PASSWORD_VARIABLE, ""),
        allowed_names=allow_host,
        allowed_callbacks=allow_callback,
    )
    with box:
        try:
            for line in _greeting(box):
                say(line)
            (stop or threading.Event()).wait()
        except KeyboardInterrupt:
            say("Stopped.")


def _greeting(box: Sandbox) -> list[str]:
    lines = ["The SMS sandbox is running. Nothing that is sent here leaves this machine."]
    lines += [f"  inbox        {box.url}/", f"  control API  {box.url}/_sandbox/openapi.json"]
    lines += [f"  {name:<12} {box.dsn(name)}" for name in box.faces]
    lines += [f"  {name} at the root of {box.root_url(name)}" for name in box.roots]
    if not box.faces:
        lines.append("  No installed package pretends a vendor: pip install sms-core-every8d")
    if box.callback_url:
        lines.append(f"  pushing to   {box.callback_url}")
    return [*lines, "Ctrl-C stops it."]
