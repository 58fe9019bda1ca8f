"""From EVERY8D's answer to an operation's result, or to the error that it means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from attrs import frozen

from sms_core import (
    Balance,
    MalformedResponse,
    Outcome,
    RecipientOutcome,
    RecipientRefused,
    SendResult,
    SessionExpired,
)
from sms_core.provider import (
    Account,
    Cancel,
    Check,
    Destination,
    FindSent,
    GetBalance,
    GetInbound,
    GetReports,
    Login,
    Logout,
    Operation,
    Response,
    Send,
    Session,
    Sightings,
    answer_text,
    from_vendor,
    options_of,
    to_points,
)
from sms_core_every8d.counts import TOKEN, cancellation, is_cut, read_counts, sent
from sms_core_every8d.http import pages
from sms_core_every8d.http.answers import Answer, Verdict, read, text_of
from sms_core_every8d.http.options import AccountOptions, SendOptions

SESSION_LIFE = timedelta(hours=8)  # 1.1.1

_NUMBERS = re.compile(r"\+?\d{8,}(?:/\+?\d{8,})*/?", re.ASCII)
_FIELDS_OF_NONE = 4  # table 2-6-10: ``0,0,0,``


def parse(account: Account, operation: Operation[Any], response: Response) -> Any:
    """The result of the operation. Raises the `VendorError` that the answer is, or `MalformedResponse`."""
    logged_in = account.typed_options(AccountOptions).auth == "token"
    if response.status == 401 and logged_in:  # noqa: PLR2004 - HTTP's own number
        raise SessionExpired(code="401")
    return _result(account, operation, read(operation, answer_text(response)), logged_in=logged_in)


def _result(account: Account, operation: Operation[Any], answer: Answer, *, logged_in: bool) -> Any:
    match operation:
        case Login():
            return _session(operation, answer)
        case Check() if not logged_in:  # the balance was asked instead
            to_points(text_of(answer))
            return None
        case Check() | Logout() if isinstance(answer, Verdict):
            return None
        case Send():
            return _sent(operation, text_of(answer))
        case GetBalance():
            return Balance(to_points(text_of(answer)))
        case GetReports():
            return pages.parse_reports(answer, operation)
        case GetInbound():
            return pages.parse_inbound(answer, operation)
        case Cancel():
            return cancellation(text_of(answer))
        case FindSent():
            return _sightings(account, operation, text_of(answer))
        case _:
            raise MalformedResponse("not what this operation is answered with")


def _session(operation: Login, answer: Answer) -> Session:
    """Table 1-1-4. A token goes into a header, so nothing but visible ASCII is taken for one."""
    if not isinstance(answer, Verdict) or not TOKEN.fullmatch(answer.msg):
        raise MalformedResponse("no token")
    return Session(answer.msg, operation.now + SESSION_LIFE)


def _sent(operation: Send, text: str) -> SendResult:
    """Tables 2-3-2 and 2-6-2: five numbers, and behind them whom the filter held back."""
    answer = _filtered(text)
    held_back = answer.held_back if operation.options(SendOptions).skip_duplicates else {}
    rows = [
        _held_back(destination, held_back[destination.number])
        for destination in operation.destinations
        if destination.number in held_back
    ]
    return sent(read_counts(answer.fields), operation.destinations, text, rows)


def _held_back(destination: Destination, batch: str) -> RecipientOutcome:
    error = RecipientRefused("got the same text within 24 hours", code="duplicate")
    return RecipientOutcome(destination.number, Outcome.REFUSED, batch or None, destination.reference, error)


@frozen
class _Filtered:
    """An answer of the filter (2.5) or of any other send, which is the same without lists at its end.

    ``held_back`` are those who got the text before: number (E.164) to batch id, "" where it is not known. ``whole`` is
    False where the lists may have been cut, so that a number may be missing in them.
    """

    fields: tuple[str, ...]
    held_back: Mapping[str, str]
    whole: bool


def _filtered(text: str) -> _Filtered:
    """Tables 2-3-7 and 2-6-7 to 2-6-10: 4 to 7 fields, with line breaks inside."""
    fields = "".join(text.split()).split(",")
    if _NUMBERS.fullmatch(fields[-1]):
        return _Filtered(tuple(fields[:-1]), _pairs(fields[-1].split("/"), []), whole=False)
    if len(fields) > 1 and _NUMBERS.fullmatch(fields[-2]):
        numbers, batches = fields[-2].split("/"), fields[-1].split("/")
        whole = len(batches) == len(numbers) and not any(is_cut(batch) for batch in batches) and all(batches)
        return _Filtered(tuple(fields[:-2]), _pairs(numbers, batches), whole)
    return _Filtered(tuple(fields), {}, whole=len(fields) == _FIELDS_OF_NONE)


def _pairs(numbers: list[str], batches: list[str]) -> dict[str, str]:
    """Numbers (E.164) with their batches; one batch for all is one for each; else "" where they do not pair."""
    found = [from_vendor(number) for number in numbers if number]
    named = [batch for batch in batches if batch]
    if len(named) == 1:
        named *= len(found)
    if len(named) != len(found):
        named = [""] * len(found)
    return dict(zip(found, named, strict=True))


def _sightings(account: Account, operation: FindSent, text: str) -> Sightings:
    """Tables 2-6-9 and 2-6-10. A list that may have been cut proves nothing of those that are not in it."""
    answer = _filtered(text)
    read_counts(answer.fields)
    filtered = options_of(operation.message, SendOptions).skip_duplicates
    proof = filtered or account.typed_options(AccountOptions).filter_sees_all
    return Sightings(answer.held_back, absence_is_proof=proof and answer.whole)
