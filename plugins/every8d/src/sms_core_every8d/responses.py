"""From EVERY8D's answer to an operation's result, or to the error that it means.

The form endpoints answer in text (``CREDIT,SENDED,…`` or ``-code,text``), the others in JSON; with a token the
form endpoints were seen to refuse in JSON too, so both are read everywhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from attrs import frozen

from sms_core import (
    Account,
    Balance,
    Cancellation,
    InsufficientCredit,
    MalformedResponse,
    NotFound,
    Outcome,
    RecipientOutcome,
    RecipientRefused,
    SendResult,
    SessionExpired,
    VendorError,
)
from sms_core.http import Response, decode, raise_for_status
from sms_core.numbers import from_vendor
from sms_core.operations import (
    Cancel,
    Check,
    FindSent,
    GetBalance,
    GetInbound,
    GetReports,
    Login,
    Logout,
    Operation,
    Send,
    Sightings,
    options_of,
)
from sms_core.steps import Session
from sms_core_every8d import pages
from sms_core_every8d.codes import error_of
from sms_core_every8d.options import AccountOptions, SendOptions

SESSION_LIFE = timedelta(hours=8)  # 1.1.1

_REFUSAL = re.compile(r"(-\d+)\s*(?:,(.*))?", re.ASCII | re.DOTALL)
_DECIMAL = re.compile(r"-?\d{1,15}(?:\.\d{1,6})?", re.ASCII)
_TOKEN = re.compile(r"[!-~]{1,512}")
_NUMBERS = re.compile(r"\+?\d{8,}(?:/\+?\d{8,})*/?", re.ASCII)
_CUT_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f-]*)?", re.ASCII | re.IGNORECASE)
_GUID_LENGTH = 32  # hex digits; table 2-3-7 prints one of 31 with its dashes 35 long, so lengths are not checked closer
_FEWEST_FIELDS = 3
_FIELDS_OF_NONE = 4  # table 2-6-10: ``0,0,0,``


def parse(account: Account, operation: Operation[Any], response: Response) -> Any:
    """The result of the operation. Raises the `VendorError` that the answer is, or `MalformedResponse`."""
    logged_in = account.typed_options(AccountOptions).auth == "token"
    if response.status == 401 and logged_in:  # noqa: PLR2004 - HTTP's own number
        raise SessionExpired(code="401")
    raise_for_status(response)
    text = decode(response.body).strip("\ufeff \r\n")
    try:
        return _parse(account, operation, text, logged_in=logged_in)
    except MalformedResponse as error:
        raise MalformedResponse(f"{operation.name}: {error}", response) from error


def _parse(account: Account, operation: Operation[Any], text: str, *, logged_in: bool) -> Any:
    answer = _read(operation, text)
    match operation:
        case Login():
            return _session(operation, answer)
        case Send():
            return _sent(operation, _text(answer))
        case FindSent():
            return _sightings(account, operation, _text(answer))
        case GetReports():
            return pages.parse_reports(answer, operation)
        case GetInbound():
            return pages.parse_inbound(answer, operation)
        case Cancel():
            return _cancellation(_text(answer))
        case GetBalance():
            return Balance(_decimal(_text(answer)))
        case Check() if not logged_in:  # the balance was asked instead
            _decimal(_text(answer))
            return None
        case Check() | Logout() if isinstance(answer, dict) and "result" in answer:
            return None
        case _:
            raise MalformedResponse("not what this operation is answered with")


def _read(operation: Operation[Any], text: str) -> str | Mapping[str, Any]:
    """The text of a success, or its JSON object with lower-case keys. Raises the error of a refusal."""
    if text.startswith("{"):
        answer = _json_object(text)
        if "result" not in answer:
            return answer
        if str(answer["result"]).lower() == "true":
            return answer
        code, words = str(answer.get("status") or ""), str(answer.get("msg") or "")
        if isinstance(operation, Check) and not code:
            raise SessionExpired(vendor_text=words)  # table 1-2-2: false is all that is said of a dead token
        raise error_of(operation, code, words)
    refusal = _REFUSAL.fullmatch(text)
    if refusal and not _is_sent(text):
        raise error_of(operation, refusal[1], (refusal[2] or "").strip())
    return text


def _is_sent(text: str) -> bool:
    """Whether a text that starts like a refusal is the answer to a send on an account below zero."""
    fields = text.split(",")
    return len(fields) > _FEWEST_FIELDS and all(_DECIMAL.fullmatch(field.strip()) for field in fields[:_FEWEST_FIELDS])


def _json_object(text: str) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = json.loads(text)  # it starts with a brace
    except (ValueError, RecursionError) as error:
        raise MalformedResponse("not JSON") from error
    return {name.lower(): value for name, value in answer.items()}


def _text(answer: str | Mapping[str, Any]) -> str:
    if isinstance(answer, str):
        return answer
    if not isinstance(answer.get("msg"), str):
        raise MalformedResponse("no Msg")
    return str(answer["msg"])


def _session(operation: Login, answer: str | Mapping[str, Any]) -> Session:
    """Table 1-1-4. A token goes into a header, so nothing but visible ASCII is taken for one."""
    token = "" if isinstance(answer, str) else str(answer.get("msg") or "")
    if not _TOKEN.fullmatch(token):
        raise MalformedResponse("no token")
    return Session(token, operation.now + SESSION_LIFE)


@frozen
class _Counts:
    """``CREDIT,SENDED,COST,UNSEND,BATCHID`` and, from the filter, ``FAIL_MOBILE,FAIL_BATCHID``.

    ``whole`` is False where the filter's lists may have been cut, so that a number may be missing in them.
    """

    credit: Decimal
    sended: int
    cost: Decimal
    unsend: int
    batch_id: str
    held_back: Mapping[str, str]
    whole: bool


def _counts(text: str) -> _Counts:
    """Tables 2-3-7 and 2-6-7 to 2-6-10.

    The filter's answers have 4 to 7 fields and line breaks inside; what was held back stands at the right.
    """
    fields = "".join(text.split()).split(",")
    whole = len(fields) == _FIELDS_OF_NONE
    held_back: dict[str, str] = {}
    if _NUMBERS.fullmatch(fields[-1]):
        held_back = _pairs(fields.pop().split("/"), [])
    elif len(fields) > 1 and _NUMBERS.fullmatch(fields[-2]):
        batches, numbers = fields.pop().split("/"), fields.pop().split("/")
        held_back = _pairs(numbers, batches)
        whole = len(batches) == len(numbers) and not any(_is_cut(batch) for batch in batches) and all(batches)
    if len(fields) < _FEWEST_FIELDS:
        raise MalformedResponse("not CREDIT,SENDED,COST,UNSEND,BATCHID")
    credit, sended, cost, unsend, batch_id = (*fields, "", "")[:5]
    points, price = _decimal(credit), _decimal(cost)
    return _Counts(points, _count(sended), price, _count(unsend or "0"), batch_id, held_back, whole)


def _pairs(numbers: list[str], batches: list[str]) -> dict[str, str]:
    """Numbers (E.164) with their batches; one batch for all is one for each; else "" where they do not pair."""
    found = [from_vendor(number) for number in numbers if number]
    named = [batch for batch in batches if batch]
    if len(named) == 1:
        named *= len(found)
    if len(named) != len(found):
        named = [""] * len(found)
    return dict(zip(found, named, strict=True))


def _sent(operation: Send, text: str) -> SendResult:
    """What five numbers say of each destination. They say how many, and not always whom."""
    counts = _counts(text)
    through_filter = operation.options(SendOptions).skip_duplicates
    held_back = counts.held_back if through_filter else {}
    candidates = [one for one in operation.destinations if one.number not in held_back]
    if candidates and (not counts.batch_id or _is_cut(counts.batch_id) or counts.credit < 0):
        raise MalformedResponse("no batch id")
    outcome, error = _fate(counts, len(candidates))
    rows = []
    for one in operation.destinations:
        if one.number in held_back:
            rows.append(_held_back(one.number, one.reference, held_back[one.number]))
        else:
            batch = None if outcome is Outcome.REFUSED else counts.batch_id
            rows.append(RecipientOutcome(one.number, outcome, batch, one.reference, error))
    return SendResult(
        outcomes=tuple(rows),
        accepted=len(candidates) if outcome is Outcome.ACCEPTED else counts.sended,
        unsent=counts.unsend,
        cost=counts.cost,
        balance=counts.credit,
        batches=(counts.batch_id,) if counts.sended and candidates else (),
        raw=(text,),
    )


def _fate(counts: _Counts, candidates: int) -> tuple[Outcome, VendorError | None]:
    """UNSEND is how many were not sent for lack of credit (table 2-3-2); SENDED may count parts of long texts."""
    if counts.unsend == 0 and counts.sended >= candidates:
        return Outcome.ACCEPTED, None
    if counts.sended == 0 and counts.unsend >= candidates:
        return Outcome.REFUSED, InsufficientCredit(f"no credit for {counts.unsend} of {candidates}")
    if counts.unsend:
        return Outcome.UNKNOWN, InsufficientCredit(f"no credit for {counts.unsend} of {candidates}, not said which")
    return Outcome.UNKNOWN, VendorError(f"{counts.sended} of {candidates} were taken, not said which")


def _held_back(number: str, reference: str, batch: str) -> RecipientOutcome:
    error = RecipientRefused("got the same text within 24 hours", code="duplicate")
    return RecipientOutcome(number, Outcome.REFUSED, batch or None, reference, error)


def _is_cut(batch_id: str) -> bool:
    """Whether this is the beginning of a GUID, from an answer that was cut."""
    return len(batch_id) < _GUID_LENGTH and _CUT_GUID.fullmatch(batch_id) is not None


def _sightings(account: Account, operation: FindSent, text: str) -> Sightings:
    """Tables 2-6-9 and 2-6-10. A list that may have been cut proves nothing of those that are not in it."""
    counts = _counts(text)
    filtered = options_of(operation.message, SendOptions).skip_duplicates
    proof = filtered or account.typed_options(AccountOptions).filter_sees_all
    return Sightings(counts.held_back, absence_is_proof=proof and counts.whole)


def _cancellation(text: str) -> Cancellation:
    """Tables 5-1-5 and 5-2-5; an empty answer means that there is no such booking (editions 2017 and 2021)."""
    if not text:
        raise NotFound("no such booking", code="empty")
    count, _, refunded = text.partition(",")
    return Cancellation(_count(count), _decimal(refunded))


def _decimal(text: str) -> Decimal:
    if not _DECIMAL.fullmatch(text.strip()):
        raise MalformedResponse("not a number of points")
    return Decimal(text.strip())


def _count(text: str) -> int:
    value = _decimal(text)
    if value < 0 or value != int(value):
        raise MalformedResponse("not a count")
    return int(value)
