"""Row 9: the sandbox's page while ten thousand messages a minute arrive.

The sandbox is a process of its own, the messages come over HTTP, and Chromium has the list open. Measured are how long a
message takes to be seen, how long the page does not move, and how long opening a phone takes.
"""

from __future__ import annotations

import re
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

from playwright.sync_api import Page, sync_playwright

import sms_core
from tests.bench.figures import Figure, Target

A_MINUTE = 10_000
SECONDS = 60
IN_ONE_REQUEST = 10
SEEN = 20
"""Messages that are waited for on the page, one after the other."""
FRAMES = """() => {
    window.longest = 0;
    let last = performance.now();
    const look = (now) => { window.longest = Math.max(window.longest, now - last); last = now; requestAnimationFrame(look); };
    requestAnimationFrame(look);
}"""


def page(*, quick: bool) -> list[Figure]:
    """The row's figures."""
    seconds = SECONDS // 10 if quick else SECONDS
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with _sandbox() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        shown = browser.new_page()
        shown.goto(url)
        shown.locator("#live.on").wait_for()
        # Whoever waits for one message among many searches for it: in the list it is gone in a third of a second.
        searching = browser.new_context().new_page()
        searching.goto(f"{url}?text=mark")
        searching.locator("#live.on").wait_for()
        load = _Load(url, seconds)
        shown.evaluate(FRAMES)
        load.start()
        delays = [_delay(searching, load, mark) for mark in range(5 if quick else SEEN)]
        opening = _opening(shown)
        load.join()
        longest = shown.evaluate("window.longest")
        browser.close()
    return [
        Figure(
            9,
            "messages that arrived a minute",
            load.sent / load.took * 60,
            "/min",
            Target(0.95 * A_MINUTE, at_least=True),
        ),
        Figure(9, "until a message is seen", statistics.median(delays), "s", Target(1.5)),
        Figure(9, "to open a phone meanwhile", opening, "s", Target(2.5)),
        Figure(9, "longest time without a frame", longest / 1000, "s", Target(0.5)),
    ]


class _Load(threading.Thread):
    """Sends at an even pace, and takes what is to be seen in between."""

    def __init__(self, url: str, seconds: int) -> None:
        super().__init__(daemon=True)
        where = url.removeprefix("http://").rstrip("/")
        self.dsn = f"every8d://sandbox:sandbox-password@{where}/every8d?scheme=http"
        self.seconds = seconds
        self.sent, self.took = 0, 0.0
        self.marks: list[str] = []

    def run(self) -> None:
        began = time.perf_counter()
        with sms_core.connect(self.dsn) as sms:
            for number in range(self.seconds * A_MINUTE // 60 // IN_ONE_REQUEST):
                ahead = began + number * IN_ONE_REQUEST * 60 / A_MINUTE - time.perf_counter()
                if ahead > 0:
                    time.sleep(ahead)
                text = self.marks.pop() if self.marks else "one of many"
                first = number * IN_ONE_REQUEST
                sms.send(text, to=[f"+8869{first + index:08}" for index in range(IN_ONE_REQUEST)])
                self.sent += IN_ONE_REQUEST
        self.took = time.perf_counter() - began


def _delay(shown: Page, load: _Load, mark: int) -> float:
    began = time.perf_counter()
    load.marks.append(f"mark {mark}.")
    shown.locator("a.phone", has_text=f"mark {mark}.").first.wait_for()
    return time.perf_counter() - began


def _opening(shown: Page) -> float:
    began = time.perf_counter()
    other = shown.context.browser.new_context().new_page() if shown.context.browser else shown.context.new_page()
    href = shown.locator("a.phone").nth(20).get_attribute("href")
    other.goto(f"{shown.url.rstrip('/')}{href}")
    other.locator(".bubble").first.wait_for()
    took = time.perf_counter() - began
    other.close()
    return took


@contextmanager
def _sandbox() -> Generator[str, None, None]:
    command = [sys.executable, "-u", "-m", "sms_core_sandbox", "--port", "0", "--credit", "100000000"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8")
    try:
        assert process.stdout is not None
        found = next(match for line in process.stdout if (match := re.search(r"inbox +(\S+)$", line.rstrip())))
        yield found[1]
    finally:
        process.kill()
        process.communicate()
