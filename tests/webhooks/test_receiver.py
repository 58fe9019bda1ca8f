"""What a receiver refuses to be, whom it lets in, and what it makes of odd handlers and providers."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine, Generator
from typing import Any
from urllib.parse import urlencode

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import sms_core
from sms_core import (
    Callback,
    CallbackRefused,
    CallbackRequest,
    CallbackResponse,
    ConfigurationError,
    DeliveryReport,
    DeliveryStatus,
    MalformedResponse,
    ProviderInfo,
    Unsupported,
)
from sms_core.webhooks import Event, Handler, Receiver, new_secret
from tests.webhooks.serving import DSNS, EVERY8D, SECRET, Calls, receiver

QUERY = urlencode(EVERY8D.fields)


def get(path: str = f"/every8d/{SECRET}", remote_addr: str = "", **headers: str) -> CallbackRequest:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return CallbackRequest("GET", path, QUERY, names, remote_addr=remote_addr)


@attrs.frozen
class Invented:
    """A client of a provider that somebody else wrote: its parser does as it is told."""

    parse: Callable[[CallbackRequest], Callback]
    info: ProviderInfo = sms_core.connect(DSNS["every8d"]).info

    def parse_callback(self, request: CallbackRequest) -> Callback:
        return self.parse(request)


REPORT = DeliveryReport("+886900000001", DeliveryStatus.DELIVERED, "b1", key="k1")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"secrets": ()}, "without a secret"),
        ({"secrets": ""}, "without a secret"),
        ({"secrets": (), "networks": ["10.0.0.0/8"]}, "without a secret"),
        ({"secrets": "short"}, "16 characters"),
        ({"secrets": [SECRET, ""]}, "16 characters"),
        ({"secrets": ["with/slash-and-many-others"]}, "part of a URL"),
        ({"secrets": ["密" * 20]}, "part of a URL"),
        ({"insecure": True}, "contradiction"),
        ({"networks": ["10.0.0.1/8"]}, "no network"),
        ({"networks": ["everywhere"]}, "no network"),
        ({"networks": "2"}, "no network"),
        ({"trusted_proxies": -1}, "0 or more"),
    ],
)
def test_a_wrong_set_up_is_refused(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason) as caught:
        receiver(Calls(), **options)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("clients", [{}, {"a/b": DSNS["every8d"]}, {"": DSNS["every8d"]}, {"..": DSNS["every8d"]}])
def test_wrong_clients_are_refused(clients: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError):
        Receiver(clients, Calls(), secrets=SECRET)


def test_a_vendor_that_pushes_nothing_is_refused() -> None:
    with pytest.raises(Unsupported, match="pushed reports"):
        Receiver({"memory": "memory://nobody"}, Calls(), secrets=SECRET)


def test_a_dsn_and_a_client_are_the_same() -> None:
    calls = Calls()
    with sms_core.connect(DSNS["every8d"]) as sms:
        made = Receiver({"every8d": sms, "other": DSNS["every8d"]}, calls, secrets=SECRET)
        assert made.names == ("every8d", "other")
        assert [made.receive(get(f"/{name}/{SECRET}")).status for name in made.names] == [200, 200]


def test_its_repr_shows_names_alone() -> None:
    assert repr(receiver(Calls())) == "<Receiver of every8d, mitake, sms-get, smsgo, twilio>"


def test_new_secrets_differ_and_are_taken() -> None:
    made = [new_secret() for _ in range(20)]
    assert len(set(made)) == 20
    assert all(len(secret) >= 43 for secret in made)
    receiver(Calls(), secrets=made)


def test_several_secrets_count_at_once_so_that_one_can_be_replaced() -> None:
    old, new = new_secret(), new_secret()
    for secrets in (f"{old} {new}", [old, new], (new, old)):
        made = receiver(Calls(), secrets=secrets)
        assert [made.receive(get(f"/every8d/{secret}")).status for secret in (old, new, SECRET)] == [200, 200, 404]


def test_without_a_secret_the_name_alone_is_the_address() -> None:
    made = receiver(Calls(), secrets=(), insecure=True)
    paths = ["/every8d", "/every8d/", f"/every8d/{SECRET}", "/nobody", "/", "", "every8d"]
    assert [made.receive(get(path)).status for path in paths] == [200, *[404] * 6]


@pytest.mark.parametrize(
    ("remote_addr", "status"),
    [
        ("203.0.113.7", 200),
        ("203.0.114.7", 403),
        ("::ffff:203.0.113.7", 200),
        ("2001:db8::7", 200),
        ("2001:db9::7", 403),
        ("198.51.100.9", 200),
        ("", 403),
        ("unix:", 403),
    ],
)
def test_only_these_networks(remote_addr: str, status: int) -> None:
    made = receiver(Calls(), networks=["203.0.113.0/24", "2001:db8::/32", "::ffff:198.51.100.0/120"])
    assert made.receive(get(remote_addr=remote_addr, X_Forwarded_For="203.0.113.7")).status == status


@pytest.mark.parametrize(
    ("forwarded", "proxies", "status"),
    [
        ("203.0.113.7", 1, 200),
        ("10.0.0.1", 1, 403),
        ("203.0.113.7, 10.0.0.1", 1, 403),  # the first is what the caller says of itself
        ("10.0.0.1, 203.0.113.7", 1, 200),
        ("203.0.113.7, 10.0.0.1", 2, 200),
        ("203.0.113.7, 203.0.113.8, 10.0.0.1", 2, 200),
        ("203.0.113.7", 2, 403),  # fewer than there are proxies: somebody came past one
        ("", 1, 403),
        ("203.0.113.7:4711", 1, 200),
        ("[::ffff:203.0.113.7]:4711", 1, 200),
        ("[2001:db8::7]:4711", 1, 200),
        ("2001:db8::7", 1, 200),
        ('"[2001:db8::7]"', 1, 200),
        ("203.0.113.7,", 1, 403),
        ("unknown", 1, 403),
    ],
)
def test_behind_proxies_the_address_is_that_which_the_first_of_them_saw(
    forwarded: str, proxies: int, status: int
) -> None:
    made = receiver(Calls(), networks=["203.0.113.0/24", "2001:db8::/32"], trusted_proxies=proxies)
    assert made.receive(get(remote_addr="203.0.113.7", X_Forwarded_For=forwarded)).status == status


def test_an_event_of_a_provider_without_keys_is_told_by_what_is_in_it() -> None:
    calls = Calls()
    reports = [attrs.evolve(REPORT, key="", batch_id=batch) for batch in ("b1", "b2", "b1")]
    made = Receiver({"x": Invented(lambda _: Callback(tuple(reports)))}, calls, secrets=SECRET)
    assert [made.receive(get(f"/x/{SECRET}")).status for _ in range(2)] == [200, 200]
    assert [event.batch_id for event in calls.handled] == ["b1", "b2"]
    assert len({event.key for event in calls.handled if event.key}) == 2


def test_a_push_of_nothing_of_interest_is_acknowledged() -> None:
    calls = Calls()
    answer = CallbackResponse(202, {"content-type": "text/x"}, b"noted")
    made = Receiver({"x": Invented(lambda _: Callback((), answer))}, calls, secrets=SECRET)
    assert made.receive(get(f"/x/{SECRET}")) == answer
    assert calls.events == []


def test_a_provider_never_sees_the_secret() -> None:
    seen: list[CallbackRequest] = []

    def parse(request: CallbackRequest) -> Callback:
        seen.append(request)
        return Callback((REPORT,))

    Receiver({"x": Invented(parse)}, Calls(), secrets=SECRET).receive(get(f"/x/{SECRET}", Host="h"))
    assert seen == [attrs.evolve(get("/x"), headers={"host": "h"})]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (CallbackRefused("not ours", 409), 409),
        (MalformedResponse("no MOBILE"), 400),
        (KeyError("RM"), 500),
        (Unsupported("x", "y"), 500),
    ],
)
def test_what_a_provider_raises_decides_the_answer(error: Exception, status: int) -> None:
    def parse(request: CallbackRequest) -> Callback:
        raise error

    made = Receiver({"x": Invented(parse)}, Calls(), secrets=SECRET)
    assert made.receive(get(f"/x/{SECRET}")).status == status


def test_a_provider_that_wants_no_get_is_not_said_to_allow_it() -> None:
    def parse(request: CallbackRequest) -> Callback:
        raise CallbackRefused("POST only", 405)

    made = Receiver({"x": Invented(parse)}, Calls(), secrets=SECRET)
    assert made.receive(get(f"/x/{SECRET}")).headers["allow"] == "POST"


class AsyncCall:
    async def __call__(self, event: Event) -> None:
        """An object may be a handler too."""


async def _async(event: Event) -> None:
    """The plainest of them."""


@pytest.mark.parametrize("handler", [_async, AsyncCall(), functools.partial(_async), AsyncCall().__call__])
def test_an_async_handler_needs_a_loop(handler: Handler) -> None:
    made = receiver(handler)
    with pytest.raises(ConfigurationError, match="ASGI"):
        made.wsgi  # noqa: B018 - the property refuses
    with pytest.raises(ConfigurationError, match="ASGI"):
        made.receive(get())
    assert asyncio.run(made.receive_async(get())).status == 200


def _generates(event: Event) -> Generator[None, None, None]:
    yield


@pytest.mark.parametrize("handler", [_generates, None, "print"])
def test_what_is_no_handler_is_refused(handler: Any) -> None:
    with pytest.raises(ConfigurationError, match="handler"):
        receiver(handler)


def test_a_plain_handler_that_gives_back_a_coroutine_did_nothing_and_is_a_failure() -> None:
    def handle(event: Event) -> Coroutine[Any, Any, None]:
        return _async(event)

    made = receiver(handle)
    assert [made.receive(get()).status for _ in range(2)] == [500, 500]


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit])
def test_an_interruption_passes_and_the_event_is_not_handled(interruption: type[BaseException]) -> None:
    calls = Calls(errors=[interruption()])  # type: ignore[list-item]
    made = receiver(calls)
    with pytest.raises(interruption):
        made.receive(get())
    assert made.receive(get()).status == 200
    assert len(calls.handled) == 1


def test_a_handler_that_raises_stop_iteration_fails_like_any_other() -> None:
    calls = Calls(errors=[StopIteration("odd")])
    made = receiver(calls)
    assert [made.receive(get()).status for _ in range(2)] == [500, 200]


segments = st.sampled_from(["", "every8d", "sms-get", "smsgo", SECRET, "%", "..", "\x00", "\ud800"]) | st.text()
headers = st.dictionaries(
    st.sampled_from(["content-length", "content-type", "x-forwarded-for", "transfer-encoding"]) | st.text(),
    st.sampled_from(["application/x-www-form-urlencoded", "1", "9" * 5000]) | st.text(),
)
pieces = st.sampled_from(
    ["BatchID=b", "RM=%2520", "RM=%FF", "STATUS=x", "STATUS=100", "msgid=1", "content=a|b", "&", "="]
)


@given(
    method=st.sampled_from(["GET", "POST"]) | st.text(),
    path=st.lists(segments).map("/".join) | st.sampled_from([f"/{name}/{SECRET}" for name in DSNS]),
    query=st.lists(pieces).map("&".join) | st.text(),
    headers=headers,
    body=st.binary(),
    remote_addr=st.text(),
    proxies=st.integers(0, 3),
)
@example("GET", f"/every8d/{SECRET}", "BatchID=b&RM=%2520&STATUS=100", {}, b"", "", 0)
def test_whatever_comes_is_a_refusal_or_a_push_and_never_an_error(
    method: str, path: str, query: str, headers: dict[str, str], body: bytes, remote_addr: str, proxies: int
) -> None:
    calls = Calls()
    made = receiver(calls, networks=["0.0.0.0/0"] if proxies else (), trusted_proxies=proxies)
    answer = made.receive(CallbackRequest(method, path, query, headers, body, remote_addr))
    assert 400 <= answer.status < 500 if not calls.handled else answer.status == 200
