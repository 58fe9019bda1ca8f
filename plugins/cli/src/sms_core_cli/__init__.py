"""The command ``sms``: ``pip install 'sms-core[cli]'``."""

from __future__ import annotations

from sms_core_cli.app import app

__all__ = ["main"]


def main() -> None:
    """Run the command with the arguments of this process, and exit with its code."""
    app(prog_name="sms")
