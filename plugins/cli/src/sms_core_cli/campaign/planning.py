"""From a table to a campaign. Each row is checked by itself, so that a wrong one never stops the others.

The rows to send are one plan (`sms_core.Client.plan`), which checks and renders each of them once and splits them into
requests. Rows that an earlier run sent, or may have sent, are plans of their own, without a time, for that may have
passed.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime

import attrs
from attrs import field, frozen

from sms_core import Plan
from sms_core.client import Client
from sms_core.errors import InvalidMessage, SmsError, TransportError, Unsupported
from sms_core.model import DeliveryReport, Message, Outcome, Recipient, RecipientOutcome, SendResult
from sms_core.provider import Capability, Destination, template
from sms_core.tracking import Fact, Key
from sms_core_cli.campaign.campaign import Campaign
from sms_core_cli.campaign.estimate import make_estimate
from sms_core_cli.campaign.message_defaults import MessageDefaults
from sms_core_cli.campaign.placeholders import RowTemplate, check_shown, reader_of_texts
from sms_core_cli.campaign.reading.moments import parse_moment
from sms_core_cli.campaign.row_results import RowOutcome, RowResult
from sms_core_cli.campaign.table import Row, Table

KNOWN_BY_THE_VENDOR = (RowOutcome.ACCEPTED, RowOutcome.REFUSED, RowOutcome.NOT_SENT)
"""Outcomes of rows that an earlier run sent, and that need no settling."""
ROW_FIELDS = ("row", "text", "params", "media.content")
"""What an error may name without a recipient's place and yet be about one row. Another field is about all of them."""
ROW_CAPABILITIES = (Capability.INTERNATIONAL.value, Capability.SCHEDULE.value)
"""What a single row may need and not get."""

_RECIPIENT = re.compile(r"to\[\d+\]\.", re.ASCII)


def plan_campaign(
    client: Client,
    table: Table,
    defaults: MessageDefaults | None = None,
    *,
    earlier: Sequence[RowResult] | None = None,
    again: Collection[RowOutcome] = (RowOutcome.NOT_SENT,),
) -> Campaign:
    """Check every row and split those that can be sent into requests. Sends nothing, asks nobody.

    ``earlier`` are the rows' results of an interrupted run (`read_results`): only rows whose outcome is in ``again`` are
    to be sent then. Raises `InvalidMessage` or `Unsupported` for what is wrong with all rows.
    """
    defaults = defaults or MessageDefaults()
    if earlier is not None and RowOutcome.UNKNOWN in again:
        raise InvalidMessage("again", "what is unknown is not sent again: settle() it")
    if defaults.text is None and not table.has("text"):
        raise InvalidMessage("text", "is missing: a column 'text' in the file, or one text for all")
    read_text = reader_of_texts(table.columns)
    if defaults.text is not None:
        read_text(defaults.text)

    rows = _sort_rows(_Reader(client, table, defaults, read_text), earlier, again)
    results = rows.results
    without_time = attrs.evolve(defaults, send_at=None)
    sent = _plan(client, without_time, rows.sent)
    unknown = _plan(client, without_time, rows.unknown)
    new = _plan(client, defaults, rows.new)
    results.update(_left_out(new, table))
    repeating = _repeating(new, sent.rendered | unknown.rendered, table)
    results.update(repeating)
    new = new.without(repeating)

    requests = new.plan.split() if new.plan else ()
    return Campaign(
        table=table,
        results=[results[place] for place in range(len(table.rows))],
        plans=requests,
        places={destination.reference: place for place, destination in (new.rendered | unknown.rendered).items()},
        estimate=make_estimate(client, new.plan, requests, [table.rows[place].number for place in new.places]),
        unknown=list(_remembered(unknown, results)),
        earlier=[(place, Key(number, rows.sent[place].reference)) for place, number in sent.numbers.items()],
        facts=list(_facts(sent.numbers, rows.sent, results)),
        notes=list(_notes(client, table, defaults)),
    )


@frozen
class _Reader:
    """Makes recipients of rows."""

    client: Client
    table: Table
    defaults: MessageDefaults
    read_text: Callable[[str], RowTemplate]
    prefix: str = field(factory=lambda: secrets.token_hex(4))

    def recipient(self, row: Row, before: RowResult | None) -> Recipient:
        """The recipient that a row is, with its text. Raises `InvalidMessage` naming the field.

        ``before`` is what became of it in an earlier run. What that one sent keeps its reference and needs no time.
        """
        if row.fault:
            raise InvalidMessage("row", row.fault)
        text, params = self._text(row)
        references = (before.reference if before else "", row.values.get("reference"), f"{self.prefix}-{row.number}")
        return Recipient(
            row.values.get("number", ""),
            name=row.values.get("name", ""),
            email=row.values.get("email", "") if self.client.info.can(Capability.EMAIL) else "",
            text=text,
            params=params,
            reference=next(filter(None, references)),
            send_at=None if before else _moment(row),
        )

    def _text(self, row: Row) -> tuple[str, dict[str, str]]:
        """The row's text, and what fills its placeholders."""
        text = row.values.get("text", "") if self.defaults.text is None else self.defaults.text
        check_shown("text", text)
        found = self.read_text(text)
        params = found.params(row)
        if not params:
            return template.fill(found.text, {}), params  # else a template's doubled braces would stay doubled
        return found.text, params


def _moment(row: Row) -> datetime | None:
    cell = row.values.get("send_at", "")
    return parse_moment(cell) if cell else None


@frozen
class _SortedRows:
    """The rows by what is to be done with them, each by its place in the table; ``results`` is what is known so far."""

    results: dict[int, RowResult] = field(factory=dict)
    new: dict[int, Recipient] = field(factory=dict)
    sent: dict[int, Recipient] = field(factory=dict)
    unknown: dict[int, Recipient] = field(factory=dict)


def _sort_rows(reader: _Reader, earlier: Sequence[RowResult] | None, again: Collection[RowOutcome]) -> _SortedRows:
    rows = _SortedRows()
    for place, row in enumerate(reader.table.rows):
        before = None
        if earlier is not None and earlier[place].outcome not in again:
            before = earlier[place]
            rows.results[place] = before
        try:
            recipient = reader.recipient(row, before)
        except InvalidMessage as error:
            refused = RowResult(RowOutcome.REFUSED_HERE, error=f"{error.field}: {error.reason}")
            rows.results.setdefault(place, refused)
            continue
        if before is None:
            rows.new[place] = recipient
            rows.results[place] = RowResult(RowOutcome.NOT_SENT, reference=recipient.reference)
        elif before.outcome is RowOutcome.UNKNOWN:
            rows.unknown[place] = recipient
        elif before.outcome in KNOWN_BY_THE_VENDOR:
            rows.sent[place] = recipient
    return rows


@frozen
class _PlannedRows:
    """Rows in one plan, None if there are none. ``places`` are theirs in the table, by their positions in its message."""

    plan: Plan | None = None
    places: tuple[int, ...] = ()

    @property
    def rendered(self) -> dict[int, Destination]:
        """Those that can be sent to and repeat no other, by place."""
        if self.plan is None:
            return {}
        return {self.places[destination.position]: destination for destination in self.plan.rendered}

    @property
    def duplicates(self) -> dict[int, int]:
        """The places of those that repeat others, and of these others."""
        if self.plan is None:
            return {}
        return {self.places[duplicate.position]: self.places[duplicate.of] for duplicate in self.plan.duplicates}

    @property
    def numbers(self) -> dict[int, str]:
        """The E.164 number of each that has one, by place."""
        numbers = {place: destination.number for place, destination in self.rendered.items()}
        return numbers | {place: numbers[of] for place, of in self.duplicates.items()}

    def without(self, places: Collection[int]) -> _PlannedRows:
        """The same without the rows at these places."""
        kept = tuple(place for place in self.rendered if place not in places)
        if self.plan is None or not kept:
            return _PlannedRows()
        if len(kept) == len(self.rendered):
            return self
        dropped = {position for position, place in enumerate(self.places) if place in places}
        return _PlannedRows(self.plan.without(dropped), kept)


def _plan(client: Client, defaults: MessageDefaults, rows: Mapping[int, Recipient]) -> _PlannedRows:
    if not rows:
        return _PlannedRows()
    message = _message(defaults, list(rows.values()))
    plan = client.plan(message, skip_refused=True)
    for position in sorted(plan.refused):
        _refusal(plan.refused[position])  # raises what is about all rows
    return _PlannedRows(plan, tuple(rows))


def _message(defaults: MessageDefaults, recipients: Sequence[Recipient]) -> Message:
    """A template that all share becomes the message's, so that a vendor with fields of its own can fill them.

    A text without params may look like another's template: ``{{name}}`` has become ``{name}``.
    """
    texts = {(recipient.text, bool(recipient.params)) for recipient in recipients}
    if len(texts) > 1:
        return defaults.message("", recipients)
    text = recipients[0].text or ""
    return defaults.message(text, [attrs.evolve(recipient, text=None) for recipient in recipients])


def _refusal(error: InvalidMessage | Unsupported) -> str:
    """Why a row is refused. Raises the error again if it is about all rows."""
    if isinstance(error, Unsupported):
        if error.capability not in ROW_CAPABILITIES:
            raise error
        return f"not with this provider: {error.capability}"
    field_name = _RECIPIENT.sub("", error.field)
    if field_name == error.field and field_name not in ROW_FIELDS:
        raise error
    return f"{field_name}: {error.reason}"


def _left_out(rows: _PlannedRows, table: Table) -> dict[int, RowResult]:
    """The results of rows that cannot be sent to, or that repeat others."""
    if rows.plan is None:
        return {}
    left_out = {place: _duplicate(table, place, of) for place, of in rows.duplicates.items()}
    owners = {destination.reference: place for place, destination in rows.rendered.items()}
    for position, error in rows.plan.refused.items():
        place = rows.places[position]
        reference = rows.plan.message.to[position].reference
        if isinstance(error, InvalidMessage) and error.field.endswith(".reference") and reference in owners:
            left_out[place] = _same_reference(table, reference, owners[reference])
        else:
            left_out[place] = RowResult(RowOutcome.REFUSED_HERE, error=_refusal(error))
    return left_out


def _repeating(new: _PlannedRows, before: Mapping[int, Destination], table: Table) -> dict[int, RowResult]:
    """The results of rows that repeat one that an earlier run sent, or that have the reference of such a one."""
    texts = {(destination.number, destination.text): place for place, destination in before.items()}
    references = {destination.reference: place for place, destination in before.items()}
    repeating: dict[int, RowResult] = {}
    for place, destination in new.rendered.items():
        of = texts.get((destination.number, destination.text))
        owner = references.get(destination.reference)
        if of is not None:
            repeating[place] = _duplicate(table, place, of)
        elif owner is not None:
            repeating[place] = _same_reference(table, destination.reference, owner)
    return repeating


def _duplicate(table: Table, place: int, of: int) -> RowResult:
    reason = f"repeats row {table.rows[of].number}, number and text"
    return RowResult(RowOutcome.DUPLICATE, reference=table.rows[place].values.get("reference", ""), error=reason)


def _same_reference(table: Table, reference: str, owner: int) -> RowResult:
    reason = f"reference: row {table.rows[owner].number} has this one, so reports could not be told apart"
    return RowResult(RowOutcome.REFUSED_HERE, reference=reference, error=reason)


def _remembered(rows: _PlannedRows, results: Mapping[int, RowResult]) -> Iterator[tuple[Plan, SendResult]]:
    """Plans of rows that an earlier run left unknown, each with what that run knew of it.

    How they failed is forgotten. They count as timed out, the failure that leaves most open, so that the vendor's not
    knowing them is not taken for proof too early.
    """
    places = {destination.reference: place for place, destination in rows.rendered.items()}
    for plan in rows.plan.split() if rows.plan else ():
        before = [results[places[destination.reference]] for destination in plan.rendered]
        outcomes = [
            RecipientOutcome(
                number=destination.number,
                outcome=Outcome.UNKNOWN,
                # The file has one batch for a row. Of several messages it does not say whose that is.
                batch_id=(before[destination.position].batch_id or None) if len(plan.sends) == 1 else None,
                reference=destination.reference,
                error=TransportError(before[destination.position].error, sent=True, timed_out=True),
            )
            for destination in plan.destinations
        ]
        times = [result.sent_at for result in before if result.sent_at is not None]
        # With one time missing, nothing tells how long the vendor has to remember.
        sent_at = min(times) if len(times) == len(before) else None
        yield plan, SendResult(tuple(outcomes), message=plan.message, sent_at=sent_at)


def _facts(
    numbers: Mapping[int, str], recipients: Mapping[int, Recipient], results: Mapping[int, RowResult]
) -> Iterator[Fact]:
    """What an earlier run learned of rows that it sent, as far as its file has it."""
    by_time: dict[datetime | None, list[RecipientOutcome]] = {}
    for place, number in numbers.items():
        result = results[place]
        reference = recipients[place].reference
        outcome = RecipientOutcome(
            number=number,
            outcome=Outcome(result.outcome.value),
            batch_id=result.batch_id or None,
            reference=reference,
            error=SmsError(result.error) if result.error else None,
        )
        by_time.setdefault(result.sent_at, []).append(outcome)
        if result.status is not None:
            yield DeliveryReport(
                number=number,
                status=result.status,
                batch_id=result.batch_id,
                reference=reference,
                done_at=result.done_at,
                vendor_code=result.vendor_code,
                vendor_text=result.vendor_text,
            )
    for sent_at, outcomes in by_time.items():
        yield SendResult(tuple(outcomes), sent_at=sent_at)


def _notes(client: Client, table: Table, defaults: MessageDefaults) -> Iterator[str]:
    yield from table.notes
    if table.has("email") and not client.info.can(Capability.EMAIL):
        yield f"{client.info.title} takes no emails: that column is left out"
    if defaults.text is not None and table.has("text"):
        yield "the text that was given is for all: the column 'text' is left out"
