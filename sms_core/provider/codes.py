"""What vendors' codes mean, as tables: codes that refuse a request, and the states that carriers report."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from sms_core.errors import VendorError
from sms_core.model import DeliveryStatus


@frozen
class RefusalCode:
    """A row of a vendor's table of refusals: the error, the vendor's words, whether trying again can help.

    ``reason`` is for the user who needs more than the vendor's words to know what to do. ``maybe_taken`` is True for a
    code after which nobody knows whether the vendor acted.
    """

    error: type[VendorError]
    text: str = ""
    retry: bool = False
    reason: str = ""
    maybe_taken: bool = False


NO_VERDICT = RefusalCode(VendorError, reason="a code that the vendor does not document", maybe_taken=True)
"""What a code means that is in no table."""


def refusal_error(
    table: Mapping[str, RefusalCode], code: str, vendor_text: str = "", *, others: RefusalCode = NO_VERDICT
) -> VendorError:
    """The error that a code of the table is; for any other code the one that ``others`` says, which keeps it.

    A code that the vendor's document does not know is no verdict: after a send the outcome is unknown. Where the
    document says that every other code refuses, say so: ``others=RefusalCode(VendorError)``, with the section. The
    words that came with the answer go before those of the table.
    """
    row = table.get(code, others)
    words = vendor_text or row.text
    return row.error(row.reason, code=code, vendor_text=words, retry=row.retry, maybe_taken=row.maybe_taken)


SMPP_STATES = {
    "DELIVRD": DeliveryStatus.DELIVERED,
    "EXPIRED": DeliveryStatus.EXPIRED,
    "DELETED": DeliveryStatus.CANCELLED,
    "UNDELIV": DeliveryStatus.UNDELIVERABLE,
    "ACCEPTD": DeliveryStatus.ACCEPTED,
    "UNKNOWN": DeliveryStatus.UNKNOWN,
    "REJECTD": DeliveryStatus.REJECTED,
    "ENROUTE": DeliveryStatus.SENT,
}
"""The states of a message as carriers write them: SMPP 3.4, 5.2.28 and appendix B."""
