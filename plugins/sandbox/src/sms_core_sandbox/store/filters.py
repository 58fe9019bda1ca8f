"""Which messages are wanted, as SQL."""

from __future__ import annotations

from attrs import field, frozen

from sms_core.model import DeliveryStatus
from sms_core.numbers import to_e164

GROUPS: dict[str, tuple[DeliveryStatus, ...]] = {
    "waiting": (DeliveryStatus.ACCEPTED, DeliveryStatus.SCHEDULED, DeliveryStatus.SENT),
    "failed": tuple(status for status in DeliveryStatus if status.is_final and status is not DeliveryStatus.DELIVERED),
}
"""What a status may be called beside its own name."""


@frozen
class Filter:
    """Messages that fit all that is given; "" leaves it open.

    ``number`` may be written in any form, or be a part of one. ``text`` is a part of subject or text, in any case.
    ``status`` is a status, or ``waiting`` or ``failed``. ``vendor`` is the name of a face.
    """

    number: str = field(default="", repr=False)
    text: str = field(default="", repr=False)
    vendor: str = ""
    status: str = ""
    batch: str = ""

    def __bool__(self) -> bool:
        """Whether anything is given."""
        return any((self.number, self.text, self.vendor, self.status, self.batch))

    @property
    def is_in_index(self) -> bool:
        """Whether ``messages_by_number`` tells which messages fit."""
        return not (self.number or self.text or self.batch)

    def sql(self) -> tuple[str, list[object]]:
        """The condition, and the values of its parameters."""
        conditions: list[str] = ["1"]
        values: list[object] = []
        if self.number.strip():
            condition, digits = _number(self.number)
            conditions.append(condition)
            values += digits
        if self.text:
            conditions.append("words LIKE ? ESCAPE '\\'")
            values.append(f"%{_literal(self.text)}%")
        if self.vendor:
            conditions.append("face = ?")
            values.append(self.vendor)
        if self.batch:
            conditions.append("batch_id = ?")
            values.append(self.batch)
        if self.status:
            statuses = status_names(self.status)
            conditions.append(f"status IN ({', '.join('?' * len(statuses))})")
            values += statuses
        return " AND ".join(conditions), values


def status_names(name: str) -> list[str]:
    """The values of the statuses that a name stands for, in any case. Raises `ValueError` for one that there is not."""
    wanted = name.strip().lower()
    statuses = GROUPS.get(wanted)
    if statuses is None:
        try:
            statuses = (DeliveryStatus(wanted),)
        except ValueError:
            known = [*(status.value for status in DeliveryStatus), *GROUPS]
            raise ValueError(f"there is no status {name!r}; there are {', '.join(known)}") from None
    return [status.value for status in statuses]


def _number(written: str) -> tuple[str, list[str]]:
    try:
        return "number = ?", [to_e164(written)]
    except ValueError:
        digits = "".join(str(int(character)) for character in written if character.isdecimal())
        if not digits:
            return "0", []
        # A part from the beginning of a number as it is dialled in Taiwan, or from anywhere in it.
        return "(number LIKE ? OR number LIKE ?)", [f"%{digits}%", f"+886{digits.removeprefix('0')}%"]


def _literal(text: str) -> str:
    """A text as LIKE takes it at its word."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
