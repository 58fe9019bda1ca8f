"""The command ``sms``: ``pip install 'sms-core[cli]'``."""

from __future__ import annotations

from sms_core_cli.app import app
from sms_core_cli.garbage import collect_rarely

__all__ = ["main"]


def main() -> None:
    """Run the command with the arguments of this process, and exit with its code."""
    collect_rarely()
    app(prog_name="sms")
