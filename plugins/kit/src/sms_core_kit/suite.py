"""The base class of a vendor's tests: all checks, and what each is parametrised by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest

from sms_core.errors import ConfigurationError
from sms_core.model import Outcome
from sms_core.provider import Capability
from sms_core_kit.checks.base import Checks, subject_of
from sms_core_kit.checks.capabilities import CapabilityChecks
from sms_core_kit.checks.characters import CHARACTERS, CharacterChecks
from sms_core_kit.checks.faces import FaceChecks
from sms_core_kit.checks.hooks import HookChecks
from sms_core_kit.checks.limits import LimitChecks, limits_of
from sms_core_kit.checks.outcomes import PHASES, OutcomeChecks
from sms_core_kit.checks.pushes import FORGERIES, PushChecks
from sms_core_kit.checks.secrets import FAULTS, SecretChecks
from sms_core_kit.checks.values import ValueChecks
from sms_core_kit.checks.wire import WireChecks
from sms_core_kit.exchanges import ExchangeFileError, RecordedExchange
from sms_core_kit.subject import Subject


class ProviderConformance(
    HookChecks,
    WireChecks,
    CapabilityChecks,
    LimitChecks,
    OutcomeChecks,
    CharacterChecks,
    SecretChecks,
    PushChecks,
    ValueChecks,
    FaceChecks,
):
    """All that a provider must do.

    A vendor's test file sets class attributes, and pytest finds the rest::

        class TestAcme(ProviderConformance):
            provider = "acme"                                # or its module, or an object with hooks
            dsn = "acme://user:password@"                    # an account of nobody; the scheme is its name
            exchanges = Path(__file__).parent / "exchanges"  # a folder of TOML files
            face = sms_core_acme.sandbox.face                # only where there is one

    ``examples`` is how many pieces of garbage are tried on each operation, and on all pushes together, 100 unless told. All are class attributes and no
    fixtures, for the checks are parametrised by the exchanges before any fixture runs.
    """

    def __init_subclass__(cls) -> None:
        """Leave the checks of a face out where there is none."""
        super().__init_subclass__()
        if cls.face is None:
            for name in [one for one in vars(FaceChecks) if one.startswith("test_")]:
                setattr(cls, name, None)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """One test for each exchange, capability, phase …, named after it."""
        for name, values in FIXED.items():
            if name in metafunc.fixturenames:
                metafunc.parametrize(name, values, ids=_id_of)
        for name, values_of in PARAMETERS.items():
            if name in metafunc.fixturenames:
                metafunc.parametrize(name, _params(type(self), values_of))


def _params(suite: type[Checks], values_of: Callable[[Subject], Iterable[Any]]) -> list[Any]:
    try:
        values = list(values_of(subject_of(suite)))
    except ConfigurationError:
        return []  # `test_hooks_match_the_protocol` tells what is wrong, once
    except ExchangeFileError as error:
        raise pytest.Collector.CollectError(str(error)) from error
    return [pytest.param(one, id=_id_of(one)) for one in values]


def _id_of(value: Any) -> str:
    return value.name.lower() if isinstance(value, Capability) else str(value).replace(" ", "-")


def _or_none(values: Iterable[Any]) -> list[Any]:
    """The values; a single None if there are none, so that the check says what that means."""
    return list(values) or [None]


def _taken(subject: Subject) -> list[RecordedExchange]:
    """The sends of one request, whose every recipient is accepted."""
    return [one for one in subject.book.exchanges if one.operation == "send" and one.succeeds and _is_one(subject, one)]


def _is_one(subject: Subject, exchange: RecordedExchange) -> bool:
    last = exchange.wire[-1].answer if exchange.wire else None
    if last is None or last.fails or len(exchange.wire) - len(subject.preamble(exchange)) != 1:
        return False
    rows = subject.play(exchange).rows
    return bool(rows) and all(row.outcome is Outcome.ACCEPTED for row in rows)


def _entered(subject: Subject) -> list[RecordedExchange]:
    """The first send that a login comes before."""
    return [one for one in _taken(subject) if subject.bound(subject.address(one.options)).logs_in][:1]


def _asked(subject: Subject) -> list[RecordedExchange]:
    """The first exchange of each operation that succeeds, for each address of the vendor."""
    found: dict[tuple[str, str], RecordedExchange] = {}
    for one in subject.book.exchanges:
        if one.succeeds and one.wire and one.operation not in {"logout", "settle"}:
            found.setdefault((one.operation, one.wire[-1].request.url), one)
    return list(found.values())


PARAMETERS: Mapping[str, Callable[[Subject], Iterable[Any]]] = {
    "exchange": lambda subject: subject.book.exchanges,
    "successful": lambda subject: [one for one in subject.book.exchanges if one.succeeds],
    "failing": lambda subject: _or_none(one for one in subject.book.exchanges if not one.succeeds),
    "taken": lambda subject: _or_none(_taken(subject)),
    "entered": lambda subject: _or_none(_entered(subject)),
    "asked": _asked,
    "limit": limits_of,
    "claimed": lambda subject: sorted(subject.info.capabilities, key=lambda one: one.name),
    "unclaimed": lambda subject: _or_none(
        sorted(set(Capability) - subject.info.capabilities, key=lambda one: one.name)
    ),
    "recorded": lambda subject: _or_none(subject.book.callbacks),
}
"""By the name of an argument of a check: what of the provider's it is tried with."""

FIXED: Mapping[str, Iterable[str]] = {
    "phase": PHASES,
    "fault": FAULTS,
    "character": CHARACTERS,
    "forgery": FORGERIES,
}
"""The same for what each provider is tried with."""
