"""A campaign from end to end, on this machine: ``python examples/campaign/demo.py``.

It starts the sandbox, which speaks the vendor's wire over real HTTP, and a receiver for the delivery reports that a
vendor pushes; sends recipients.csv through the real provider; waits for the reports; shows what became of everyone,
and writes results.csv. With another DSN the same lines send to real people.
"""

from __future__ import annotations

import argparse
import sys
import threading
from collections import Counter
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

import sms_core
from sms_core import (
    CallbackRefused,
    CallbackRequest,
    CallbackResponse,
    Capability,
    Client,
    DeliveryReport,
    InboundMessage,
)
from sms_core_cli.campaign import Campaign, RowOutcome, prepare, read_table, write_results
from sms_core_sandbox import Sandbox

RECIPIENTS = Path(__file__).with_name("recipients.csv")
TOGETHER = 10
"""Recipients in one request. The vendor takes more; small requests let the progress bar move."""
LONGEST_WAIT, QUIET = 40.0, 4.0
"""Seconds to wait for reports in all, and after the last one: some handsets never report."""
SLOW = timedelta(seconds=2)
"""How late the slow handsets report."""
WIDTH_OF_A_PIPE = 120


def main(provider: str = "every8d", output: Path = Path("results.csv")) -> int:
    """Run the demo with one of the sandbox's vendors; gives 0. Raises what goes wrong."""
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = WIDTH_OF_A_PIPE
    table = read_table(RECIPIENTS.read_bytes())
    with (
        Sandbox(slow=SLOW) as box,
        listening(box) as server,
        sms_core.connect(box.dsn(provider, batch_size=TOGETHER)) as sms,
    ):
        console.print(f"The sandbox pretends {sms.info.title} at {box.url}, where a browser finds its inbox.")
        console.print(f"The account has {sms.balance().credit} points.")

        campaign = prepare(sms, table)
        plan = campaign.estimate
        points = "points not known beforehand" if plan.points is None else f"about {plan.points} points"
        console.print(
            f"{RECIPIENTS.name}: {len(table.rows)} rows, {plan.messages} of them to send in {plan.requests} requests, "
            f"{plan.segments} segments, {points}."
        )
        replies: list[InboundMessage] = []
        with receiver(server, sms, campaign, replies):
            send(sms, campaign, console)
            console.print("Everything is answered. Waiting for the delivery reports that the sandbox pushes …")
            if not campaign.wait_reported(LONGEST_WAIT, QUIET) and sms.info.can(Capability.REPORTS):
                campaign.fetch_reports(sms)  # what was not pushed can be asked for
        write_results(output, table, campaign.standings)

        show(campaign, console)
        for reply in replies:
            console.print(f"A recipient wrote back: {reply.text}")
        cost = "not told with the answers" if campaign.cost is None else f"{campaign.cost} points"
        console.print(f"Cost {cost}, {sms.balance().credit} left. Every row's fate is in {output}.")
    return 0


def send(sms: Client, campaign: Campaign, console: Console) -> None:
    """Send it all, and let a bar show how far it is."""
    columns = (TextColumn("Sending"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("Sending", total=campaign.estimate.messages)
        for step in campaign.send(sms):
            progress.advance(task, len(step.batch.letters))


@contextmanager
def listening(box: Sandbox) -> Generator[ThreadingHTTPServer, None, None]:
    """A server on a free port to which the sandbox pushes, for `receiver`.

    It is there before the client is: where a vendor signs its pushes, the address is a part of what is signed.
    """
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        box.callback_url = f"http://127.0.0.1:{server.server_address[1]}/sms"
        yield server


@contextmanager
def receiver(
    server: ThreadingHTTPServer, sms: Client, campaign: Campaign, replies: list[InboundMessage]
) -> Generator[None, None, None]:
    """Take what the vendor pushes, and answer as it expects."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = CallbackRequest(self.command, path, query, dict(self.headers), body, self.client_address[0])
            try:
                callback = sms.parse_callback(request)
            except CallbackRefused as error:
                self.answer(CallbackResponse(error.status))
                return
            for event in callback.events:
                if isinstance(event, DeliveryReport):
                    campaign.note(event)
                else:
                    replies.append(event)
            self.answer(callback.response)

        do_POST = do_GET  # noqa: N815 - http.server's name

        def answer(self, response: CallbackResponse) -> None:
            self.send_response(response.status)
            for name, value in response.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(response.body)))
            self.end_headers()
            self.wfile.write(response.body)

        def log_message(self, *_: object) -> None:
            """Say nothing: the paths hold numbers."""

    server.RequestHandlerClass = Handler
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


def show(campaign: Campaign, console: Console) -> None:
    """What became of the rows: how many, and why not."""
    rows = list(zip(campaign.table.rows, campaign.standings, strict=True))
    accepted = [one for _, one in rows if one.outcome is RowOutcome.ACCEPTED]
    delivered = Counter(one.status.value if one.status else "not reported" for one in accepted)
    failed = Counter(
        (one.status.value, f"{one.vendor_code} {one.vendor_text}".strip())
        for one in accepted
        if one.status and one.status.value != "delivered"
    )
    summary = Table(title="What became of them", title_justify="left")
    for header in ("", "rows", "why"):
        summary.add_column(header, overflow="fold")
    add(summary, "in the file", len(rows))
    add(summary, "accepted", len(accepted))
    add(summary, "  delivered", delivered["delivered"])
    for (status, why), count in failed.most_common():
        add(summary, f"  {status}", count, why)
    if delivered["not reported"]:
        add(summary, "  not reported", delivered["not reported"])
    for outcome in RowOutcome:
        if outcome is not RowOutcome.ACCEPTED:
            add_reasons(summary, outcome, ((row.number, one.error) for row, one in rows if one.outcome is outcome))
    console.print(summary)


def add_reasons(summary: Table, outcome: RowOutcome, rows: Iterable[tuple[int, str]]) -> None:
    """One line for each reason, with the numbers of its rows as a spreadsheet counts them."""
    reasons: dict[str, list[int]] = {}
    for number, reason in rows:
        reasons.setdefault(reason, []).append(number)
    for reason, numbers in reasons.items():
        where = f"row{'s' if len(numbers) > 1 else ''} {', '.join(str(number) for number in numbers)}"
        add(summary, outcome.value.replace("_", " "), len(numbers), f"{reason} ({where})")


def add(summary: Table, what: str, count: int, why: str = "") -> None:
    """One line."""
    summary.add_row(what, str(count), why)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--provider", default="every8d", help="one of the sandbox's vendors")
    parser.add_argument("--output", type=Path, default=Path("results.csv"))
    arguments = parser.parse_args()
    sys.exit(main(arguments.provider, arguments.output))
