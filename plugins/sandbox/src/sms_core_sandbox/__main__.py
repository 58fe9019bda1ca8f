"""``python -m sms_core_sandbox``: run the sandbox in the foreground."""

from __future__ import annotations

import argparse

from sms_core_sandbox.foreground import serve
from sms_core_sandbox.roots import named_port

ROOT_HELP = "serve a vendor at the root of a port of its own too; may be given several times"


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m sms_core_sandbox", description="SMS vendors on your own machine.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8025, help="port, 0 for a free one (default: %(default)s)")
    parser.add_argument("--callback-url", help="where reports and replies are pushed")
    parser.add_argument("--credit", type=int, help="what each account begins with, in its vendor's unit")
    for name, what in (("name", "a sender's name"), ("link", "a link"), ("telephone", "a telephone number")):
        meaning = f"{what} that the accounts have registered; any of these has the carriers check the texts"
        parser.add_argument(f"--approved-{name}", action="append", default=[], metavar="TEXT", help=meaning)
    parser.add_argument("--no-international", dest="international", action="store_false", help="no texts abroad")
    parser.add_argument("--filter-sees-all", action="store_true", help="duplicate filters know plain sends too")
    parser.add_argument("--root", action="append", default=[], type=named_port, metavar="VENDOR[=PORT]", help=ROOT_HELP)
    parser.add_argument("--db", metavar="FILE", help="keep the messages in this file, across restarts")
    parser.add_argument("--keep", type=int, metavar="N", help="messages to keep (default: 100000, all in a file)")
    parser.add_argument("--password", default="", help="of the inbox; or in SMS_SANDBOX_PASSWORD")
    parser.add_argument("--allow-host", action="append", default=[], metavar="NAME", help="a name that the inbox has")
    parser.add_argument("--allow-callback", action="append", default=[], metavar="HOST", help="a host to push to")
    given = parser.parse_args(arguments)
    given.root = dict(given.root)
    serve(**vars(given))


if __name__ == "__main__":
    main()
