"""The command ``sms``. Its libraries, click and rich, come with the extra: ``pip install 'sms-core[cli]'``."""

from __future__ import annotations

import sys
from importlib.util import find_spec

NEEDED = ("click", "rich")
MISSING = 2


def main() -> None:
    """Run the command with the arguments of this process, and exit with its code."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        sys.stderr.write(f"sms needs {' and '.join(missing)}: pip install 'sms-core[cli]'\n")
        sys.exit(MISSING)
    from sms_core.cli.app import app  # noqa: PLC0415 - only now it is known that this can be imported

    app(prog_name="sms")
