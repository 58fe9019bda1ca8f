"""What an exchange makes of a draft that it takes: a message as it is kept, and a line in what was really accepted."""

from __future__ import annotations

from datetime import datetime

from sms_core.model import DeliveryStatus
from sms_core.numbers import is_taiwan
from sms_core.testing.behaviours import behaviour_named, behaviour_of
from sms_core.testing.records import Accepted, AccountState, Draft, StoredMessage

NO_REPORT = "no report: this send named no URL"
"""The note on a message of a vendor that pushes reports to the URL of the send itself."""


def to_accepted(message: StoredMessage) -> Accepted:
    """The line of a message that was accepted."""
    return Accepted(message.number, message.text, message.batch_id, message.reference, message.vendor)


def to_stored(  # noqa: PLR0913 - a message has that many fields
    draft: Draft,
    *,
    account: AccountState,
    batch_id: str,
    position: int,
    now: datetime,
    face: str,
    kind: str,
    subject: str,
    media: bytes | None,
    serial: int,
    filtered: bool,
) -> StoredMessage:
    """A draft as it is kept, before anybody has paid for it.

    The carriers of Taiwan drop a text that breaks their rules: it is taken and charged, and arrives nowhere.
    """
    notes: tuple[str, ...] = (NO_REPORT,) if draft.report_url == "" else ()
    behaviour = draft.behaviour or behaviour_of(draft.number)
    objection = account.approved.objection(draft.text) if account.approved and is_taiwan(draft.number) else ""
    if objection:
        behaviour = behaviour_named("carrier_content")
        notes += (objection,)
    return StoredMessage(
        user=account.user,
        batch_id=batch_id,
        position=position,
        number=draft.number,
        text=draft.text,
        reference=draft.reference,
        name=draft.name,
        subject=subject,
        kind=kind,
        face=face,
        cost=draft.cost,
        accepted_at=now,
        send_at=draft.send_at or now,
        behaviour=behaviour,
        status=DeliveryStatus.SCHEDULED,
        media=media,
        serial=serial,
        filtered=filtered,
        vendor=account.vendor,
        report_url=draft.report_url,
        reply_url=draft.reply_url,
        notes=notes,
    )
