"""Turn an unknown outcome into a known one, as far as the evidence goes and no further.

Three witnesses can be asked. Where the vendor named the batch but not whom in it it served, the batch's delivery
reports tell. Where no answer came, a vendor may tell which numbers got this text lately (`FindSent`). And where it takes
an idempotency key, the same request may be asked again, which is a send, and so has to be asked for (`replay`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

import attrs

from sms_core._engine.flow import attach_result
from sms_core._engine.outcomes import way_to_know, with_outcome
from sms_core._engine.paging import PageCheck
from sms_core._engine.plan import Plan, make_plan
from sms_core.errors import AuthenticationFailed, InsufficientCredit, SendError, SmsError, TransportError
from sms_core.model import DeliveryReport, Message, Outcome, RecipientOutcome, SendResult
from sms_core.provider.info import Replay, in_words
from sms_core.provider.operations import Capability, Destination, FindSent, GetReports, Send, Sightings
from sms_core.provider.provider import Provider
from sms_core.provider.steps import Flow
from sms_core.tracking import Key, MessageState, fold

MEMORY = timedelta(hours=24)
"""How long a vendor remembers a text (EVERY8D HTTP 2.1, 2.5.1). Afterwards its not knowing one proves nothing."""
PATIENCE = timedelta(minutes=2)
"""After a time-out the vendor may still be at work; before this has passed, its not knowing the text proves nothing."""
REPLAY_MARGIN = timedelta(minutes=10)
"""A replay begins so long before the vendor forgets the key: clocks differ, and its answer takes time."""


def settle(
    provider: Provider, result: SendResult, known_batches: Collection[str], now: datetime, *, replay: bool = False
) -> Flow[SendResult]:
    """Ask about each unknown recipient. Gives the result with the rows that became known; raises as reads do.

    What a question told before another one failed is the exception's `sms_result`. Where nothing can be asked, a note of
    the result says so.
    """
    if not _unknown(result):
        return result
    result = yield from _ask_for_reports(provider, result)
    if _can_be_found(provider, result):
        result = yield from _ask_for_text(provider, result, known_batches, now)
    if replay and _unknown(result):
        result = yield from _replay(provider, result, now)
    elif _unknown(result) and not _can_be_asked(provider, result):
        result = _with_note(result, f"settle() had nothing to ask: {_what_is_left(provider, result)}")
    return result


def _unknown(result: SendResult) -> dict[str, RecipientOutcome]:
    """The unknown rows, by reference."""
    return {row.reference: row for row in result.outcomes if row.outcome is Outcome.UNKNOWN}


def _can_be_found(provider: Provider, result: SendResult) -> bool:
    """Whether the vendor can be asked which numbers got the text."""
    return provider.info.can(Capability.SETTLE) and result.message is not None and result.message.media is None


def _can_be_asked(provider: Provider, result: SendResult) -> bool:
    by_reports = provider.info.can(Capability.REPORTS) and any(row.batch_id for row in _unknown(result).values())
    return by_reports or _can_be_found(provider, result)


def _what_is_left(provider: Provider, result: SendResult) -> str:
    if result.message is None:
        return "the result lacks the message that was sent"
    return way_to_know(result, provider.info)


def _with_note(result: SendResult, note: str) -> SendResult:
    return attrs.evolve(result, notes=tuple(dict.fromkeys([*result.notes, note])))


def _ask_for_reports(provider: Provider, result: SendResult) -> Flow[SendResult]:
    if not provider.info.can(Capability.REPORTS):
        return result
    mms = result.message is not None and result.message.media is not None
    for batch in dict.fromkeys(row.batch_id for row in _unknown(result).values() if row.batch_id):
        numbers = tuple(row.number for row in result.outcomes if row.batch_id == batch)
        try:
            reports = yield from _reports_of_unknown(provider, result, GetReports(batch, mms=mms, numbers=numbers))
        except BaseException as failure:
            attach_result(failure, result)
            raise
        states = fold([result], reports)
        result = with_outcome(result, _told_by_reports(result, batch, states))
    return result


def _reports_of_unknown(provider: Provider, result: SendResult, operation: GetReports) -> Flow[list[DeliveryReport]]:
    """The reports of numbers with an unknown row, page by page; the others are not kept."""
    numbers = {row.number for row in _unknown(result).values()}
    reports: list[DeliveryReport] = []
    check = PageCheck(provider.info)
    while True:
        page = yield from provider.perform(operation)
        reports.extend(report for report in page.rows if report.number in numbers)
        if not check.has_more(page):
            return reports
        operation = operation.next_page()


def _told_by_reports(result: SendResult, batch: str, states: Mapping[Key, MessageState]) -> dict[str, RecipientOutcome]:
    """The rows of a batch that reports tell of. Whose report is whose, and what it proves, is `tracking`'s to say."""
    told = {}
    for reference, row in _unknown(result).items():
        state = states[Key(row.number, reference)]
        if row.batch_id != batch or state.report is None:
            continue
        if state.outcome is Outcome.ACCEPTED:
            told[reference] = attrs.evolve(row, outcome=Outcome.ACCEPTED, error=None)
        elif state.outcome is Outcome.REFUSED:
            error = InsufficientCredit(code=state.vendor_code, vendor_text=state.vendor_text)
            told[reference] = attrs.evolve(row, outcome=Outcome.REFUSED, error=error)
    return told


def _ask_for_text(
    provider: Provider, result: SendResult, known_batches: Collection[str], now: datetime
) -> Flow[SendResult]:
    """Ask which of the numbers without a batch got their text."""
    assert result.message is not None  # `_can_be_found` has seen to that
    plan = _plan_again(provider, result.message)
    most = provider.info.limits.recipients
    unknown = _unknown(result)
    for text, destinations in _by_text(plan, unknown).items():
        for start in range(0, len(destinations), most):
            chunk = destinations[start : start + most]
            numbers = tuple(destination.number for destination in chunk)
            try:
                sightings = yield from provider.perform(FindSent(plan.message, text, numbers, result.sent_at))
            except BaseException as failure:
                attach_result(failure, result)
                raise
            rows = [unknown[destination.reference] for destination in chunk]
            told = [_told_by_sighting(row, sightings, known_batches, result, now) for row in rows]
            result = with_outcome(result, {row.reference: row for row in told})
    return result


def _by_text(plan: Plan, unknown: Mapping[str, RecipientOutcome]) -> dict[str, list[Destination]]:
    groups: dict[str, list[Destination]] = {}
    for destination in plan.destinations:
        row = unknown.get(destination.reference)
        if row is not None and row.batch_id is None:
            groups.setdefault(destination.text, []).append(destination)
    return groups


def _plan_again(provider: Provider, message: Message) -> Plan:
    """The plan of a message that was sent: its times may have passed."""
    return make_plan(message, provider.info, prepare=provider.prepare)


def _told_by_sighting(
    row: RecipientOutcome, sightings: Sightings, known_batches: Collection[str], result: SendResult, now: datetime
) -> RecipientOutcome:
    batch = sightings.batches.get(row.number)
    if batch or (batch == "" and not known_batches):
        if batch not in known_batches:
            return attrs.evolve(row, outcome=Outcome.ACCEPTED, batch_id=batch or None, error=None)
    elif batch is not None:
        return row  # named, but perhaps for a batch that the caller knows from earlier
    if sightings.absence_is_proof and _is_fresh(row, result, now):
        # Not named; or named for an earlier batch of the caller's, by which the filter held this message back.
        return attrs.evolve(row, outcome=Outcome.NOT_SENT)
    return row


def _is_fresh(row: RecipientOutcome, result: SendResult, now: datetime) -> bool:
    """Whether the vendor still remembers the text, and has surely ended its work on it."""
    if result.sent_at is None:
        return False
    age = now - result.sent_at
    is_of_the_future = age < -PATIENCE  # a clock was set back meanwhile, and nobody knows how old the row is
    still_at_work = isinstance(row.error, TransportError) and row.error.timed_out and age < PATIENCE
    return age < MEMORY and not is_of_the_future and not still_at_work


def _replay(provider: Provider, result: SendResult, now: datetime) -> Flow[SendResult]:
    """Send the unknown rows once more under their keys: the vendor takes each once.

    Only an acceptance decides, be it of a message that the vendor had already (`Replay.mark`). A refusal does not: the
    first request may have been taken before whatever refuses this one.
    """
    window = provider.info.replay
    if window is None or result.message is None:
        return _with_note(result, f"{provider.info.title} takes no key by which a send could be asked again")
    if not _in_time(window, result, now):
        note = f"too late to ask again: {provider.info.title} knows a key for {in_words(window.window)}"
        return _with_note(result, note)
    unknown = _unknown(result)
    if all(row.batch_id is not None for row in unknown.values()):
        return _with_note(result, "nothing to ask again: the vendor has named a batch for what is unknown")
    for send in _plan_again(provider, result.message).sends:
        destinations = tuple(
            destination
            for destination in send.destinations
            if destination.reference in unknown and unknown[destination.reference].batch_id is None
        )
        if destinations:
            result = yield from _replay_send(provider, result, Send(send.message, destinations))
    return result


def _in_time(replay: Replay, result: SendResult, now: datetime) -> bool:
    return result.sent_at is not None and now + REPLAY_MARGIN < result.sent_at + replay.window


def _replay_send(provider: Provider, result: SendResult, send: Send) -> Flow[SendResult]:
    try:
        answer = yield from provider.perform(send)
    except AuthenticationFailed as error:
        # Nobody shows these credentials again. What was refused is this request, not the one in doubt.
        raise error.with_result(result) from error.__cause__
    except SendError as error:
        answer = error.result
        result = _with_note(result, f"asked again, and still unknown for some: {error}")
    except SmsError as error:
        # The provider refuses to build this request. What earlier ones told must not be lost for that.
        return _with_note(result, f"could not be asked again: {error}")
    except BaseException as interruption:
        attach_result(interruption, result)
        raise
    accepted = {row.reference: row for row in answer.outcomes if row.outcome is Outcome.ACCEPTED}
    result = with_outcome(result, accepted)
    return attrs.evolve(result, raw=(*result.raw, *answer.raw))
