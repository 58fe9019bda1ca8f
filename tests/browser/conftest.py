"""One Chromium for all tests of the page: the system's, for Playwright's own cannot be had everywhere."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from sms_core_sandbox import Sandbox

NAMES = ("chromium", "chromium-browser", "google-chrome")
MISSING = "no Chromium here: `nox -s tests` installs Debian's packages chromium and fonts-noto-cjk where it may"
SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"


# Not for the session: while Playwright runs, its thread seems to be in an event loop.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = [path for name in NAMES if (path := shutil.which(name))]
    if not found:
        pytest.fail(MISSING, pytrace=False)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found[0], args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(faces=["every8d"], push_delay=0.0, push_interval=0.05) as made:
        yield made


class Look:
    """A page of the sandbox in a browser of its own settings."""

    def __init__(self, browser: Browser, box: Sandbox) -> None:
        self._browser = browser
        self._contexts: list[Any] = []
        self.box = box
        self.errors: list[str] = []

    def __call__(self, path: str = "/", *, width: int = 1280, height: int = 800, **settings: Any) -> Any:
        context = self._browser.new_context(viewport={"width": width, "height": height}, **settings)
        context.set_default_timeout(10_000)
        self._contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        page.goto(self.box.url + path)
        page.locator("#live.on").wait_for()
        return page

    def keep(self, page: Any, name: str) -> None:
        """Keep a picture of the page: who changes it looks at them."""
        page.screenshot(path=SCREENSHOTS / f"{name}.png")

    def close(self) -> None:
        for context in self._contexts:
            context.close()


@pytest.fixture
def look(browser: Browser, box: Sandbox) -> Iterator[Look]:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    looking = Look(browser, box)
    yield looking
    looking.close()
    assert looking.errors == []
