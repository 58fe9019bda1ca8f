"""From a claim to requests, and from what a request came to to answers. No database and no network here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import attrs
from attrs import frozen

from sms_core import AsyncClient, Plan
from sms_core.clocks import BeginBefore
from sms_core.errors import (
    ConfigurationError,
    InvalidMessage,
    SmsError,
    TransportError,
    Unsupported,
    result_of,
)
from sms_core.model import Message, Outcome, RecipientOutcome, SendResult
from sms_core_outbox.answers import Answer
from sms_core_outbox.claims import SECOND, Claim
from sms_core_outbox.messages import LoadedRow, to_message
from sms_core_outbox.routes import Onward
from sms_core_outbox.senders import Sender
from sms_core_outbox.states import State, verdict

_OF_THE_MESSAGE = (InvalidMessage, Unsupported)
"""What a client says of a message before anything of it has left."""
_BEFORE_ANY_BYTE = (*_OF_THE_MESSAGE, ConfigurationError)
"""What `send` raises as it is, before anything has left."""
BOOKED_TIME_PASSED = InvalidMessage("send_at", "has passed before it could be handed over")


@frozen
class Flight:
    """One request's worth of a claim: the plan to send, and the row of each of its references."""

    claim: str
    account: str
    plan: Plan
    row_of: Mapping[str, int]
    traces: tuple[str, ...] = ()
    """The contexts in which its rows were put."""

    def halves(self) -> tuple[Flight, ...]:
        """The same in two requests; none where it is of one recipient."""
        positions = [destination.position for destination in self.plan.rendered]
        middle = len(positions) // 2
        if not middle:
            return ()
        return (self._without(positions[middle:]), self._without(positions[:middle]))

    def _without(self, positions: Sequence[int]) -> Flight:
        plan = self.plan.without(positions)
        row_of = {destination.reference: self.row_of[destination.reference] for destination in plan.destinations}
        return Flight(self.claim, self.account, plan, row_of, self.traces)


@frozen
class End:
    """What a request came to: its result, or what was raised."""

    flight: Flight
    result: SendResult | None = None
    error: BaseException | None = None


@frozen
class Prepared:
    """What a claim comes to: requests to send, and answers for the rows that cannot be sent."""

    flights: tuple[Flight, ...]
    answers: tuple[Answer, ...]


def prepare(client: Sender, claim: Claim, onward: Onward | None = None) -> Prepared:
    """Make requests of a claim's rows. A row that its account cannot send any more gets its refusal.

    ``onward`` says after what it goes to another vendor, where there are several.
    """
    flights: list[Flight] = []
    answers: list[Answer] = []
    for group in claim.groups:
        rows = []
        for found in group:
            if found.send_at is not None and found.send_at <= claim.now:
                answers.append(Answer(found.id, claim.token, State.NOT_SENT, error=BOOKED_TIME_PASSED))
            else:
                rows.append(found)
        if rows:
            _prepare_group(client, claim, rows, flights, answers, onward)
    return Prepared(tuple(flights), tuple(answers))


def _prepare_group(
    client: Sender,
    claim: Claim,
    rows: Sequence[LoadedRow],
    flights: list[Flight],
    answers: list[Answer],
    onward: Onward | None,
) -> None:
    try:
        plan = _plan(client, to_message(rows))
    except _OF_THE_MESSAGE as error:
        if len(rows) == 1:
            answers.append(_answer(rows[0].id, claim.token, Outcome.REFUSED, None, error, onward))
            return
        # Together they are too much for a rule, such as a limit of all: those that it has room for still go.
        middle = len(rows) // 2
        _prepare_group(client, claim, rows[:middle], flights, answers, onward)
        _prepare_group(client, claim, rows[middle:], flights, answers, onward)
        return
    except Exception as error:  # noqa: BLE001 - a provider's bug too: the rows wait, and their error says for what
        failed = error if isinstance(error, SmsError) else SmsError(f"{type(error).__name__} broke the planning off")
        answers.extend(_answer(row.id, claim.token, Outcome.NOT_SENT, None, failed, onward) for row in rows)
        return
    for position, refusal in plan.refused.items():
        answers.append(_answer(rows[position].id, claim.token, Outcome.REFUSED, None, refusal, onward))
    for duplicate in plan.duplicates:
        # Two rows with one number and one text: the next claim takes the second, as a send of its own.
        again = TransportError("another row of this request has the same number and text", sent=False)
        answers.append(_answer(rows[duplicate.position].id, claim.token, Outcome.NOT_SENT, None, again))
    id_of = {row.reference: row.id for row in rows}
    limit = _limit(claim, rows)
    trace_of = {row.id: row.trace for row in rows if row.trace}
    parts = (plan,) if len(plan.sends) == 1 else plan.split()
    for part in parts:
        row_of = {}
        for destination in part.destinations:
            row_of[destination.reference] = id_of[part.message.to[destination.position].reference]
        traces = tuple(dict.fromkeys(trace_of[row_id] for row_id in row_of.values() if row_id in trace_of))
        flights.append(Flight(claim.token, claim.account, part.begin_before(limit), row_of, traces))


def _plan(client: Sender, message: Message) -> Plan:
    """The plan of those whom the account can send to: they were all checked before they were stored, so mostly of all."""
    try:
        return client.plan(message)
    except _OF_THE_MESSAGE:
        return client.plan(message, skip_refused=True)


def _limit(claim: Claim, rows: Iterable[LoadedRow]) -> BeginBefore:
    """When a request of these rows has to begin at the latest: its claim's age, or the first of their deadlines."""
    left = min(row.deadline_at for row in rows) - claim.now
    by_deadline = BeginBefore.within(left / SECOND)
    return BeginBefore(min(claim.limit.wall, by_deadline.wall), min(claim.limit.up, by_deadline.up))


def carry(client: Sender, flight: Flight) -> list[End]:
    """Send a request. One of several recipients that was refused before it left is sent in halves: it may be for one of them."""
    try:
        return [End(flight, client.send(flight.plan))]
    except BaseException as error:  # noqa: BLE001 - whatever it is, it ended this send, and `answers_of` tells how
        halves = _halves_after(error, flight)
        if not halves:
            return [End(flight, error=error)]
    return [end for half in halves for end in carry(client, half)]


async def carry_in_loop(client: AsyncClient, flight: Flight) -> list[End]:
    """The same in an event loop."""
    try:
        return [End(flight, await client.send(flight.plan))]
    except BaseException as error:  # noqa: BLE001 - as above
        halves = _halves_after(error, flight)
        if not halves:
            return [End(flight, error=error)]
    return [end for half in halves for end in await carry_in_loop(client, half)]


def _halves_after(error: BaseException, flight: Flight) -> tuple[Flight, ...]:
    has_begun = not isinstance(error, _OF_THE_MESSAGE) or result_of(error) is not None
    return () if has_begun else flight.halves()


def answers_of(end: End, onward: Onward | None = None) -> list[Answer]:
    """What each row's send came to. A row of which nothing is told may have been taken."""
    flight, error = end.flight, end.error
    told = _outcomes(end)
    redirected = _redirected(flight)
    rows: dict[int, list[RecipientOutcome]] = {}
    for reference, row_id in flight.row_of.items():
        outcome = told.get(reference) or _untold(reference, error)
        rows.setdefault(row_id, []).append(outcome)
    answers = [_of_parts(row_id, flight.claim, parts, onward) for row_id, parts in rows.items()]
    if not redirected:
        return answers
    return [attrs.evolve(answer, sent_to=redirected.get(answer.row_id, "")) for answer in answers]


def _redirected(flight: Flight) -> dict[int, str]:
    """The rows that a plugin sends to another number than their own, and that number."""
    number_of = {destination.position: destination.number for destination in flight.plan.rendered}
    return {
        flight.row_of[destination.reference]: destination.number
        for destination in flight.plan.destinations
        if destination.number != number_of.get(destination.position, destination.number)
    }


def _outcomes(end: End) -> dict[str, RecipientOutcome]:
    result = end.result if end.error is None else result_of(end.error)
    if result is None:
        return {}
    return {row.reference: row for row in result.outcomes}


def _untold(reference: str, error: BaseException | None) -> RecipientOutcome:
    if isinstance(error, _BEFORE_ANY_BYTE):
        return RecipientOutcome("", Outcome.NOT_SENT, None, reference, error)
    if error is not None and not isinstance(error, SmsError):
        error = SmsError(f"{type(error).__name__} broke the send off")
    return RecipientOutcome("", Outcome.UNKNOWN, None, reference, error)


def _of_parts(row_id: int, claim: str, parts: Sequence[RecipientOutcome], onward: Onward | None) -> Answer:
    """What a text came to that may have taken several requests. One that was taken in part is for a person to see to."""
    found = {part.outcome for part in parts}
    first = next((part for part in parts if part.outcome is not Outcome.ACCEPTED), parts[0])
    outcome = first.outcome
    if len(found) > 1 and found & {Outcome.ACCEPTED, Outcome.UNKNOWN}:
        outcome = Outcome.UNKNOWN
    batch = next((part.batch_id for part in parts if part.batch_id), None)
    return _answer(row_id, claim, outcome, batch, first.error, onward)


def _answer(
    row_id: int, claim: str, outcome: Outcome, batch: str | None, error: SmsError | None, onward: Onward | None = None
) -> Answer:
    found = verdict(outcome, error)
    moves, rest = False, None
    if onward is not None:
        moves, rest = onward.is_free(outcome, error), onward.rest_after(outcome, error)
    return Answer(row_id, claim, found.state, batch, error, found.pauses, found.retry_after, moves, rest)
