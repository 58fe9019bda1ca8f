"""Acme with all that a message can wish for, without logins and without pushes: the other half of the kit's ways."""

from __future__ import annotations

from typing import Any

from plugins.kit.tests.conformance.acme import Acme
from sms_core import Account, Capability, Limits, MmsLimits, ProviderInfo, Unsupported, hookimpl
from sms_core.http import Request
from sms_core.provider import Check, Operation, Session, form_request
from sms_core.provider import Send as SendOperation

INFO = ProviderInfo(
    name="plus",
    title="Acme Plus",
    capabilities={
        Capability.SEND,
        Capability.PERSONAL,
        Capability.SUBJECT,
        Capability.VALIDITY,
        Capability.EMAIL,
        Capability.MMS,
    },
    limits=Limits(recipients=10, mms=MmsLimits(20, 10, 100, 1000, ("png", "jpg"))),
    default_host="plus.invalid",
)


class Plus:
    """The provider."""

    @hookimpl
    def sms_describe(self) -> ProviderInfo:
        return INFO

    @hookimpl
    def sms_send(self, account: Account, session: Session | None, operation: Operation[Any]) -> Request:
        who = {"user": account.user, "password": account.password}
        match operation:
            case SendOperation():
                fields = self.wishes(operation)
            case Check():
                fields = {}
            case _:
                raise Unsupported("plus", operation.name)
        return form_request(f"{account.base_url}/{operation.name}", who | fields)

    def wishes(self, operation: SendOperation) -> dict[str, str]:
        message, rows = operation.message, operation.destinations
        wishes = {
            "to": ",".join(row.number for row in rows),
            "text": "\x1e".join(row.text for row in rows),
            "email": ",".join(row.email for row in rows),
            "subject": message.subject,
            "seconds": str(int(message.validity.total_seconds())) if message.validity else "",
            "media": message.media.content.hex() if message.media else "",
        }
        return {name: value for name, value in wishes.items() if value.strip(",")}

    sms_parse_response = Acme.sms_parse_response
    result, words, sent, errors = Acme.result, Acme.words, Acme.sent, Acme.errors
