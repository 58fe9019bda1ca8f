"""From a row of the file to what it says: whom it is sent to, with which text, and what tells it from others."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from datetime import datetime

from attrs import define, field

from sms_core.client import Client
from sms_core.errors import InvalidMessage
from sms_core.numbers import to_e164
from sms_core.provider import Capability, template
from sms_core_cli.campaign.addressees import Addressee
from sms_core_cli.campaign.mending import Mending
from sms_core_cli.campaign.message_defaults import MessageDefaults
from sms_core_cli.campaign.placeholders import RowTemplate, check_shown, reader_of_texts
from sms_core_cli.campaign.reading.headers import Columns
from sms_core_cli.campaign.reading.moments import parse_moment
from sms_core_cli.campaign.staging import StagedRow, hash_of, identity_of
from sms_core_cli.campaign.table import Row

WHERE_THE_TEXT_IS = "name its column with --column text=HEADER, or give one text for all"
_to_json = json.JSONEncoder(ensure_ascii=False).encode


@define
class ReadRow:
    """A row and what it says. ``addressee`` is None for one that is wrong, ``why`` says why then."""

    staged: StagedRow
    addressee: Addressee | None
    why: str = ""

    @property
    def to(self) -> Addressee:
        """The addressee of a row that can be sent to somebody."""
        if self.addressee is None:
            raise ValueError("this row is wrong, and can be sent to nobody")
        return self.addressee


@define
class RowReader:
    """Reads the rows of a table one by one, with what holds for all of them."""

    defaults: MessageDefaults
    mending: Mending
    takes_emails: bool
    read_text: Callable[[str], RowTemplate]
    prefix: str = field(factory=lambda: secrets.token_hex(4))
    """What begins the references of rows that have none of their own."""

    def read(self, row: Row, place: int) -> ReadRow:
        """What a row says, or why it can be sent to nobody."""
        mended = self.mending.take(row)
        cells = f"[{', '.join(map(_to_json, row.cells))}]"
        reference = row.values.get("reference", "")
        final = ""
        try:
            text, params = self._text(mended)
            final = template.fill(text, params) if params else text
            addressee = self._addressee(mended, text, params)
            number = to_e164(addressee.number)
        except (InvalidMessage, ValueError) as error:
            why = f"{error.field}: {error.reason}" if isinstance(error, InvalidMessage) else f"number: {error}"
            who, identity = self._of_wrong(row, mended, final)
            return ReadRow(StagedRow(place, row.number, identity, hash_of(who), cells, reference), None, why)
        staged = StagedRow(place, row.number, identity_of(number, final), hash_of(number), cells, reference)
        return ReadRow(staged, addressee)

    def _text(self, row: Row) -> tuple[str, dict[str, str]]:
        """The row's text, and what fills its placeholders."""
        if row.fault:
            raise InvalidMessage("row", row.fault)
        text = row.values.get("text", "") if self.defaults.text is None else self.defaults.text
        check_shown("text", text)
        found = self.read_text(text)
        params = found.params(row)
        if not params:
            return template.fill(found.text, {}), params  # else a template's doubled braces would stay doubled
        return found.text, params

    def _addressee(self, row: Row, text: str, params: dict[str, str]) -> Addressee:
        values = row.values
        number = values.get("number", "")
        check_shown("number", number)
        addressee = Addressee(
            number,
            values.get("name", ""),
            values.get("email", "") if self.takes_emails else "",
            text,
            params,
            values.get("reference") or f"{self.prefix}-{row.number}",
            _moment(row),
        )
        if addressee.send_at is not None:
            addressee.recipient(of_shared_text=False)  # raises for a time that no calendar has
        return addressee

    def _of_wrong(self, row: Row, mended: Row, final: str) -> tuple[str, str]:
        """Who a wrong row is for, and what tells it. ``final`` is its text, "" where it has none."""
        number = self.mending.number_of(mended) if final else ""
        if number:
            return number, identity_of(number, final)
        # Nothing can be sent to it as it is, so it is told by its cells.
        number = row.values.get("number", "")
        return number, identity_of(f"?{number}", row.values.get("text", ""))


def reader_of(client: Client, columns: Columns, defaults: MessageDefaults, mending: Mending) -> RowReader:
    """A reader of a table's rows. Raises `InvalidMessage` where there is no text, or a brace in it that is wrong."""
    if defaults.text is None and columns.find("text") is None:
        if columns.is_repeated("text"):
            raise InvalidMessage("text", "may be in several columns, called alike: rename all but one")
        named = ", ".join(header.strip() for header in columns.headers if header.strip())
        raise InvalidMessage("text", f"is missing: {WHERE_THE_TEXT_IS}; there are {named}")
    read_text = reader_of_texts(columns)
    if defaults.text is not None:
        read_text(defaults.text)
    return RowReader(defaults, mending, client.info.can(Capability.EMAIL), read_text)


def _moment(row: Row) -> datetime | None:
    cell = row.values.get("send_at", "")
    return parse_moment(cell) if cell else None
