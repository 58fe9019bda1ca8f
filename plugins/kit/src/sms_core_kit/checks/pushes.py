"""Pushes: each recorded one gives its events; a repeated one the same keys; a forged one is refused."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from sms_core import Client
from sms_core.callbacks import Callback, CallbackRequest
from sms_core.errors import CallbackRefused, SmsError
from sms_core_kit import garbage
from sms_core_kit.checks.base import Checks
from sms_core_kit.checks.findings import assert_nothing
from sms_core_kit.compare import differences, error_differences
from sms_core_kit.recordings import RecordedCallback

FORGERIES: Mapping[str, dict[str, Any]] = {
    "empty": {"query": "", "body": b""},
    "by another method": {"method": "DELETE"},
    "garbage": {"query": "a=1&b", "body": b"\xff\x00garbage"},
    "a page": {"query": "", "body": b"<html><body>hello</body></html>", "headers": {"content-type": "text/html"}},
}
"""By name: what is changed in a recorded push, so that it is none any more."""

FEWEST = 10
"""So many pieces of garbage are tried on each push at least."""
LONGEST_BODY = 80
"""Bytes of a body that means nothing."""


class PushChecks(Checks):
    """Callbacks, replayed, forged and garbled."""

    def a_push_gives_its_events_and_the_response(self, push: RecordedCallback) -> None:
        """Each event in each field that the file names; status, body and named headers of the response."""
        found = _parsed(self.subject.callback(push), push.request.request())
        if push.error is not None:
            wrong = error_differences(push.error, found if isinstance(found, SmsError) else None, "error")
        elif isinstance(found, SmsError):
            raise found
        else:
            wrong = differences(list(push.events), found.events, "events")
            wrong += push.response.differences(found.response)
        assert_nothing(wrong)

    def a_repeated_push_has_the_same_keys(self, push: RecordedCallback) -> None:
        """Also with its parameters in another order and its headers in capitals. Other events have other keys."""
        if push.error is not None:
            return
        sms, request = self.subject.callback(push), push.request.request()
        events = sms.parse_callback(request).events
        keys = [event.key for event in events]
        for again in (request, _reordered(push), _with_loud_headers(request)):
            assert [event.key for event in sms.parse_callback(again).events] == keys
        assert all(keys), "an event has no key"
        distinct = [event for place, event in enumerate(events) if event not in events[:place]]
        assert len(set(keys)) == len(distinct), "two events of one push have the same key"
        digits = [event.number[-9:] for event in events if event.number]
        shown = [key for key in keys if any(number in key for number in digits)]
        assert not shown, "a key shows a number, and it may be logged"

    def a_forged_push_is_refused(self, push: RecordedCallback) -> None:
        """With `CallbackRefused`, and not by another error."""
        request = push.request.request()
        for forgery, changes in FORGERIES.items():
            self._is_refused(push, forgery, attrs.evolve(request, **changes))

    def a_signature_is_checked(self, push: RecordedCallback) -> None:
        """A push that came with a ``…signature`` is refused without it, with another, or if a parameter was changed."""
        request = push.request.request()
        name = next((header for header in request.headers if header.endswith("signature")), None)
        if name is None or push.error is not None:
            return
        for forgery, forged in _with_signature_broken(request, name).items():
            self._is_refused(push, forgery, forged)

    def _is_refused(self, push: RecordedCallback, forgery: str, request: CallbackRequest) -> None:
        try:
            callback = self.subject.callback(push).parse_callback(request)
        except CallbackRefused:
            return
        raise AssertionError(f"{forgery}: the push was taken, and gave {callback!r}")

    def no_push_brings_the_provider_down(self, push: RecordedCallback) -> None:
        """Fields that are missing, doubled or nonsense give events or `CallbackRefused`, never another error."""
        sms, request = self.subject.callback(push), push.request.request()
        parts = filter(None, (request.query, request.body.decode("latin-1")))
        fields = "&".join(parts).split("&")
        for changed in _with_a_field_changed(fields):
            _survive(sms, request, changed)
        chance = garbage.seeded(0)
        pieces = max(FEWEST, self.examples // len(self.subject.book.callbacks))
        for shuffled in garbage.shuffled_fields(fields, pieces):
            method = chance.choice(["GET", "POST"])
            body = chance.randbytes(chance.randrange(LONGEST_BODY))
            _survive(sms, attrs.evolve(request, method=method), shuffled, body)


def _parsed(sms: Client, request: CallbackRequest) -> Callback | SmsError:
    try:
        return sms.parse_callback(request)
    except SmsError as error:
        return error


def _with_a_field_changed(fields: list[str]) -> Iterator[list[str]]:
    """The fields with each of them in turn missing, empty, doubled or with a byte that is no UTF-8."""
    for place, field in enumerate(fields):
        empty = field.partition("=")[0] + "="
        for instead in ([], [empty], [field, empty], [f"{field}%FF"]):
            yield [*fields[:place], *instead, *fields[place + 1 :]]


def _survive(sms: Client, request: CallbackRequest, fields: list[str], body: bytes = b"") -> None:
    joined = "&".join(fields)
    for query, content in ((joined, body), ("", joined.encode("utf-8", "replace"))):
        with contextlib.suppress(CallbackRefused):
            sms.parse_callback(attrs.evolve(request, query=query, body=content))


def _with_signature_broken(request: CallbackRequest, name: str) -> dict[str, CallbackRequest]:
    headers, signature = request.headers, request.headers[name]
    unsigned = {header: value for header, value in headers.items() if header != name}

    def longer(more: str) -> CallbackRequest:
        if request.body:
            return attrs.evolve(request, body=request.body + more.encode())
        return attrs.evolve(request, query=request.query + more)

    return {
        "without its signature": attrs.evolve(request, headers=unsigned),
        "with another signature": attrs.evolve(request, headers={**headers, name: signature[::-1]}),
        "with a value changed": longer("1"),
        "with a parameter more": longer("&kit=1"),
    }


def _reordered(push: RecordedCallback) -> CallbackRequest:
    """The same push with its tables of parameters the other way round."""
    sent = push.request
    query = dict(reversed(sent.query.items())) if isinstance(sent.query, dict) else sent.query
    form = None if sent.form is None else dict(reversed(sent.form.items()))
    return attrs.evolve(sent, query=query, form=form).request()


def _with_loud_headers(request: CallbackRequest) -> CallbackRequest:
    return attrs.evolve(request, headers={name.upper(): value for name, value in request.headers.items()})
