"""What both APIs answer in text: five fields after a send, two after a cancelling, a code where they refuse."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal

from attrs import frozen

from sms_core import (
    Cancellation,
    InsufficientCredit,
    MalformedResponse,
    NotFound,
    Outcome,
    RecipientOutcome,
    SendResult,
    VendorError,
)
from sms_core.provider import Destination, points_or_none, to_count, to_points

TOKEN = re.compile(r"[!-~]{1,512}")
"""A token or session key: 32 hexadecimal digits wherever one was seen."""

_REFUSAL = re.compile(r"(-\d+)\s*(?:,(.*))?", re.ASCII | re.DOTALL)
_CUT_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f-]*)?", re.ASCII | re.IGNORECASE)
_GUID_LENGTH = 32  # hexadecimal digits; HTTP's table 2-3-7 prints 31 of them, so no length is checked more closely
_FEWEST_FIELDS = 3
_FIELDS_WITHOUT_UNSEND = 4


def read_refusal(text: str) -> tuple[str, str] | None:
    """Code and words of ``-code,words``; None for any other text."""
    found = _REFUSAL.fullmatch(text)
    if found is None:
        return None
    code, words = found.groups(default="")
    return code, words.strip()


@frozen
class Counts:
    """``CREDIT,SENDED,COST,UNSEND,BATCH_ID``: how many, and not always whom."""

    credit: Decimal
    sended: int
    cost: Decimal
    unsend: int
    batch_id: str


def read_counts(fields: Sequence[str]) -> Counts:
    """The five fields of HTTP's table 2-3-7 and SOAP's 1.2; BATCH_ID may be missing.

    The example in SOAP's 1.2 leaves UNSEND out: a fourth field that is no number is the BATCH_ID.
    """
    if len(fields) < _FEWEST_FIELDS:
        raise MalformedResponse("not CREDIT,SENDED,COST,UNSEND,BATCH_ID")
    stripped = [field.strip() for field in fields]
    credit, sended, cost, unsend, batch_id = [*stripped, "", ""][:5]
    if len(fields) == _FIELDS_WITHOUT_UNSEND and points_or_none(unsend) is None:
        unsend, batch_id = "0", unsend
    return Counts(to_points(credit), to_count(sended), to_points(cost), to_count(unsend or "0"), batch_id)


def sent(
    counts: Counts, destinations: Sequence[Destination], text: str, held_back: Iterable[RecipientOutcome] = ()
) -> SendResult:
    """What the numbers say of each destination. ``held_back`` are rows that are known already."""
    known = {row.reference: row for row in held_back}
    candidates = [destination for destination in destinations if destination.reference not in known]
    if candidates and counts.credit < 0:
        raise MalformedResponse("a CREDIT below zero")
    if candidates and (not counts.batch_id or is_cut(counts.batch_id)):
        raise MalformedResponse("no batch id")
    outcome, error = _fate(counts, len(candidates))
    batch = None if outcome is Outcome.REFUSED else counts.batch_id
    for destination in candidates:
        row = RecipientOutcome(destination.number, outcome, batch, destination.reference, error)
        known[destination.reference] = row
    rows = [known[destination.reference] for destination in destinations]
    return SendResult(
        outcomes=tuple(rows),
        accepted=len(candidates) if outcome is Outcome.ACCEPTED else counts.sended,
        unsent=counts.unsend,
        cost=counts.cost,
        balance=counts.credit,
        batches=(counts.batch_id,) if counts.sended and candidates else (),
        raw=(text,),
    )


def _fate(counts: Counts, candidates: int) -> tuple[Outcome, VendorError | None]:
    """UNSEND is how many were not sent for lack of credit; SENDED may count parts of long texts."""
    if counts.unsend == 0 and counts.sended >= candidates:
        return Outcome.ACCEPTED, None
    if counts.sended == 0 and counts.unsend >= candidates:
        return Outcome.REFUSED, InsufficientCredit(f"no credit for {counts.unsend} of {candidates}")
    if counts.unsend:
        return Outcome.UNKNOWN, InsufficientCredit(f"no credit for {counts.unsend} of {candidates}, not said which")
    return Outcome.UNKNOWN, VendorError(f"{counts.sended} of {candidates} were taken, not said which")


def is_cut(batch_id: str) -> bool:
    """Whether this is the beginning of a GUID, from an answer that was cut."""
    return len(batch_id) < _GUID_LENGTH and _CUT_GUID.fullmatch(batch_id) is not None


def cancellation(text: str) -> Cancellation:
    """HTTP's tables 5-1-5 and 5-2-5, SOAP's 4.2 and 4.3; an empty answer means that there is no such booking."""
    if not text:
        raise NotFound("no such booking", code="empty")
    count, _, refunded = text.partition(",")
    return Cancellation(to_count(count), to_points(refunded))
