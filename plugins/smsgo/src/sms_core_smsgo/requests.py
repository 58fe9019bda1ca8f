"""From an operation to smsgo's request for it."""

from __future__ import annotations

from typing import Any

from sms_core import Unsupported
from sms_core.provider import (
    TAIPEI,
    TAIWAN,
    Account,
    Cancel,
    Check,
    Destination,
    GetBalance,
    GetReports,
    Operation,
    Request,
    Send,
    form_request,
    is_taiwan,
    query_request,
)
from sms_core_smsgo.encodings import fit_of
from sms_core_smsgo.options import AccountOptions, SendOptions

RTYPE = {"text": "", "json": "JSON", "xml": "XML"}  # table of chapter 1; without rtype the answer is text


def build(account: Account, operation: Operation[Any]) -> Request:
    """The request of any operation. Raises `Unsupported`."""
    match operation:
        case Send():
            return _request(account, "sendsms.aspx", _send_fields(operation))
        case GetBalance() | Check():
            return _request(account, "query_point.asp", {})
        case GetReports():
            path = "query.asp" if len(operation.numbers) == 1 else "queryBulk.asp"
            numbers = [number_of(number) for number in operation.numbers]
            return _request(account, path, {"msgid": operation.batch_id, "dstaddr": ",".join(numbers)})
        case Cancel():
            return _request(account, "sendsms_cancel.asp", {"msgid": operation.batch_id})
        case _:
            raise Unsupported(account.provider, operation.name)


def number_of(e164: str) -> str:
    """``09…`` for Taiwan; foreign numbers keep their ``+`` (table of chapter 1, dstaddr)."""
    return f"0{e164.removeprefix(TAIWAN)}" if is_taiwan(e164) else e164


def _send_fields(operation: Send) -> dict[str, str]:
    """The table of chapter 1. All destinations share text and time; ``smbdy`` there is a misprint for ``smbody``."""
    first = operation.destinations[0]
    options = operation.options(SendOptions)
    numbers = [number_of(destination.number) for destination in operation.destinations]
    return {
        "dstaddr": ",".join(numbers),
        "encoding": _encoding(first, options),
        "smbody": first.text,
        "dlvtime": f"{first.send_at.astimezone(TAIPEI):%Y/%m/%d %H:%M:%S}" if first.send_at else "",
        "wapurl": options.push_url,
        "replyurl": options.reply_url,
        "replydays": "" if options.reply_days is None else str(options.reply_days),
        "response": options.report_url,
    }


def _encoding(destination: Destination, options: SendOptions) -> str:
    fit = fit_of(destination.text)
    if options.push_url:
        return "PUSH"
    if options.popup:
        return f"P{fit.encoding}"
    return fit.encoding if fit.single else fit.long


def _request(account: Account, path: str, fields: dict[str, str]) -> Request:
    """What is empty is left out, as the vendor's own samples do."""
    options = account.typed_options(AccountOptions)
    url = f"{account.base_url}/sms_gw/{path}"
    credentials = {"username": account.user, "password": account.password}
    given = fields | {"rtype": RTYPE[options.rtype]}
    present = {name: value for name, value in given.items() if value}
    if options.method == "GET":
        return query_request(url, credentials | present)
    return form_request(url, credentials | present)
