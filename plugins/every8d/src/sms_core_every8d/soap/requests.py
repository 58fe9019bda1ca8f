"""From an operation to the SOAP call for it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote_plus
from xml.sax.saxutils import quoteattr

from sms_core import Media, Message, Unsupported
from sms_core.provider import (
    Account,
    Cancel,
    Check,
    Destination,
    GetBalance,
    GetInbound,
    GetReports,
    Login,
    Logout,
    Operation,
    Request,
    Send,
    Session,
    cdata,
    soap_request,
)
from sms_core_every8d.fields import minutes_field, picture_field, time_field
from sms_core_every8d.soap.options import AccountOptions

NAMESPACE = "http://tempuri.org/"


def log_in(account: Account) -> Request:
    """1.1: user and password for a session key."""
    return _call(account, "SMS", "getConnection", {"userID": account.user, "password": account.password})


def build(account: Account, session: Session | None, operation: Operation[Any]) -> Request:
    """The call of any operation but the login. Raises `Unsupported`."""
    name = name_of(operation)
    if name is None:
        raise Unsupported(account.provider, operation.name)
    key = {"sessionKey": "" if session is None else session.token}
    return _call(account, _service(account, operation), name, key | _arguments(account, operation))


def name_of(operation: Operation[Any]) -> str | None:
    """The document's name of the call that carries an operation; None where there is none."""
    match operation:
        case Login():
            return "getConnection"
        case Logout():
            return "closeConnection"
        case GetBalance() | Check():  # getCredit is the one question that needs nothing but a session
            return "getCredit"
        case Send():
            return _send_name(operation)
        case GetReports() if operation.mms:
            return "getMMSDeliveryStatus"
        case GetReports() | GetInbound():  # replies stand within the reports (3.2)
            return "getDeliveryStatus"
        case Cancel():
            return "eraseMMSBooking" if operation.mms else "eraseBooking"
        case _:
            return None


def _send_name(operation: Send) -> str:
    """Which call carries a message follows from the message. With media or validity it has one text and one time."""
    if operation.message.media is not None:
        return "sendMMS"
    if operation.message.validity is not None:
        return "sendMessage"
    first = operation.destinations[0]
    for destination in operation.destinations:
        is_alike = destination.text == first.text and destination.send_at == first.send_at
        if not is_alike or destination.name or destination.email:
            return "sendParamSMS"
    return "sendSMS"


def _service(account: Account, operation: Operation[Any]) -> str:
    match operation:
        case Send() if operation.message.media is not None:
            return "MMS"
        case GetReports() if operation.mms:
            return "MMS"
        case Cancel() if operation.mms:
            return account.typed_options(AccountOptions).mms_cancel_at
        case _:
            return "SMS"


def _arguments(account: Account, operation: Operation[Any]) -> dict[str, str]:
    """All but the session key, in the document's order."""
    match operation:
        case Send() if _send_name(operation) == "sendParamSMS":
            return _personal(operation)
        case Send():
            return _one_text(operation) | _retry_time(operation) | _picture(account, operation.message.media)
        case GetReports() | GetInbound():
            return {"batchID": operation.batch_id, "pageNo": str(operation.page)}
        case Cancel():
            return {"batchID": operation.batch_id}
        case _:
            return {}


def _one_text(operation: Send) -> dict[str, str]:
    """What sendSMS, sendMessage (chapter 2) and sendMMS (5.1) share."""
    first = operation.destinations[0]
    return {
        "subject": operation.message.subject,
        "content": first.text,
        "mobile": ",".join([destination.number for destination in operation.destinations]),
        "sendTime": time_field(first.send_at),
    }


def _retry_time(operation: Send) -> dict[str, str]:
    """Of sendMessage and sendMMS. An empty one is the vendor's own, 1440."""
    validity = operation.message.validity
    if validity is not None:
        return {"retryTime": str(minutes_field(validity))}
    return {"retryTime": ""} if operation.message.media is not None else {}


def _picture(account: Account, media: Media | None) -> dict[str, str]:
    """5.1 has the base64 percent-encoded. If that is a misprint, the vendor refuses what it cannot read."""
    if media is None:
        return {}
    content = picture_field(media)
    if account.typed_options(AccountOptions).mms_attachment == "urlencoded":
        content = quote_plus(content)
    return {"attachment": content, "type": media.format}


def _personal(operation: Send) -> dict[str, str]:
    """2.3: who has another time than the message has it in SENDTIME."""
    message = operation.message
    users = [_user(message, destination) for destination in operation.destinations]
    return {
        "subject": message.subject,
        "contentXML": f"<REPS>{''.join(users)}</REPS>",
        "sendTime": time_field(message.send_at),
    }


def _user(message: Message, destination: Destination) -> str:
    own_time = destination.send_at != message.send_at
    attributes = {
        "NAME": destination.name,
        "MOBILE": destination.number,
        "EMAIL": destination.email,
        "SENDTIME": time_field(destination.send_at) if own_time else "",
    }
    written = [f" {name}={quoteattr(value)}" for name, value in attributes.items()]
    return f"<USER{''.join(written)}>{cdata(destination.text)}</USER>"


def _call(account: Account, service: str, name: str, arguments: dict[str, str]) -> Request:
    url = f"{account.base_url}/API21/SOAP/{service}.asmx"
    return soap_request(url, name, arguments, namespace=NAMESPACE, version=account.typed_options(AccountOptions).soap)
