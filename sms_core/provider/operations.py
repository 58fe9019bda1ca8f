"""What can be asked of a vendor. Each operation is a value; its type parameter is what comes back."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import ClassVar, Generic, Self, TypeVar, cast

import attrs
from attrs import define, field, frozen

from sms_core.clocks import BeginBefore
from sms_core.masking import mask
from sms_core.model import Balance, Cancellation, DeliveryReport, InboundMessage, Message, SendResult, VendorOptions
from sms_core.provider.steps import Session

T_co = TypeVar("T_co", covariant=True)
OptionsT = TypeVar("OptionsT", bound=VendorOptions)


def _count_of_numbers(numbers: tuple[str, ...]) -> str:
    return f"<{len(numbers)} numbers>"


class Capability(enum.Enum):
    """What a provider can do. The value is the name that errors and the matrix show."""

    SEND = "send"
    PERSONAL = "personal texts in one request"
    SUBJECT = "subject"
    SCHEDULE = "send_at"
    VALIDITY = "validity"
    EMAIL = "recipient email"
    INTERNATIONAL = "international numbers"
    MMS = "media"
    BALANCE = "balance"
    REPORTS = "reports"
    INBOUND = "inbound"
    CANCEL = "cancel"
    SETTLE = "settle"
    PUSHED_REPORTS = "pushed reports"
    PUSHED_INBOUND = "pushed inbound messages"


BEFORE_ANY_ATTEMPT = datetime(1970, 1, 1, tzinfo=UTC)
"""The ``now`` of an operation whose attempt has not begun."""


@frozen
class Operation(Generic[T_co]):
    """The base. ``is_read`` says that asking twice changes nothing, so that a failure may be retried.

    ``needs_session`` is False for the login alone, whose request `sms_auth` gives. ``now`` (aware) and ``nonce`` (32
    hexadecimal digits) are set for each attempt, for vendors whose requests are signed with a time.
    """

    name: ClassVar[str] = "operation"
    is_read: ClassVar[bool] = False
    needs_session: ClassVar[bool] = True
    capability: ClassVar[Capability | None] = None
    now: datetime = field(default=BEFORE_ANY_ATTEMPT, kw_only=True, eq=False)
    nonce: str = field(default="", kw_only=True, eq=False, repr=False)


@frozen
class Login(Operation[Session]):
    """Get a session. ``now`` is also for the provider to say when it ends."""

    name = "login"
    needs_session = False


@frozen
class Logout(Operation[None]):
    """End the session at the vendor."""

    name = "logout"


@frozen
class Check(Operation[None]):
    """Ask whether the credentials (or the session) are good."""

    name = "check"
    is_read = True


@frozen
class Destination:
    """One recipient of one request, everything decided.

    ``number`` is E.164, ``text`` the final text. ``params`` are the values that filled the message's own text;
    None where the text is another or holds no placeholders. ``reference`` is unique in the message: the recipient's
    own, or else the message's and the recipient's place in it, which is another one when some are sent to again.
    ``position`` is the recipient's place in ``message.to``, and ``own_text`` says that the text is the recipient's own.
    """

    number: str = field(repr=mask)
    text: str = field(repr=False)
    reference: str = ""
    name: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    send_at: datetime | None = None
    params: Mapping[str, str] | None = field(default=None, repr=False)
    position: int = 0
    own_text: bool = False

    @property
    def path(self) -> str:
        """What an error calls this recipient: ``to[3]``, so that a field of it is ``to[3].number``."""
        return f"to[{self.position}]"

    @property
    def text_path(self) -> str:
        """What an error calls the text: ``to[3].text`` if it is the recipient's own, else ``text``."""
        return f"{self.path}.text" if self.own_text else "text"


@define
class Progress:
    """How far a send is. The core notes it at the vendor's conversation, within all middleware.

    ``has_begun`` is True from then on, unless the conversation ended before any request by an error that is the caller's
    to mend. ``result`` is what it came to; None before that, and where it ended by an error that tells nothing.
    """

    has_begun: bool = False
    result: SendResult | None = None


@frozen
class Send(Operation[SendResult]):
    """Send one request's worth of a message. The core has checked, rendered and split it beforehand.

    The provider answers with the `SendResult` of these destinations or raises the error that refuses all. After
    ``begin_before`` no request of it may begin, an attempt after the first one included; None sets no limit.
    ``progress`` is for middleware to read: an error of another one's need not tell what became of the request.
    """

    name = "send"
    capability = Capability.SEND
    message: Message
    destinations: tuple[Destination, ...]
    begin_before: BeginBefore | None = field(default=None, kw_only=True, eq=False)
    progress: Progress = field(factory=Progress, kw_only=True, eq=False, repr=False)

    @property
    def one_text(self) -> str | None:
        """The text of all destinations if it is the same for all, else None."""
        texts = {destination.text for destination in self.destinations}
        return texts.pop() if len(texts) == 1 else None

    def options(self, kind: type[OptionsT]) -> OptionsT:
        """The message's options of a provider's own type; the defaults where it has none."""
        return options_of(self.message, kind)


def options_of(message: Message, kind: type[OptionsT]) -> OptionsT:
    """The message's options of this type; of several the last, of none the defaults."""
    for options in reversed(message.options):
        if isinstance(options, kind):
            return options
    if kind not in _DEFAULTS:
        _DEFAULTS[kind] = kind()
    return cast("OptionsT", _DEFAULTS[kind])


_DEFAULTS: dict[type[VendorOptions], VendorOptions] = {}
"""The options of messages that have none of their own. They are frozen, so all such messages share them."""


@frozen
class GetBalance(Operation[Balance]):
    """Ask for the points left."""

    name = "balance"
    is_read = True
    capability = Capability.BALANCE


@frozen
class Page(Generic[T_co]):
    """One page of an answer: its rows, and whether another page may follow."""

    rows: tuple[T_co, ...]
    has_more: bool = False


@frozen
class PagedOperation(Operation[Page[T_co]]):
    """Ask for one page (from 1) of what belongs to a batch."""

    is_read = True
    batch_id: str
    page: int = 1

    def next_page(self) -> Self:
        """The same for the page after this one."""
        return attrs.evolve(self, page=self.page + 1)


@frozen
class GetReports(PagedOperation[DeliveryReport]):
    """Ask for one page of a batch's delivery reports, or of those of several where `Limits.batches` lets you.

    ``numbers`` (E.164) are the batch's recipients where the caller knows them; some vendors are asked by number, and
    some reports name none. ``more`` are further batches, each with its numbers.
    """

    name = "reports"
    capability = Capability.REPORTS
    mms: bool = False
    numbers: tuple[str, ...] = field(default=(), repr=_count_of_numbers)
    more: Mapping[str, tuple[str, ...]] = field(factory=dict, repr=lambda more: f"<{len(more)} batches>")

    @property
    def batches(self) -> Mapping[str, tuple[str, ...]]:
        """All batches asked about, each with its numbers."""
        return {self.batch_id: self.numbers, **self.more}


@frozen
class GetInbound(PagedOperation[InboundMessage]):
    """Ask for one page of the replies to a batch."""

    name = "inbound"
    capability = Capability.INBOUND


@frozen
class Cancel(Operation[Cancellation]):
    """Take back a scheduled batch. ``numbers`` (E.164) are its recipients where the caller knows them."""

    name = "cancel"
    capability = Capability.CANCEL
    batch_id: str
    mms: bool = False
    numbers: tuple[str, ...] = field(default=(), repr=_count_of_numbers)


@frozen
class Sightings:
    """Which numbers already got a text: E.164 number to batch id ("" where the vendor does not say which).

    ``absence_is_proof`` is True where a number that is not among them surely was not sent this text.
    """

    batches: Mapping[str, str] = field(repr=lambda batches: f"<{len(batches)} numbers>")
    absence_is_proof: bool


@frozen
class FindSent(Operation[Sightings]):
    """Ask which of these numbers (E.164) got this text lately, without sending anything.

    ``since`` (aware) is when the send began that is in doubt, None where that is not known.
    """

    name = "find_sent"
    is_read = True
    capability = Capability.SETTLE
    message: Message
    text: str = field(repr=False)
    numbers: tuple[str, ...] = field(repr=_count_of_numbers)
    since: datetime | None = None
