"""Pushes: each recorded one gives its events; a repeated one the same keys; a forged one is refused."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus

import attrs
from hypothesis import given
from hypothesis import strategies as st

from sms_core.callbacks import Callback, CallbackRequest
from sms_core.client import Client
from sms_core.errors import CallbackRefused, SmsError
from sms_core.provider import Capability
from sms_core_kit.checks.base import Checks
from sms_core_kit.compare import differences, error_differences
from sms_core_kit.exchanges import RecordedCallback

FORGERIES: Mapping[str, dict[str, Any]] = {
    "empty": {"query": "", "body": b""},
    "by another method": {"method": "DELETE"},
    "garbage": {"query": "a=1&b", "body": b"\xff\x00garbage"},
    "a page": {"query": "", "body": b"<html><body>hello</body></html>", "headers": {"content-type": "text/html"}},
}
"""By name: what is changed in a recorded push, so that it is none any more."""


class PushChecks(Checks):
    """Callbacks, replayed, forged and garbled."""

    def _none_recorded(self, recorded: RecordedCallback | None) -> bool:
        """Whether there is nothing to check; then nothing may be claimed either."""
        claimed = self.subject.info.capabilities & {Capability.PUSHED_REPORTS, Capability.PUSHED_INBOUND}
        assert recorded or not claimed, "pushes are claimed, and none is recorded: [[callback]] in callbacks.toml"
        return recorded is None

    def test_a_push_gives_its_events_and_the_response(self, recorded: RecordedCallback | None) -> None:
        """Each event in each field that the file names; status, body and named headers of the response."""
        if self._none_recorded(recorded):
            return
        assert recorded is not None
        sms = self.subject.callback(recorded)
        found = _parsed(sms, recorded.request.request())
        if recorded.error is not None:
            wrong = error_differences(recorded.error, found if isinstance(found, SmsError) else None, "error")
        elif isinstance(found, SmsError):
            raise found
        else:
            wrong = differences(list(recorded.events), found.events, "events")
            wrong += recorded.response.differences(found.response)
        assert not wrong, recorded.told(wrong)

    def test_a_repeated_push_has_the_same_keys(self, recorded: RecordedCallback | None) -> None:
        """Also with its parameters in another order and its headers in capitals. Other events have other keys."""
        if self._none_recorded(recorded):
            return
        assert recorded is not None
        sms, request = self.subject.callback(recorded), recorded.request.request()
        if recorded.error is not None:
            return
        events = sms.parse_callback(request).events
        for again in (request, _reordered(recorded), _loud(request)):
            assert [one.key for one in sms.parse_callback(again).events] == [one.key for one in events]
        keys = [one.key for one in events]
        assert all(keys), "an event has no key"
        distinct = [one for place, one in enumerate(events) if one not in events[:place]]
        assert len(set(keys)) == len(distinct), "two events of one push have the same key"
        digits = [one.number[-9:] for one in events if one.number]
        assert not [one for one in digits for key in keys if one in key], "a key shows a number, and it may be logged"

    def test_a_forged_push_is_refused(self, recorded: RecordedCallback | None, forgery: str) -> None:
        """With `CallbackRefused`, and not by another error."""
        if self._none_recorded(recorded):
            return
        assert recorded is not None
        forged = attrs.evolve(recorded.request.request(), **FORGERIES[forgery])
        try:
            callback = self.subject.callback(recorded).parse_callback(forged)
        except CallbackRefused:
            return
        raise AssertionError(f"{forgery}: the push was taken, and gave {callback!r}")

    def test_a_signature_is_checked(self, recorded: RecordedCallback | None) -> None:
        """A push that came with a ``…signature`` is refused without it, with another, or if a parameter was changed."""
        if self._none_recorded(recorded):
            return
        assert recorded is not None
        request = recorded.request.request()
        name = next((one for one in request.headers if one.endswith("signature")), None)
        if name is None or recorded.error is not None:
            return
        for forgery, forged in _with_signature_broken(request, name).items():
            try:
                callback = self.subject.callback(recorded).parse_callback(forged)
            except CallbackRefused:
                continue
            raise AssertionError(f"{forgery}: the push was taken, and gave {callback!r}")

    def test_no_push_brings_the_provider_down(self, recorded: RecordedCallback | None) -> None:
        """Fields that are missing, doubled or nonsense give events or `CallbackRefused`, never another error."""
        if self._none_recorded(recorded):
            return
        assert recorded is not None
        sms, request = self.subject.callback(recorded), recorded.request.request()
        fields = "&".join(filter(None, (request.query, request.body.decode("latin-1")))).split("&")
        for place, field in enumerate(fields):
            for instead in ([], [_without_value(field)], [field, _without_value(field)], [f"{field}%FF"]):
                _survive(sms, request, [*fields[:place], *instead, *fields[place + 1 :]])
        known = st.sampled_from(fields)
        one = known | st.text(max_size=20) | st.builds(_with_value, known, st.text(max_size=20))

        @self.seeded(len(self.subject.book.callbacks))
        @given(parts=st.lists(one, max_size=8), body=st.binary(max_size=80), method=st.sampled_from(["GET", "POST"]))
        def check(parts: list[str], body: bytes, method: str) -> None:
            _survive(sms, attrs.evolve(request, method=method), parts, body)

        check()


def _parsed(sms: Client, request: CallbackRequest) -> Callback | SmsError:
    try:
        return sms.parse_callback(request)
    except SmsError as error:
        return error


def _survive(sms: Client, request: CallbackRequest, fields: list[str], body: bytes = b"") -> None:
    joined = "&".join(fields)
    for query, content in ((joined, body), ("", joined.encode("utf-8", "replace"))):
        with contextlib.suppress(CallbackRefused):
            sms.parse_callback(attrs.evolve(request, query=query, body=content))


def _with_signature_broken(request: CallbackRequest, name: str) -> dict[str, CallbackRequest]:
    headers, signature = request.headers, request.headers[name]

    def longer(more: str) -> CallbackRequest:
        if request.body:
            return attrs.evolve(request, body=request.body + more.encode())
        return attrs.evolve(request, query=request.query + more)

    return {
        "without its signature": attrs.evolve(request, headers={n: v for n, v in headers.items() if n != name}),
        "with another signature": attrs.evolve(request, headers={**headers, name: signature[::-1]}),
        "with a value changed": longer("1"),
        "with a parameter more": longer("&kit=1"),
    }


def _without_value(field: str) -> str:
    return field.partition("=")[0] + "="


def _with_value(field: str, value: str) -> str:
    return f"{field.partition('=')[0]}={quote_plus(value, errors='replace')}"


def _reordered(recorded: RecordedCallback) -> CallbackRequest:
    """The same push with its tables of parameters the other way round."""
    sent = recorded.request
    query = dict(reversed(sent.query.items())) if isinstance(sent.query, dict) else sent.query
    form = None if sent.form is None else dict(reversed(sent.form.items()))
    return attrs.evolve(sent, query=query, form=form).request()


def _loud(request: CallbackRequest) -> CallbackRequest:
    return attrs.evolve(request, headers={name.upper(): value for name, value in request.headers.items()})
