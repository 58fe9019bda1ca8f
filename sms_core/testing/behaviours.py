"""How a recipient behaves, told by the last three digits of the number. The one table for every test tool.

The memory provider and the sandbox both obey it, so a test moves from one to the other unchanged. A number whose
ending is not in the table gets its message delivered at once:

======  ==================  ===================  ==================================================
ending  name                status               what happens
======  ==================  ===================  ==================================================
(any)   delivered           ``DELIVERED``        delivered at once
900     silent              none                 accepted, and never reported
901     handset_off         ``EXPIRED``          handset off, no signal or its memory full
902     network_failure     ``FAILED``           the carrier's network or equipment failed
903     no_such_number      ``UNDELIVERABLE``    the number is wrong, vacant or suspended
904     carrier_blacklist   ``BLOCKED``          the carrier has the number on its black list
905     carrier_content     ``REJECTED``         the carrier blocks the text for a keyword
906     vendor_content      ``REJECTED``         the vendor blocks the text for a keyword
907     slow                ``DELIVERED``        delivered, but reported late
908     replies             ``DELIVERED``        delivered, and the recipient writes back
909     refused             ``REJECTED``         refused at the send, where the vendor's wire has that
911     opted_out           ``BLOCKED``          the recipient is on the sender's own black list
912     too_late            ``EXPIRED``          the vendor came to it 24 hours after its time
913     too_long            ``REJECTED``         the text is too long for the carrier
914     malformed_number    ``UNDELIVERABLE``    the number has a form that the carrier does not take
915     no_mms              ``UNDELIVERABLE``    the handset takes no MMS
916     abroad_closed       ``REJECTED``         sending abroad is not switched on
917     parameter_error     ``FAILED``           the vendor found a parameter wrong, too late to say so
918     account_error       ``FAILED``           the vendor found the account wrong, too late to say so
======  ==================  ===================  ==================================================

So ``0900000903`` is a wrong number, and ``+12025550908`` an American who answers.
"""

from __future__ import annotations

from attrs import field, frozen

from sms_core.model import DeliveryStatus as Status

ENDING_LENGTH = 3
"""How many of a number's last digits choose its behaviour."""


@frozen
class Behaviour:
    """What a recipient's handset and carrier do with a message.

    ``status`` is the final status, None if none is ever reported. ``late`` holds the report back for the
    exchange's ``slow`` time. ``reply`` is the text that the recipient sends back. ``refused`` asks for a refusal
    at the send; where a vendor's wire has none, ``status`` is reported instead.
    """

    name: str
    status: Status | None
    meaning: str
    ending: str = ""
    late: bool = False
    reply: str = field(default="", repr=False)
    refused: bool = False


REPLY = "好的，收到了。"
"""What a recipient with the ending 908 writes back."""

DELIVERED = Behaviour("delivered", Status.DELIVERED, "delivered at once")

TABLE: tuple[Behaviour, ...] = (
    DELIVERED,
    Behaviour("silent", None, "accepted, and never reported", "900"),
    Behaviour("handset_off", Status.EXPIRED, "handset off, no signal or its memory full", "901"),
    Behaviour("network_failure", Status.FAILED, "the carrier's network or equipment failed", "902"),
    Behaviour("no_such_number", Status.UNDELIVERABLE, "the number is wrong, vacant or suspended", "903"),
    Behaviour("carrier_blacklist", Status.BLOCKED, "the carrier has the number on its black list", "904"),
    Behaviour("carrier_content", Status.REJECTED, "the carrier blocks the text for a keyword", "905"),
    Behaviour("vendor_content", Status.REJECTED, "the vendor blocks the text for a keyword", "906"),
    Behaviour("slow", Status.DELIVERED, "delivered, but reported late", "907", late=True),
    Behaviour("replies", Status.DELIVERED, "delivered, and the recipient writes back", "908", reply=REPLY),
    Behaviour("refused", Status.REJECTED, "refused at the send, where the vendor's wire has that", "909", refused=True),
    Behaviour("opted_out", Status.BLOCKED, "the recipient is on the sender's own black list", "911"),
    Behaviour("too_late", Status.EXPIRED, "the vendor came to it 24 hours after its time", "912"),
    Behaviour("too_long", Status.REJECTED, "the text is too long for the carrier", "913"),
    Behaviour("malformed_number", Status.UNDELIVERABLE, "the number has a form that the carrier does not take", "914"),
    Behaviour("no_mms", Status.UNDELIVERABLE, "the handset takes no MMS", "915"),
    Behaviour("abroad_closed", Status.REJECTED, "sending abroad is not switched on", "916"),
    Behaviour("parameter_error", Status.FAILED, "the vendor found a parameter wrong, too late to say so", "917"),
    Behaviour("account_error", Status.FAILED, "the vendor found the account wrong, too late to say so", "918"),
)

_BY_ENDING = {behaviour.ending: behaviour for behaviour in TABLE if behaviour.ending}
_BY_NAME = {behaviour.name: behaviour for behaviour in TABLE}


def behaviour_of(number: str) -> Behaviour:
    """How the owner of this number behaves. Any form of the number will do: its last digits decide."""
    return _BY_ENDING.get(number.strip()[-ENDING_LENGTH:], DELIVERED)


def behaviour_named(name: str) -> Behaviour:
    """A behaviour by its name in the table. Raises `KeyError`."""
    return _BY_NAME[name]


def behaviour_ending(status: Status) -> Behaviour:
    """The first behaviour of the table that ends with this status. Raises `LookupError` if none does."""
    for behaviour in TABLE:
        if behaviour.status is status:
            return behaviour
    raise LookupError(f"no message ends as {status.value!r} by what its recipient does")


def behaviour_rows() -> tuple[tuple[str, str, str, str], ...]:
    """The table as rows of text for a page or a terminal: ending, name, status, meaning."""
    rows = []
    for behaviour in TABLE:
        status = behaviour.status.name if behaviour.status else "none"
        rows.append((behaviour.ending or "(any)", behaviour.name, status, behaviour.meaning))
    return tuple(rows)
