"""A campaign from end to end, on this machine: ``python examples/campaign/demo.py``.

It starts the sandbox, which speaks the vendor's wire over real HTTP, and a receiver for the delivery reports that a
vendor pushes; sends recipients.csv through the real provider; waits for the reports; shows what became of everyone,
and writes results.csv. With another DSN the same lines send to real people.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import threading
import webbrowser
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
from sms_core_cli.campaign import Campaign, RowOutcome, RowResult, plan_campaign, read_table, write_results
from sms_core_sandbox import Sandbox

RECIPIENTS = Path(__file__).with_name("recipients.csv")
TOGETHER = 10
"""Recipients in one request. The vendor takes more; small requests let the progress bar move."""
LONGEST_WAIT, QUIET = 40.0, 4.0
"""Seconds to wait for reports in all, and after the last one: some handsets never report."""
SLOW = timedelta(seconds=2)
"""How late the slow handsets report."""
WIDTH_OF_A_PIPE = 120
NOT_REPORTED = "not reported"


def main(provider: str = "every8d", output: Path = Path("results.csv"), *, open_inbox: bool = False) -> int:
    """Run the demo with one of the sandbox's vendors; gives 0. Raises what goes wrong.

    ``open_inbox`` opens the sandbox's page in a browser at the end, and goes on until somebody presses Enter.
    """
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

        campaign = plan_campaign(sms, table)
        estimate = campaign.estimate
        points = "points not known beforehand" if estimate.points is None else f"about {estimate.points} points"
        console.print(
            f"{RECIPIENTS.name}: {len(table.rows)} rows, {estimate.messages} of them to send in "
            f"{estimate.requests} requests, {estimate.segments} segments, {points}."
        )
        replies: list[InboundMessage] = []
        with receiver(server, sms, campaign, replies):
            send(sms, campaign, console)
            console.print("Everything is answered. Waiting for the delivery reports that the sandbox pushes …")
            if not campaign.wait_reported(LONGEST_WAIT, QUIET) and sms.info.can(Capability.REPORTS):
                campaign.fetch_reports(sms)  # what was not pushed can be asked for
        write_results(output, table, campaign.results)

        show(campaign, console)
        for reply in replies:
            console.print(f"A recipient wrote back: {reply.text}")
        cost = "not told with the answers" if campaign.cost is None else f"{campaign.cost} points"
        console.print(f"Cost {cost}, {sms.balance().credit} left. Every row's outcome is in {output}.")
        if open_inbox:
            look(box.url, console)
        else:
            console.print("With --open the inbox opens in a browser at the end: every phone, as its owner sees it.")
    return 0


def look(url: str, console: Console) -> None:
    """Open the inbox in a browser, say so, and keep it there until somebody presses Enter."""
    is_open = webbrowser.open(f"{url}/")
    what = (
        "The inbox is open in your browser"
        if is_open
        else "No browser could be opened; the inbox is there all the same"
    )
    console.print(f"{what}: {url}/ (Enter ends the sandbox)")
    with contextlib.suppress(EOFError, KeyboardInterrupt):
        input()


def send(sms: Client, campaign: Campaign, console: Console) -> None:
    """Send it all, and let a bar show how far it is."""
    columns = (TextColumn("Sending"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("Sending", total=campaign.estimate.messages)
        for done in campaign.send(sms):
            progress.advance(task, len(done.places))


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
    accepted = [result for result in campaign.results if result.outcome is RowOutcome.ACCEPTED]
    delivered = Counter(status_of(result) for result in accepted)
    failed = Counter(
        (status_of(result), f"{result.vendor_code} {result.vendor_text}".strip())
        for result in accepted
        if status_of(result) not in {"delivered", NOT_REPORTED}
    )
    summary = Table(title="What became of them", title_justify="left")
    for header in ("", "rows", "why"):
        summary.add_column(header, overflow="fold")
    add(summary, "in the file", len(campaign.results))
    add(summary, "accepted", len(accepted))
    add(summary, "  delivered", delivered["delivered"])
    for (status, why), count in failed.most_common():
        add(summary, f"  {status}", count, why)
    if delivered[NOT_REPORTED]:
        add(summary, f"  {NOT_REPORTED}", delivered[NOT_REPORTED])
    for outcome in RowOutcome:
        if outcome is not RowOutcome.ACCEPTED:
            rows = zip(campaign.table.rows, campaign.results, strict=True)
            add_reasons(
                summary, outcome, ((row.number, result.error) for row, result in rows if result.outcome is outcome)
            )
    console.print(summary)


def status_of(result: RowResult) -> str:
    """Where an accepted row's message is."""
    return result.status.value if result.status else NOT_REPORTED


def add_reasons(summary: Table, outcome: RowOutcome, rows: Iterable[tuple[int, str]]) -> None:
    """One line for each reason, with the numbers of its rows as a spreadsheet counts them."""
    reasons: dict[str, list[int]] = {}
    for number, reason in rows:
        reasons.setdefault(reason, []).append(number)
    for reason, numbers in reasons.items():
        where = ", ".join(str(number) for number in numbers)
        noun = "row" if len(numbers) == 1 else "rows"
        add(summary, outcome.value.replace("_", " "), len(numbers), f"{reason} ({noun} {where})")


def add(summary: Table, what: str, count: int, why: str = "") -> None:
    """One line."""
    summary.add_row(what, str(count), why)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--provider", default="every8d", help="one of the sandbox's vendors")
    parser.add_argument("--output", type=Path, default=Path("results.csv"))
    parser.add_argument("--open", action="store_true", help="open the inbox in a browser at the end")
    arguments = parser.parse_args()
    sys.exit(main(arguments.provider, arguments.output, open_inbox=arguments.open))
