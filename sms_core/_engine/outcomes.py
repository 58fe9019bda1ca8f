"""What a failure means for a message. The one place where that is decided.

A message is billed when the vendor takes it, and the vendor takes it somewhere between the first byte of our
request and the first byte of its answer. So where a failure happened decides what is known:

* Before a byte left (DNS, connect, TLS, the login): surely not taken. ``NOT_SENT``, safe to try again.
* An answer that says no: ``REFUSED``. A 429, or another status by which the server says that it did not act,
  is no verdict on the message; nothing was taken: ``NOT_SENT``.
* Anything else, between those two: it may have been taken. ``UNKNOWN``, and nobody may send it again blindly,
  neither this library nor the application nor its queue. A time-out is no refusal; half an answer, a proxy's
  page and an answer that cannot be read are none either.

A send returns only if every recipient was accepted. The table of `conclude` says what is raised otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

import attrs

from sms_core.errors import (
    MalformedResponse,
    NotSent,
    OutcomeUnknown,
    PartiallySent,
    SmsError,
    VendorError,
)
from sms_core.model import Outcome, RecipientOutcome, SendResult
from sms_core.provider.info import ProviderInfo, in_words
from sms_core.provider.operations import Capability, Destination


def same_for_all(destinations: Iterable[Destination], outcome: Outcome, error: SmsError | None) -> SendResult:
    """The result of one request of which all destinations share the outcome."""
    rows = [
        RecipientOutcome(destination.number, outcome, None, destination.reference, error)
        for destination in destinations
    ]
    return SendResult(tuple(rows))


def account_for(destinations: Sequence[Destination], result: object) -> SendResult:
    """The provider's result with a row for each destination; one that it forgot may have been taken."""
    found = result if isinstance(result, SendResult) else SendResult(())
    if [row.reference for row in found.outcomes] == [destination.reference for destination in destinations]:
        return found
    rows = {row.reference: row for row in found.outcomes}
    outcomes = []
    for destination in destinations:
        row = rows.get(destination.reference)
        if row is None:
            row = _forgotten(destination, found.batch_id)
        outcomes.append(row)
    return attrs.evolve(found, outcomes=tuple(outcomes))


def _forgotten(destination: Destination, batch_id: str | None) -> RecipientOutcome:
    error = MalformedResponse("the provider gave no outcome for this recipient")
    return RecipientOutcome(destination.number, Outcome.UNKNOWN, batch_id, destination.reference, error)


def merge(results: Sequence[SendResult], order: Sequence[str]) -> SendResult:
    """One result for the parts of a message: counts and points added, the last balance.

    The rows come in the order of these references.
    """
    if len(results) == 1 and [row.reference for row in results[0].outcomes] == list(order):
        return results[0]
    costs = [part.cost for part in results if part.cost is not None]
    balances = [part.balance for part in results if part.balance is not None]
    place = {reference: position for position, reference in enumerate(order)}
    rows = (row for part in results for row in part.outcomes)
    return SendResult(
        outcomes=tuple(sorted(rows, key=lambda row: place[row.reference])),
        accepted=sum(part.accepted for part in results),
        unsent=sum(part.unsent for part in results),
        cost=sum(costs, Decimal()) if costs else None,
        balance=balances[-1] if balances else None,
        batches=tuple(batch for part in results for batch in part.batches),
        notes=tuple(dict.fromkeys(note for part in results for note in part.notes)),
        raw=tuple(answer for part in results for answer in part.raw),
    )


def conclude(result: SendResult, info: ProviderInfo, cause: SmsError | None = None) -> SendResult:
    """The result if every recipient was accepted; else raise what its outcomes come to.

    ===================================  ==============================================
    any ``UNKNOWN``                      `OutcomeUnknown`
    some ``ACCEPTED``, others surely not `PartiallySent`
    none accepted, the vendor said why   the `VendorError` that it is, with ``.result``
    none accepted, for another reason    `NotSent`
    ===================================  ==============================================
    """
    if all(row.outcome is Outcome.ACCEPTED for row in result.outcomes):
        return result
    found = {row.outcome for row in result.outcomes}
    if cause is None:
        cause = next((row.error for row in result.outcomes if row.error is not None), None)
    because = f": {cause}" if cause else ""
    if Outcome.UNKNOWN in found:
        count = _count(result, Outcome.UNKNOWN)
        raise OutcomeUnknown(f"{count} may have been sent{because}; {way_to_know(result, info)}", result) from cause
    if Outcome.ACCEPTED in found:
        count = _count(result, Outcome.ACCEPTED)
        raise PartiallySent(f"{count} sent, the others surely not{because}", result) from cause
    if isinstance(cause, VendorError):
        raise cause.with_result(result) from cause.__cause__
    raise NotSent(f"nothing was sent{because}", result) from cause


def way_to_know(result: SendResult, info: ProviderInfo) -> str:
    """How the unknown rows of a result can become known, in words."""
    unknown = [row for row in result.outcomes if row.outcome is Outcome.UNKNOWN]
    if info.can(Capability.REPORTS) and any(row.batch_id for row in unknown):
        return "settle() asks the vendor for the reports"
    if info.can(Capability.SETTLE) and not _is_picture(result):
        return "settle() asks the vendor"
    if info.replay is not None:
        window = in_words(info.replay.window)
        return f"settle(replay=True) asks again under the same key, which the vendor knows for {window}"
    default = f"{info.title} cannot be asked: a delivery report may tell, or its web page"
    hint = info.hints.get(Capability.SETTLE, default)
    return f"{hint}; do not send again before you know"


def _is_picture(result: SendResult) -> bool:
    """Whether it is an MMS: vendors remember texts alone (`FindSent`)."""
    return result.message is not None and result.message.media is not None


def _count(result: SendResult, outcome: Outcome) -> str:
    count = sum(row.outcome is outcome for row in result.outcomes)
    return f"{count} of {len(result.outcomes)}"


def with_outcome(result: SendResult, changed: dict[str, RecipientOutcome]) -> SendResult:
    """The result with the rows of these references replaced; counts and batches follow the rows."""
    rows = tuple(changed.get(row.reference, row) for row in result.outcomes)
    gained = [row for row in changed.values() if row.outcome is Outcome.ACCEPTED]
    batches = dict.fromkeys([*result.batches, *(row.batch_id for row in gained if row.batch_id)])
    accepted = max(result.accepted, sum(row.outcome is Outcome.ACCEPTED for row in rows))
    return attrs.evolve(result, outcomes=rows, accepted=accepted, batches=tuple(batches))
