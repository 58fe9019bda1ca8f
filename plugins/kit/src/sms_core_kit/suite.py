"""The base class of a vendor's tests: all checks, and what each is parametrised by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest

from sms_core.errors import ConfigurationError
from sms_core.provider import Capability
from sms_core_kit.checks.base import Checks, subject_of
from sms_core_kit.checks.capabilities import PUSHED, CapabilityChecks
from sms_core_kit.checks.characters import CharacterChecks
from sms_core_kit.checks.faces import FaceChecks
from sms_core_kit.checks.findings import Findings
from sms_core_kit.checks.hooks import HookChecks
from sms_core_kit.checks.limits import LimitChecks, limits_of
from sms_core_kit.checks.outcomes import OutcomeChecks, is_taken
from sms_core_kit.checks.pushes import PushChecks
from sms_core_kit.checks.replays import ReplayChecks
from sms_core_kit.checks.secrets import SecretChecks
from sms_core_kit.checks.values import ValueChecks
from sms_core_kit.checks.wire import WireChecks
from sms_core_kit.recordings import RecordedCallback, Recording, RecordingFileError
from sms_core_kit.selection import offer_test
from sms_core_kit.subject import Subject

RECORDING_CHECKS: tuple[Callable[[Any, Recording], None], ...] = (
    WireChecks.requests_are_byte_for_byte,
    WireChecks.answer_gives_the_result,
    WireChecks.answer_gives_the_error,
    WireChecks.hooks_are_pure,
    WireChecks.an_event_loop_makes_no_difference,
    OutcomeChecks.a_failure_in_each_phase_has_its_outcome,
    OutcomeChecks.half_an_answer_is_no_refusal,
    SecretChecks.no_secret_of_a_recording_is_shown,
    ValueChecks.times_are_aware,
    ValueChecks.results_can_be_pickled,
    ValueChecks.results_come_back_from_json,
)
"""What each recording has to pass; all that fail are told at once."""

PUSH_CHECKS: tuple[Callable[[Any, RecordedCallback], None], ...] = (
    PushChecks.a_push_gives_its_events_and_the_response,
    PushChecks.a_repeated_push_has_the_same_keys,
    PushChecks.a_forged_push_is_refused,
    PushChecks.a_signature_is_checked,
    PushChecks.no_push_brings_the_provider_down,
    SecretChecks.no_secret_of_a_push_is_shown,
    ValueChecks.events_are_values,
)
"""The same for each recorded push."""


class ProviderConformance(
    HookChecks,
    WireChecks,
    CapabilityChecks,
    LimitChecks,
    OutcomeChecks,
    ReplayChecks,
    CharacterChecks,
    SecretChecks,
    PushChecks,
    ValueChecks,
    FaceChecks,
):
    """All that a provider must do.

    A vendor's test file sets class attributes, and pytest finds the rest::

        class TestAcme(ProviderConformance):
            provider = "acme"                                  # or its module, or an object with hooks
            dsn = "acme://user:password@"                      # an account of nobody; the scheme is its name
            recordings = Path(__file__).parent / "recordings"  # a folder of TOML files
            face = sms_core_acme.sandbox.face                  # only where there is one

    ``other_codes_refuse`` is the section of the document which says that every code that it does not have refuses;
    without one such a code is no verdict. ``examples`` is how many pieces of garbage are tried on each operation, and
    on all pushes together, 100 unless told. All are class attributes and no fixtures, for the tests are parametrised
    by the recordings before any fixture runs.
    """

    def __init_subclass__(cls) -> None:
        """Leave the checks of a face out where there is none."""
        super().__init_subclass__()
        for name in vars(FaceChecks):
            if name.startswith("test_"):
                offer_test(cls, FaceChecks, name, offered=cls.face is not None)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """One test for each recording, push, capability …, named after it."""
        for name, values_of in PARAMETERS.items():
            if name in metafunc.fixturenames:
                metafunc.parametrize(name, _params(type(self), values_of))

    def test_recording(self, recording: Recording) -> None:
        """Every check of a recording: see `RECORDING_CHECKS`."""
        self._run(RECORDING_CHECKS, recording)

    def test_push(self, push: RecordedCallback | None) -> None:
        """Every check of a push: see `PUSH_CHECKS`."""
        if push is None:
            assert self.subject.info.capabilities.isdisjoint(PUSHED), "pushes are claimed, and none is recorded"
        else:
            self._run(PUSH_CHECKS, push)

    def _run(self, checks: Iterable[Callable[[Any, Any], None]], recorded: Recording | RecordedCallback) -> None:
        __tracebackhide__ = True
        findings = Findings()
        for check in checks:
            with findings.of(check.__name__):
                check(self, recorded)
        findings.tell(recorded.place)

    def test_what_the_checks_stand_on_is_recorded(self) -> None:
        """A send that succeeds and a refusal: what no recording shows, no check sees."""
        recordings = self.subject.book.recordings
        taken = any(is_taken(self.subject, recording) for recording in recordings)
        assert taken, "no recording sends one request with success: add one, such as in sends.toml"
        refused = any(not recording.succeeds for recording in recordings)
        assert refused, "no recording has an error: add the vendor's refusals, such as in errors.toml"


def _params(suite: type[Checks], values_of: Callable[[Subject], Iterable[Any]]) -> list[Any]:
    try:
        values = list(values_of(subject_of(suite)))
    except ConfigurationError:
        return []  # `test_hooks_match_the_protocol` tells what is wrong, once
    except RecordingFileError as error:
        raise pytest.Collector.CollectError(str(error)) from error
    return [pytest.param(value, id=_id_of(value)) for value in values]


def _id_of(value: Any) -> str:
    return value.name.lower() if isinstance(value, Capability) else str(value).replace(" ", "-")


def _asked(subject: Subject) -> list[Recording]:
    """The first recording of each operation that succeeds, for each address of the vendor."""
    found: dict[tuple[str, str], Recording] = {}
    for recording in subject.book.recordings:
        if recording.succeeds and recording.wire and recording.operation not in {"logout", "settle"}:
            found.setdefault((recording.operation, recording.wire[-1].request.url), recording)
    return list(found.values())


def _by_name(capabilities: Iterable[Capability]) -> list[Capability]:
    return sorted(capabilities, key=lambda capability: capability.name)


def _or_none(values: Iterable[Any]) -> list[Any]:
    """The values; a single None if there are none, so that the check says what that means."""
    return list(values) or [None]


PARAMETERS: Mapping[str, Callable[[Subject], Iterable[Any]]] = {
    "recording": lambda subject: subject.book.recordings,
    "push": lambda subject: _or_none(subject.book.callbacks),
    "asked": _asked,
    "limit": limits_of,
    "claimed": lambda subject: _by_name(subject.info.capabilities),
    "unclaimed": lambda subject: _or_none(_by_name(set(Capability) - subject.info.capabilities)),
}
"""By the name of an argument of a test: what of the provider's it is tried with."""
