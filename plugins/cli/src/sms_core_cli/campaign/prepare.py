"""From a table to a campaign: each row checked by itself, so that a wrong one never stops the others."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import attrs
from attrs import define, field

from sms_core.client import Client
from sms_core.errors import InvalidMessage, Unsupported
from sms_core.model import Recipient
from sms_core.provider import Capability, template
from sms_core_cli.campaign.batches import Batch, Letter, Wishes, make_batches
from sms_core_cli.campaign.campaign import Campaign, Estimate
from sms_core_cli.campaign.standing import RowOutcome, Standing
from sms_core_cli.campaign.table import Row, Table, parse_moment

RECIPIENT = "to[0]."
ROW_FIELDS = (RECIPIENT, "text", "params", "row", "media.content")
"""Fields that one row may have wrong. An error in another field is about the whole campaign."""


def prepare(
    client: Client,
    table: Table,
    wishes: Wishes | None = None,
    *,
    earlier: Sequence[Standing] | None = None,
    again: Collection[RowOutcome] = (RowOutcome.NOT_SENT,),
) -> Campaign:
    """Check every row and put together what is to be sent. Sends nothing, asks nobody.

    ``earlier`` are the rows' standings after an interrupted run (`read_results`): only rows whose outcome is in
    ``again`` are to be sent then. Raises `InvalidMessage` or `Unsupported` for what is wrong with all rows.
    """
    wishes = wishes or Wishes()
    if earlier is not None and RowOutcome.UNKNOWN in again:
        raise InvalidMessage("again", "what is unknown is not sent again: settle() it")
    if wishes.text is None and not table.has("text"):
        raise InvalidMessage("text", "is missing: a column 'text' in the file, or one text for all")
    _check_wishes(client, wishes)
    desk = _Desk(client, table, wishes, secrets.token_hex(4))
    standings: list[Standing] = []
    to_send: list[Letter] = []
    doubtful: list[Letter] = []
    for position, row in enumerate(table.rows):
        before = None if earlier is None else earlier[position]
        standing, letter = desk.take(position, row, before, again)
        standings.append(standing)
        if letter is not None:
            (doubtful if standing.outcome is RowOutcome.UNKNOWN else to_send).append(letter)
    batches = make_batches(to_send, wishes, client.info)
    return Campaign(
        table=table,
        standings=standings,
        batches=batches,
        doubtful=make_batches(doubtful, wishes, client.info),
        numbers=desk.numbers,
        estimate=_estimate(client, to_send, batches),
        notes=tuple(_notes(client, table, wishes)),
    )


def _notes(client: Client, table: Table, wishes: Wishes) -> Iterator[str]:
    yield from table.notes
    if table.has("email") and not client.info.can(Capability.EMAIL):
        yield (f"{client.info.title} takes no emails: that column is left out")
    if wishes.text is not None and table.has("text"):
        yield ("the text that was given is for all: the column 'text' is left out")


def _estimate(client: Client, letters: Sequence[Letter], batches: Sequence[Batch]) -> Estimate:
    points = [letter.preview.points for letter in letters]
    known = [one for one in points if one is not None]
    previews = [client.preview(batch.message) for batch in batches]
    return Estimate(
        messages=len(letters),
        requests=sum(preview.requests for preview in previews),
        segments=sum(letter.preview.segments for letter in letters),
        points=sum(known, Decimal()) if len(known) == len(points) else None,
        warnings=tuple(dict.fromkeys(warning for preview in previews for warning in preview.warnings)),
    )


def _check_wishes(client: Client, wishes: Wishes) -> None:
    """What would be wrong in every row is said once, before any row."""
    needs = {
        Capability.SUBJECT: bool(wishes.subject),
        Capability.SCHEDULE: wishes.send_at is not None,
        Capability.VALIDITY: wishes.validity is not None,
        Capability.MMS: wishes.media is not None,
    }
    for capability, needed in needs.items():
        if needed and not client.info.can(capability):
            raise Unsupported(client.info.name, capability.value)
    if wishes.text is not None:
        template.parse(wishes.text)


@define
class _Desk:
    """Takes one row after another, and remembers what came before."""

    client: Client
    table: Table
    wishes: Wishes
    prefix: str
    texts: dict[tuple[str, str], Row] = field(factory=dict)
    references: dict[str, Row] = field(factory=dict)
    numbers: dict[int, str] = field(factory=dict)

    def take(
        self, position: int, row: Row, before: Standing | None, again: Collection[RowOutcome]
    ) -> tuple[Standing, Letter | None]:
        """What the row is now, and the letter that it is to be, or was."""
        over = before is not None and before.outcome not in again
        try:
            letter = self._letter(position, row, over=over)
        except (InvalidMessage, Unsupported) as error:
            refusal = _about_row(error)
            return (before if before is not None and over else Standing(RowOutcome.REFUSED_HERE, error=refusal)), None
        reference = letter.recipient.reference
        repeated = self.texts.setdefault((letter.preview.number, letter.preview.text), row)
        self.numbers[position] = letter.preview.number
        if before is not None and over:
            reference = before.reference or reference
            self.references.setdefault(reference, row)
            recipient = attrs.evolve(letter.recipient, reference=reference)
            return before, attrs.evolve(letter, recipient=recipient) if before.outcome is RowOutcome.UNKNOWN else None
        if repeated is not row:
            reason = f"repeats row {repeated.number}, number and text"
            return Standing(RowOutcome.DUPLICATE, reference=row.values.get("reference", ""), error=reason), None
        owner = self.references.setdefault(reference, row)
        if owner is not row:
            reason = f"reference: row {owner.number} has this one, so reports could not be told apart"
            return Standing(RowOutcome.REFUSED_HERE, reference=reference, error=reason), None
        return Standing(RowOutcome.NOT_SENT, reference=reference), letter

    def _letter(self, position: int, row: Row, *, over: bool) -> Letter:
        if len(row.cells) > len(self.table.headers):
            counts = f"has {len(row.cells)} cells and the header {len(self.table.headers)}"
            raise InvalidMessage("row", f"{counts}: a comma in a text needs quotes around it")
        text = row.values.get("text", "") if self.wishes.text is None else self.wishes.text
        params = _params(text, row.values)
        recipient = Recipient(
            row.values.get("number", ""),
            name=row.values.get("name", ""),
            email=row.values.get("email", "") if self.client.info.can(Capability.EMAIL) else "",
            params=params,
            reference=row.values.get("reference", "") or f"{self.prefix}-{row.number}",
            send_at=None if over else _moment(row),
        )
        # Without params a template's doubled braces would stay doubled.
        text = text if params else template.fill(text, {})
        wishes = attrs.evolve(self.wishes, send_at=None) if over else self.wishes
        preview = self.client.preview(wishes.message(text, recipient))
        return Letter(position, recipient, text, preview.recipients[0])


def _params(text: str, values: Mapping[str, str]) -> dict[str, str]:
    """Only what the text asks for, found by any case of the header. A value that is not there is refused later."""
    params = {}
    for name in template.names(text):
        value = values.get(name.lower())
        if value == "":
            raise InvalidMessage("params", f"the column {name!r} is empty, and the text has a place for it")
        if value is not None:
            params[name] = value
    if not params and (missing := template.names(text)):
        raise InvalidMessage("params", f"there is no column {missing[0]!r}, and the text has a place for it")
    return params


def _moment(row: Row) -> datetime | None:
    cell = row.values.get("send_at", "")
    try:
        return parse_moment(cell) if cell else None
    except InvalidMessage as error:
        raise InvalidMessage(f"{RECIPIENT}{error.field}", error.reason) from None


def _about_row(error: InvalidMessage | Unsupported) -> str:
    """Why the row is refused. Raises the error again if it is about all rows."""
    if isinstance(error, Unsupported):
        if error.capability not in {Capability.INTERNATIONAL.value, Capability.SCHEDULE.value}:
            raise error
        return f"not with this provider: {error.capability}"
    if not error.field.startswith(ROW_FIELDS):
        raise error
    return f"{error.field.removeprefix(RECIPIENT)}: {error.reason}"
