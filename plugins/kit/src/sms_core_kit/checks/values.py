"""What comes out is a value: its times are aware, and it crosses processes and queues unchanged."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import attrs

from sms_core.errors import SendError, SmsError
from sms_core.serialize import from_json, to_data, to_json
from sms_core_kit.checks.base import Checks
from sms_core_kit.recordings import RecordedCallback, Recording


def times_in(value: object, where: str) -> Iterator[tuple[str, datetime]]:
    """Every time in a value, with its place."""
    match value:
        case datetime():
            yield where, value
        case Mapping():
            for name, item in value.items():
                yield from times_in(item, f"{where}[{name!r}]")
        case list() | tuple():
            for position, item in enumerate(value):
                yield from times_in(item, f"{where}[{position}]")
        case SendError():
            yield from times_in(value.result, f"{where}.result")
        case _:
            for field in getattr(type(value), "__attrs_attrs__", ()):
                yield from times_in(getattr(value, field.name), f"{where}.{field.name}")


class ValueChecks(Checks):
    """Results, errors and events."""

    def _values(self, recording: Recording) -> list[Any]:
        played = self.subject.played(recording)
        results = played.value if isinstance(played.value, list) else [played.value]
        return [value for value in [*results, played.error] if value is not None]

    def times_are_aware(self, recording: Recording) -> None:
        """Every time in a result or an error has a zone."""
        _assert_aware(self._values(recording), "result")

    def results_can_be_pickled(self, recording: Recording) -> None:
        """Results, and errors too, come back from another process as they were."""
        for value in self._values(recording):
            _assert_pickles(value)

    def results_come_back_from_json(self, recording: Recording) -> None:
        """`sms_core.serialize` takes a result apart and puts it together again."""
        for value in self._values(recording):
            if attrs.has(type(value)):
                _assert_comes_back(value)

    def events_are_values(self, push: RecordedCallback) -> None:
        """The same three for the events of each push."""
        if push.error is not None:
            return
        for event in self.subject.callback(push).parse_callback(push.request.request()).events:
            _assert_aware(event, "event")
            _assert_pickles(event)
            _assert_comes_back(event)


def _assert_aware(value: object, where: str) -> None:
    naive = [place for place, time in times_in(value, where) if time.utcoffset() is None]
    assert not naive, f"{naive[0]} has no zone"


def _assert_pickles(value: Any) -> None:
    back = pickle.loads(pickle.dumps(value))  # noqa: S301 - our own
    assert type(back) is type(value)
    assert to_data(back) == to_data(value)
    if isinstance(value, SmsError):
        assert (back.args, sorted(vars(back))) == (value.args, sorted(vars(value)))


def _assert_comes_back(value: Any) -> None:
    assert to_data(from_json(to_json(value), type(value))) == to_data(value)
