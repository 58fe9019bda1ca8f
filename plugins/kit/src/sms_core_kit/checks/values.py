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
from sms_core_kit.exchanges import RecordedCallback, RecordedExchange


def times_in(value: object, where: str) -> Iterator[tuple[str, datetime]]:
    """Every time in a value, with its place."""
    match value:
        case datetime():
            yield where, value
        case Mapping():
            for name, one in value.items():
                yield from times_in(one, f"{where}[{name!r}]")
        case list() | tuple():
            for position, one in enumerate(value):
                yield from times_in(one, f"{where}[{position}]")
        case SendError():
            yield from times_in(value.result, f"{where}.result")
        case _:
            for field in getattr(type(value), "__attrs_attrs__", ()):
                yield from times_in(getattr(value, field.name), f"{where}.{field.name}")


class ValueChecks(Checks):
    """Results, errors and events."""

    def _values(self, exchange: RecordedExchange) -> list[Any]:
        played = self.subject.play(exchange)
        found = played.value if isinstance(played.value, list) else [played.value]
        return [one for one in [*found, played.error] if one is not None]

    def test_times_are_aware(self, exchange: RecordedExchange) -> None:
        """Every time in a result or an error has a zone."""
        naive = [where for where, one in times_in(self._values(exchange), "result") if one.utcoffset() is None]
        assert not naive, f"{naive[0]} has no zone"

    def test_results_can_be_pickled(self, exchange: RecordedExchange) -> None:
        """Results, and errors too, come back from another process as they were."""
        for value in self._values(exchange):
            _assert_pickles(value)

    def test_results_come_back_from_json(self, exchange: RecordedExchange) -> None:
        """`sms_core.serialize` takes a result apart and puts it together again."""
        for value in self._values(exchange):
            if attrs.has(type(value)):
                _assert_comes_back(value)

    def test_events_are_values(self, recorded: RecordedCallback | None) -> None:
        """The same for the events of each push."""
        if recorded is None or recorded.error is not None:
            assert recorded is None or not recorded.events
            return
        for event in self.subject.callback(recorded).parse_callback(recorded.request.request()).events:
            naive = [where for where, one in times_in(event, "event") if one.utcoffset() is None]
            assert not naive, f"{naive[0]} has no zone"
            _assert_pickles(event)
            _assert_comes_back(event)


def _assert_pickles(value: Any) -> None:
    back = pickle.loads(pickle.dumps(value))  # noqa: S301 - our own
    assert type(back).__mro__[-3:] == type(value).__mro__[-3:]
    assert to_data(back) == to_data(value)
    if isinstance(value, SmsError):
        assert (back.args, sorted(vars(back))) == (value.args, sorted(vars(value)))


def _assert_comes_back(value: Any) -> None:
    assert to_data(from_json(to_json(value), type(value))) == to_data(value)
