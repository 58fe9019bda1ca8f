"""From an operation to EVERY8D's request for it."""

from __future__ import annotations

from typing import Any

from sms_core import Account, InvalidMessage, Unsupported
from sms_core.http import Request
from sms_core.model import Message
from sms_core.provider import (
    Cancel,
    Check,
    Destination,
    FindSent,
    GetBalance,
    GetInbound,
    GetReports,
    Logout,
    Operation,
    Send,
    Session,
    form_request,
    json_request,
    options_of,
    template,
)
from sms_core_every8d.fields import minutes_field, picture_field, time_field
from sms_core_every8d.http.options import AccountOptions, SendOptions

RESPFORMAT = {"tab": "0", "json": "1", "xml": "2"}  # table 4-2-1
VERIFY_LOGIN, VERIFY_CHECK, VERIFY_LOGOUT = 1, 2, 3  # tables 1-1-1, 1-2-1, 1-3-1
MOST_FIELDS = 5  # table 2-5-1, MSG


def login_request(account: Account) -> Request:
    """1.1: user and password for a token."""
    return json_request(_url(account, "ConnectionHandler.ashx"), _verify(VERIFY_LOGIN) | _credentials(account))


def build(account: Account, session: Session | None, operation: Operation[Any]) -> Request:
    """The request of any operation but the login. Raises `InvalidMessage` or `Unsupported`."""
    options = account.typed_options(AccountOptions)
    match operation:
        case Send():
            return _send(account, session, operation)
        case GetBalance():
            return _form(account, session, "GetCredit.ashx", {})
        case Check() if session is None:  # with user and password in each request, any read checks them
            return _form(account, session, "GetCredit.ashx", {})
        case Check():
            return _json(account, session, "ConnectionHandler.ashx", _verify(VERIFY_CHECK))
        case Logout():
            return _json(account, session, "ConnectionHandler.ashx", _verify(VERIFY_LOGOUT))
        case GetReports():
            fields = _page(operation.batch_id, operation.page, RESPFORMAT[options.report_format])
            return _form(account, session, _mms_path("GetDeliveryStatus.ashx", mms=operation.mms), fields)
        case GetInbound():  # 4.3 has no XML form
            fields = _page(operation.batch_id, operation.page, "0" if options.report_format == "tab" else "1")
            return _form(account, session, "GetReplyMessage.ashx", fields)
        case Cancel():
            path = _mms_path("EraseBooking.ashx", mms=operation.mms)
            return _form(account, session, path, {"BID": operation.batch_id})
        case FindSent():
            return _find_sent(account, session, operation)
        case _:
            raise Unsupported(account.provider, operation.name)


def _send(account: Account, session: Session | None, operation: Send) -> Request:
    """Which address carries a message follows from the message."""
    message, options = operation.message, operation.options(SendOptions)
    if options.skip_duplicates:
        return _send_filtered(account, session, operation)
    if message.media is None and _is_plain(operation):
        fields = _form_fields(message, operation.destinations)
        return _form(account, session, "SendSMS.ashx", fields | _event(options))
    if message.media is None:
        return _json(account, session, "SendParam.ashx", _param_body(operation))
    if _is_plain(operation):
        fields = _form_fields(message, operation.destinations) | _picture(message) | _event(options)
        return _form(account, session, "MMS/SendMMS.ashx", fields)
    path = account.typed_options(AccountOptions).mms_param_path
    return _json(account, session, path, _param_body(operation))


def _is_plain(operation: Send) -> bool:
    """Whether 2.2 (one text, one time, bare numbers) can carry all that the message says."""
    personal = (
        one.text is not None or one.params or one.name or one.email or one.reference or one.send_at
        for one in operation.message.to
    )
    return not any(personal)


def _send_filtered(account: Account, session: Session | None, operation: Send) -> Request:
    """2.5: the vendor holds back who already got this text within 24 hours."""
    if operation.message.media is not None:
        raise InvalidMessage("options", "skip_duplicates is for SMS: the filter takes no picture")
    if any(one.email for one in operation.destinations):
        raise InvalidMessage("options", "skip_duplicates cannot be had together with emails: the filter takes none")
    fields = _form_fields(operation.message, operation.destinations)
    return _form(account, session, "SendSMS4FilterMessage.ashx", fields | _event(operation.options(SendOptions)))


def _find_sent(account: Account, session: Session | None, operation: FindSent) -> Request:
    """2.5 with ``IsSend=false``: the filter asked, and nothing sent."""
    fields = {
        "SB": operation.message.subject,
        "MSG": operation.text,
        "DEST": ",".join(operation.numbers),
        "ST": "",
        "IsSend": "false",
    }
    event = _event(options_of(operation.message, SendOptions))
    return _form(account, session, "SendSMS4FilterMessage.ashx", fields | event)


def _form_fields(message: Message, destinations: tuple[Destination, ...]) -> dict[str, str]:
    """The fields that 2.2, 2.5 and 3.3 share, in the order of table 2-3-1."""
    fields = {
        "SB": message.subject,
        "MSG": destinations[0].text,
        "DEST": ",".join(one.number for one in destinations),
        "ST": time_field(destinations[0].send_at),
    }
    return fields | {name: str(minutes) for name, minutes in _retry_time(message).items()}


def _param_body(operation: Send) -> dict[str, Any]:
    """2.3 and 3.4 (a whole text each), or 2.4 and 3.5 (one text with fields) where the params fit that."""
    message = operation.message
    names = _native_fields(operation)
    body: dict[str, Any] = {"SB": message.subject}
    if names:
        place = {name: f"%field{position}%" for position, name in enumerate(names, 1)}
        body["MSG"] = template.substitute(message.text, place.__getitem__)
    body |= _retry_time(message) | _picture(message) | _event(operation.options(SendOptions))
    body["RecipientDataList"] = [
        {
            "Name": one.name,
            "Mobile": one.number,
            "Email": one.email,
            "SendTime": time_field(one.send_at),
            "Param": _field_values(one, names) if names else one.text,
            "Mr": one.reference,
        }
        for one in operation.destinations
    ]
    return body


def _native_fields(operation: Send) -> tuple[str, ...]:
    """The placeholders in the order of %field1% …; empty where the texts are better rendered here.

    The vendor has five fields, parts them with ``|``, and would replace a ``%field1%`` of the text's own.
    """
    if any(one.params is None for one in operation.destinations):
        return ()
    names = template.names(operation.message.text)
    values = [(one.params or {})[name] for one in operation.destinations for name in names]
    fits = len(names) <= MOST_FIELDS and not any("|" in value or "%field" in value for value in values)
    return names if fits and "%field" not in operation.message.text else ()


def _field_values(one: Destination, names: tuple[str, ...]) -> str:
    """Always five values, for the document says that no separator may be left out (table 2-5-1, Param)."""
    values = [(one.params or {})[name] for name in names]
    return "|".join([*values, *[""] * (MOST_FIELDS - len(values))])


def _retry_time(message: Message) -> dict[str, int]:
    return {} if message.validity is None else {"RETRYTIME": minutes_field(message.validity)}


def _picture(message: Message) -> dict[str, str]:
    if message.media is None:
        return {}
    return {"ATTACHMENT": picture_field(message.media), "TYPE": message.media.format}


def _event(options: SendOptions) -> dict[str, str]:
    return {"EventID": options.event_id} if options.event_id else {}


def _page(batch_id: str, page: int, form: str) -> dict[str, str]:
    return {"BID": batch_id, "PNO": str(page), "RESPFORMAT": form}


def _mms_path(name: str, *, mms: bool) -> str:
    return f"MMS/{name}" if mms else name


def _verify(kind: int) -> dict[str, Any]:
    return {"HandlerType": 3, "VerifyType": kind}


def _credentials(account: Account) -> dict[str, str]:
    return {"UID": account.user, "PWD": account.password}


def _form(account: Account, session: Session | None, path: str, fields: dict[str, str]) -> Request:
    return form_request(_url(account, path), _who(account, session) | fields, _bearer(session))


def _json(account: Account, session: Session | None, path: str, body: dict[str, Any]) -> Request:
    return json_request(_url(account, path), _who(account, session) | body, _bearer(session))


def _url(account: Account, path: str) -> str:
    return f"{account.base_url}/API21/HTTP/{path}"


def _who(account: Account, session: Session | None) -> dict[str, str]:
    """M1 or M2 of each table: a token in the headers, or else user and password in the body."""
    return _credentials(account) if session is None else {}


def _bearer(session: Session | None) -> dict[str, str]:
    return {} if session is None else {"authorization": f"Bearer {session.token}"}
