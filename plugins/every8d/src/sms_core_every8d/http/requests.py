"""From an operation to EVERY8D's request for it."""

from __future__ import annotations

from typing import Any

from sms_core import Message, Unsupported
from sms_core.provider import (
    Account,
    Cancel,
    Check,
    Destination,
    FindSent,
    GetBalance,
    GetInbound,
    GetReports,
    Logout,
    Operation,
    Request,
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


def log_in(account: Account) -> Request:
    """1.1: user and password for a token."""
    return json_request(_url(account, "ConnectionHandler.ashx"), _verify(VERIFY_LOGIN) | _credentials(account))


def build(account: Account, session: Session | None, operation: Operation[Any]) -> Request:
    """The request of any operation but the login. Raises `Unsupported`."""
    match operation:
        case Logout():
            return _json(account, session, "ConnectionHandler.ashx", _verify(VERIFY_LOGOUT))
        case Check() if session is not None:
            return _json(account, session, "ConnectionHandler.ashx", _verify(VERIFY_CHECK))
        case GetBalance() | Check():  # with user and password in each request, any read checks them
            return _form(account, session, "GetCredit.ashx", {})
        case Send():
            return _send(account, session, operation)
        case GetReports() | GetInbound() | Cancel() | FindSent():
            return _about_sent(account, session, operation)
        case _:
            raise Unsupported(account.provider, operation.name)


def _about_sent(
    account: Account, session: Session | None, operation: GetReports | GetInbound | Cancel | FindSent
) -> Request:
    """The requests about what was sent before."""
    report_format = account.typed_options(AccountOptions).report_format
    match operation:
        case GetReports():
            path = _mms_path("GetDeliveryStatus.ashx", mms=operation.mms)
            return _form(account, session, path, _page(operation.batch_id, operation.page, report_format))
        case GetInbound():  # 4.3 has no XML form
            reply_format = "tab" if report_format == "tab" else "json"
            fields = _page(operation.batch_id, operation.page, reply_format)
            return _form(account, session, "GetReplyMessage.ashx", fields)
        case Cancel():
            path = _mms_path("EraseBooking.ashx", mms=operation.mms)
            return _form(account, session, path, {"BID": operation.batch_id})
        case FindSent():
            return _find_sent(account, session, operation)


def _send(account: Account, session: Session | None, operation: Send) -> Request:
    """Which address carries a message follows from the message."""
    message, options = operation.message, operation.options(SendOptions)
    if options.skip_duplicates:  # 2.5: the vendor holds back who already got this text within 24 hours
        fields = _form_fields(message, operation.destinations) | _event(options)
        return _form(account, session, "SendSMS4FilterMessage.ashx", fields)
    if not _is_plain(message):
        picture_path = account.typed_options(AccountOptions).mms_param_path
        path = "SendParam.ashx" if message.media is None else picture_path
        return _json(account, session, path, _param_body(operation))
    fields = _form_fields(message, operation.destinations) | _picture(message) | _event(options)
    path = "SendSMS.ashx" if message.media is None else "MMS/SendMMS.ashx"
    return _form(account, session, path, fields)


def _is_plain(message: Message) -> bool:
    """Whether 2.2 (one text, one time, bare numbers) can carry all that the message says."""
    for recipient in message.to:
        own = (recipient.params, recipient.name, recipient.email, recipient.reference, recipient.send_at)
        if recipient.text is not None or any(own):
            return False
    return True


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
        "DEST": ",".join([destination.number for destination in destinations]),
        "ST": time_field(destinations[0].send_at),
    }
    for name, minutes in _retry_time(message).items():
        fields[name] = str(minutes)
    return fields


def _param_body(operation: Send) -> dict[str, Any]:
    """2.3 and 3.4 (a whole text each), or 2.4 and 3.5 (one text with fields) where the params fit that."""
    message = operation.message
    names = _native_fields(operation)
    body: dict[str, Any] = {"SB": message.subject}
    if names:
        fields = {name: f"%field{position}%" for position, name in enumerate(names, 1)}
        body["MSG"] = template.substitute(message.text, fields.__getitem__)
    body |= _retry_time(message) | _picture(message) | _event(operation.options(SendOptions))
    body["RecipientDataList"] = [_recipient(destination, names) for destination in operation.destinations]
    return body


def _recipient(destination: Destination, names: tuple[str, ...]) -> dict[str, str]:
    return {
        "Name": destination.name,
        "Mobile": destination.number,
        "Email": destination.email,
        "SendTime": time_field(destination.send_at),
        "Param": _field_values(destination, names) if names else destination.text,
        "Mr": destination.reference,
    }


def _native_fields(operation: Send) -> tuple[str, ...]:
    """The placeholders in the order of %field1% …; empty where the texts are better rendered here.

    The vendor has five fields, parts them with ``|``, and would replace a ``%field1%`` of the text's own.
    """
    text = operation.message.text
    names = template.names(text)
    if len(names) > MOST_FIELDS or "%field" in text:
        return ()
    for destination in operation.destinations:
        if destination.params is None:
            return ()
        for name in names:
            value = destination.params[name]
            if "|" in value or "%field" in value:
                return ()
    return names


def _field_values(destination: Destination, names: tuple[str, ...]) -> str:
    """Always five values, for the document says that no separator may be left out (table 2-5-1, Param)."""
    params = destination.params or {}
    values = [params[name] for name in names]
    missing = [""] * (MOST_FIELDS - len(values))
    return "|".join(values + missing)


def _retry_time(message: Message) -> dict[str, int]:
    return {} if message.validity is None else {"RETRYTIME": minutes_field(message.validity)}


def _picture(message: Message) -> dict[str, str]:
    if message.media is None:
        return {}
    return {"ATTACHMENT": picture_field(message.media), "TYPE": message.media.format}


def _event(options: SendOptions) -> dict[str, str]:
    return {"EventID": options.event_id} if options.event_id else {}


def _page(batch_id: str, page: int, report_format: str) -> dict[str, str]:
    return {"BID": batch_id, "PNO": str(page), "RESPFORMAT": RESPFORMAT[report_format]}


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
