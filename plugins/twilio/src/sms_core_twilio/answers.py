"""Twilio's answers: a resource in JSON, or a refusal with a code and an HTTP status of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from http import HTTPStatus
from typing import Any

from attrs import field, frozen

from sms_core import MalformedResponse, RateLimited, VendorUnavailable
from sms_core.provider import (
    Response,
    decode,
    parse_json,
    points_or_none,
    raise_for_status,
    retry_after,
    structure_json,
)
from sms_core_twilio.codes import error_of

_UNSURE = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT})
"""Refusals that leave open what happened: a gateway says the same in JSON of its own."""

_SID = re.compile(r"(?:SM|MM)[0-9a-fA-F]{32}", re.ASCII)


@frozen
class Resource:
    """A message as Twilio keeps it (Messages resource, Message properties); "" where it is null."""

    sid: str = ""
    status: str = ""
    to: str = ""
    body: str = field(default="", repr=False)
    direction: str = ""
    price: str = ""
    error_code: str = ""
    error_message: str = ""
    date_created: str = ""
    date_sent: str = ""
    date_updated: str = ""

    @property
    def reason(self) -> str:
        """The code of its failure, "" without one."""
        return "" if self.error_code == "0" else self.error_code

    @property
    def cost(self) -> Decimal | None:
        """What it costs, above 0: the price is what the account loses, below 0, and null until it was sent."""
        price = points_or_none(self.price)
        return None if price is None else -price


@frozen
class Listed:
    """A page of messages."""

    messages: list[Resource]


@frozen
class _Refusal:
    """A refusal; newer services have RFC 9457's ``detail`` and ``title`` for the words."""

    message: str = ""
    detail: str = ""
    title: str = ""

    @property
    def words(self) -> str:
        return self.message or self.detail or self.title


def read(response: Response) -> Mapping[str, Any]:
    """The JSON object of a success. Raises the error of a refusal: Twilio tells it by status and code, both.

    Only a refusal in Twilio's own words is its refusal. Anything else comes from something in between.
    """
    value = _object_or_none(response)
    if value is not None and response.status >= HTTPStatus.BAD_REQUEST and _is_twilios(value, response.status):
        _raise_refusal(value, response)
    raise_for_status(response)
    if value is None:
        raise MalformedResponse("not a JSON object")
    return value


def message_of(answer: Mapping[str, Any]) -> Resource:
    """The message that an answer is. Raises `MalformedResponse` for one without a sid."""
    resource = structure_json(answer, Resource)
    sid_of(resource)
    return resource


def sid_of(resource: Resource) -> str:
    """Its sid. Raises `MalformedResponse` for what is none."""
    if not _SID.fullmatch(resource.sid):
        raise MalformedResponse("no sid of a message")
    return resource.sid


def _object_or_none(response: Response) -> dict[str, Any] | None:
    try:
        value = parse_json(decode(response.body))
    except MalformedResponse:
        return None
    return value if isinstance(value, dict) else None


def _is_twilios(value: Mapping[str, Any], status: int) -> bool:
    return _is_number(value.get("code")) or value.get("status") == status


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _raise_refusal(value: Mapping[str, Any], response: Response) -> None:
    status = response.status
    code = str(value["code"]) if _is_number(value.get("code")) else ""
    words = structure_json(value, _Refusal).words
    if status == HTTPStatus.TOO_MANY_REQUESTS:  # never processed, says 20429
        raise RateLimited("too many requests", code=code, vendor_text=words, retry_after=retry_after(response))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _UNSURE:  # 20500: a POST that failed so may have sent
        raise VendorUnavailable(
            f"HTTP {status}", status=status, code=code, vendor_text=words, retry=True, maybe_taken=True
        )
    raise error_of(code, words, status)
