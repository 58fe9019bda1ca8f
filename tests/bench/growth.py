"""Row 7: what a send costs with many vendors installed, and with middleware; and what `connect` costs then."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from tests.bench.figures import Figure, Target
from tests.engine.installed.distributions import Site, plugin

VENDOR = """
from sms_core import Capability, Limits, ProviderInfo, Outcome, RecipientOutcome, SendResult, hookimpl
from sms_core.provider import form_request

@hookimpl
def sms_describe():
    return ProviderInfo("{name}", "{name}", {{Capability.SEND}}, Limits(1), default_host="vendor.invalid")

@hookimpl
def sms_send(account, session, operation):
    (destination,) = operation.destinations
    return form_request(account.base_url, {{"to": destination.number, "text": destination.text}})

@hookimpl
def sms_parse_response(account, operation, response):
    (destination,) = operation.destinations
    row = RecipientOutcome(destination.number, Outcome.ACCEPTED, "1", destination.reference)
    return SendResult((row,), accepted=1, batches=("1",))
"""

MEASURE = """
import time
from sms_core import hookimpl
from sms_core.http import Response

class Answers:
    def send(self, request):
        return Response(200)
    def close(self):
        pass

class Passing:
    @hookimpl(wrapper=True)
    def sms_perform(self, provider, operation):
        flow = yield
        return self.passed(flow)
    def passed(self, flow):
        return (yield from flow)

def microseconds(job, count):
    started = time.perf_counter()
    for _ in range(count):
        job()
    return (time.perf_counter() - started) / count * 1e6

def client(name, middlewares=0):
    plugins = [Passing() for _ in range(middlewares)]
    return sms_core.connect(f"{name}://u:p@", transport=Answers(), plugins=plugins)

names = sys.argv[1:]
first = microseconds(lambda: client(names[0]), 1)
again = microseconds(lambda: client(names[0]), 50)
others = [microseconds(lambda: client(name), 1) for name in names[1:]]
clients = {count: client(names[0], count) for count in (0, 1, 5)}
spent = {count: [] for count in clients}
for _ in range(40):
    for count, sms in clients.items():
        spent[count].append(microseconds(lambda: sms.send("text", to="0900000001"), 25))
print(json.dumps({"first": first, "again": again, "others": others, "sends": {n: min(found) for n, found in spent.items()}}))
"""


def growth(*, quick: bool) -> list[Figure]:
    """With 1, 10 and 100 vendors installed, in turn."""
    rounds = 3 if quick else 11
    found: dict[int, list[dict[str, object]]] = {1: [], 10: [], 100: []}
    with tempfile.TemporaryDirectory() as folder:
        sites = {}
        for count in found:
            sites[count] = Site(Path(folder) / str(count))
            names = [f"vendor{number}" for number in range(count)]
            sites[count].install(plugin(name, VENDOR.format(name=name)) for name in names)
        for _ in range(rounds):
            for count, site in sites.items():
                found[count].append(site.ask(MEASURE, *(f"vendor{number}" for number in range(count))))
    sends = {
        (vendors, middlewares): min(answer["sends"][str(middlewares)] for answer in answers)  # type: ignore[index]
        for vendors, answers in found.items()
        for middlewares in (0, 1, 5)
    }
    one = sends[1, 0]
    hundred = found[100]
    first = statistics.median(float(str(answer["first"])) for answer in hundred)
    again = statistics.median(float(str(answer["again"])) for answer in hundred)
    return [
        Figure(7, "a send, 1 vendor installed", one, "µs"),
        Figure(7, "a send, 10 vendors installed", sends[10, 0] / one, "of 1 vendor", Target(1.05)),
        Figure(7, "a send, 100 vendors installed", sends[100, 0] / one, "of 1 vendor", Target(1.05)),
        Figure(7, "one middleware", sends[1, 1] - one, "µs", Target(15)),
        Figure(7, "each of five middlewares", (sends[1, 5] - one) / 5, "µs", Target(15)),
        Figure(7, "the first connect of 100 vendors", first, "µs"),
        Figure(7, "connect again", again, "µs"),
    ]
