"""Row 4: whole processes that import, by the time of their processor."""

from __future__ import annotations

import os
import resource
import subprocess
import sys

from tests.bench.figures import Figure, Target, ratio

COMMANDS = {
    "import urllib3": "import urllib3",
    "a message": "from sms_core import Message",
    "a first client": "import sms_core; sms_core.connect('every8d://UID:PWD@')",
    "import httpx": "import httpx",
    "import requests": "import requests",
    "import twilio": "from twilio.rest import Client",
    "import vonage-sms": "from vonage_sms import Sms",
}
TARGETS = {"a message": Target(0.75), "a first client": Target(1.8)}


def _seconds(code: str) -> float:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def imports(*, quick: bool) -> list[Figure]:
    """Each command beside ``import urllib3``."""
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for code in COMMANDS.values():
        _seconds(code)  # writes the bytecode
    for _ in range(7 if quick else 41):
        for name, code in COMMANDS.items():
            seconds[name].append(_seconds(code))
    base = seconds.pop("import urllib3")
    return [Figure(4, name, ratio(spent, base), "of urllib3", TARGETS.get(name)) for name, spent in seconds.items()]
