"""A campaign from end to end, on this machine: ``python examples/campaign/demo.py``.

It starts the sandbox, which speaks the vendor's wire over real HTTP, and a receiver for the delivery reports that a
vendor pushes; sends recipients.csv through the real provider; waits for the reports; shows what became of everyone,
and writes results.csv. With another DSN the same lines send to real people.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import threading
import time
import webbrowser
from collections import Counter
from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
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
from sms_core_cli.campaign import (
    Place,
    RowOutcome,
    RowResult,
    Run,
    Sending,
    Store,
    begin_run,
    export,
    open_table,
    plan_campaign,
)
from sms_core_cli.campaign import send as send_run
from sms_core_outbox import State
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
LOOK = 0.1
"""Seconds between two looks at how far it is."""


def main(provider: str = "every8d", output: Path = Path("results.csv"), *, open_inbox: bool = False) -> int:
    """Run the demo with one of the sandbox's vendors; gives 0. Raises what goes wrong.

    ``open_inbox`` opens the sandbox's page in a browser at the end, and goes on until somebody presses Enter.
    """
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = WIDTH_OF_A_PIPE
    with (
        Sandbox(slow=SLOW) as box,
        listening(box) as server,
        sms_core.connect(box.dsn(provider, batch_size=TOGETHER)) as sms,
        tempfile.TemporaryDirectory() as folder,
        # A campaign of yours keeps its run where it can be found again: place_of(RECIPIENTS) is beside the file.
        Store(Place(Path(folder, "recipients.csv.sms")), sms) as store,
    ):
        console.print(f"The sandbox pretends {sms.info.title} at {box.url}, where a browser finds its inbox.")
        console.print(f"The account has {sms.balance().credit} points.")

        run = begin_run(store)
        with plan_campaign(sms, open_table(RECIPIENTS), run=run) as planned:
            estimate = planned.estimate
            points = "points not known beforehand" if estimate.points is None else f"about {estimate.points} points"
            console.print(
                f"{RECIPIENTS.name}: {planned.rows} rows, {estimate.messages} of them to send in "
                f"{estimate.requests} requests, {estimate.segments} segments, {points}."
            )
            run.add(planned, sms)
        replies: list[InboundMessage] = []
        with receiver(server, sms, run, replies):
            sending = send(run, estimate.messages, console)
            console.print("Everything is answered. Waiting for the delivery reports that the sandbox pushes …")
            if not wait_reported(run) and sms.info.can(Capability.REPORTS):
                run.fetch_reports(sms)  # what was not pushed can be asked for
        export(run, output)

        show(run, console)
        for reply in replies:
            console.print(f"A recipient wrote back: {reply.text}")
        cost = "not told with the answers" if sending.cost is None else f"{sending.cost} points"
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


def send(run: Run, messages: int, console: Console) -> Sending:
    """Send it all, and let a bar show how far it is."""
    columns = (TextColumn("Sending"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with ThreadPoolExecutor(1) as pool, Progress(*columns, console=console) as progress:
        task = progress.add_task("Sending", total=messages)
        sending = pool.submit(send_run, run)
        while not sending.done():
            progress.update(task, completed=messages - waiting(run))
            time.sleep(LOOK)
        progress.update(task, completed=messages - waiting(run))
        return sending.result()


def waiting(run: Run) -> int:
    """How many rows have no answer yet."""
    states = run.states()
    return states[State.READY] + states[State.SENDING]


def wait_reported(run: Run) -> bool:
    """Wait until every accepted row has a final report: True; False after `LONGEST_WAIT`, or if none came for `QUIET`."""
    deadline = time.monotonic() + LONGEST_WAIT
    heard, latest = run.overview().statuses, time.monotonic()
    while run.awaits_reports():
        now = time.monotonic()
        if now > deadline or now > latest + QUIET:
            return False
        time.sleep(LOOK)
        statuses = run.overview().statuses
        if statuses != heard:
            heard, latest = statuses, time.monotonic()
    return True


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
    server: ThreadingHTTPServer, sms: Client, run: Run, replies: list[InboundMessage]
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
                    run.record(event)
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


def show(run: Run, console: Console) -> None:
    """What became of the rows: how many, and why not."""
    rows = list(run.rows())
    accepted = [row.result for row in rows if row.result.outcome is RowOutcome.ACCEPTED]
    delivered = Counter(status_of(result) for result in accepted)
    failed = Counter(
        (status_of(result), f"{result.vendor_code} {result.vendor_text}".strip())
        for result in accepted
        if status_of(result) not in {"delivered", NOT_REPORTED}
    )
    summary = Table(title="What became of them", title_justify="left")
    for header in ("", "rows", "why"):
        summary.add_column(header, overflow="fold")
    add(summary, "in the file", len(rows))
    add(summary, "accepted", len(accepted))
    add(summary, "  delivered", delivered["delivered"])
    for (status, why), count in failed.most_common():
        add(summary, f"  {status}", count, why)
    if delivered[NOT_REPORTED]:
        add(summary, f"  {NOT_REPORTED}", delivered[NOT_REPORTED])
    for outcome in RowOutcome:
        if outcome is not RowOutcome.ACCEPTED:
            add_reasons(
                summary, outcome, ((row.number, row.result.error) for row in rows if row.result.outcome is outcome)
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
