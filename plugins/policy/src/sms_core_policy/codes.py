"""One-time codes by SMS: sent, sent again, checked, and not to be guessed, pumped or used twice.

No code is kept anywhere. The store has a random nonce for each number and purpose, and the code is an HMAC of it with the
application's key, cut to digits (as HOTP does, RFC 4226 §5.3). Whoever reads the store learns no code, and a text that is
sent again carries the same one.
"""

from __future__ import annotations

import asyncio
import enum
import hashlib
import hmac
import ipaddress
import json
import logging
import secrets
import unicodedata
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Generic, Protocol, TypeVar, runtime_checkable

import attrs
from attrs import field, frozen

from sms_core import ConfigurationError, InvalidMessage, Message, Outcome, SendError, SmsError
from sms_core.numbers import to_e164
from sms_core.text import count_segments
from sms_core_policy.counting import Counted
from sms_core_policy.errors import LimitReached
from sms_core_policy.limits import Window, utc_now
from sms_core_policy.stores import Claim, Store

log = logging.getLogger(__name__)

TEXT = "【{sender}】您的驗證碼是 {code}，{minutes} 分鐘內有效，請勿告訴他人{resend}"
RESEND = "（第{count}次）"
LIMITS = (
    Window(5, timedelta(hours=1), "number"),
    Window(20, timedelta(hours=1), "address"),
    Window(100, timedelta(minutes=10), "prefix", digits=7),
    Window(1000, timedelta(minutes=10), "all"),
)
"""A prefix of 7 characters is ``+886912``. Numbers of one prefix in a surge are SMS pumping."""
SHORTEST_KEY = 16
FEWEST_DIGITS, MOST_DIGITS = 4, 8  # nine may look like a telephone number, for which carriers drop the text
CLOCK_SKEW = timedelta(minutes=1)
"""A nonce from further in the future than this was made before a clock was set back, and counts no more."""
_DAY = timedelta(days=1)
RULE = "one-time-codes"
OTP = "otp"
"""The purpose by which an outbox knows a one-time code."""


class TicketState(enum.Enum):
    """What became of asking for a code."""

    SENT = "sent"
    """The vendor took the text."""
    QUEUED = "queued"
    """The outbox has it: a worker sends it, before the code ends."""
    WAIT = "wait"
    """A text went out a short time ago; nothing was sent now."""
    UNKNOWN = "unknown"
    """The vendor may have taken the text. If none arrives, the person asks again."""


@frozen
class Ticket:
    """``ask_again_at`` (aware) is when another text may be asked for, ``expires_at`` when the code ends."""

    state: TicketState
    ask_again_at: datetime
    expires_at: datetime
    reference: str = ""


class Verdict(enum.Enum):
    """What a code that a person typed is."""

    RIGHT = "right"
    WRONG = "wrong"
    EXPIRED = "expired"
    """There is no code any more: its time is over, it was used, or none was asked for."""
    TOO_MANY = "too_many"
    """Too many wrong ones. This code is worth nothing any more, right or wrong."""


@frozen
class Checked:
    """True where the code was right."""

    verdict: Verdict
    tries_left: int = 0

    def __bool__(self) -> bool:
        return self.verdict is Verdict.RIGHT


@frozen
class Surge:
    """So many codes were asked for that a limit of all, or of a prefix, stopped them. ``prefix`` is "" for all."""

    prefix: str
    most: int
    length: timedelta


@frozen
class _Record:
    """What the store has of a code."""

    nonce: str = field(repr=False)
    made_at: float
    expires_at: float
    again_at: float
    tries_left: int
    sends: int

    def to_text(self) -> str:
        return json.dumps(attrs.asdict(self))

    @classmethod
    def from_text(cls, text: str) -> _Record:
        return cls(**json.loads(text))


@frozen
class _Begun:
    """A text that is to be sent, and how the store was and is."""

    name: str
    before: str | None
    record: _Record
    claims: tuple[Claim, ...]
    message: Message


class Sender(Protocol):
    """A `Client`, or what sends as one does: a `FailoverClient`."""

    def send(self, message: Message, /) -> object:
        """Send it."""
        ...


class AsyncSender(Protocol):
    """The same for event loops."""

    async def send(self, message: Message, /) -> object:
        """Send it."""
        ...


@runtime_checkable
class Keeper(Protocol):
    """An outbox: it keeps the text until a worker sends it, and blanks that of ``purpose="otp"`` once it is final."""

    def put(self, message: Message, /, *, key: str, purpose: str, deadline: datetime) -> object:
        """Keep it."""
        ...


ClientT = TypeVar("ClientT")


class _Codes(Counted, Generic[ClientT]):
    """What both colours share: all but the send."""

    def __init__(  # noqa: PLR0913 - settings, each by its name
        self,
        client: ClientT,
        store: Store,
        *,
        key: str | bytes,
        sender: str,
        text: str = TEXT,
        digits: int = 6,
        lifetime: timedelta = timedelta(minutes=5),
        tries: int = 5,
        tries_a_day: int = 20,
        resend_after: timedelta = timedelta(minutes=1),
        limits: Sequence[Window] = LIMITS,
        on_surge: Callable[[Surge], object] | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        super().__init__()
        self._key = key.encode() if isinstance(key, str) else key
        if len(self._key) < SHORTEST_KEY:
            raise ConfigurationError(f"OneTimeCodes: key needs {SHORTEST_KEY} bytes or more: secrets.token_hex(32)")
        if not FEWEST_DIGITS <= digits <= MOST_DIGITS:
            raise ConfigurationError(f"OneTimeCodes: digits is {FEWEST_DIGITS} to {MOST_DIGITS}")
        if tries < 1 or lifetime <= timedelta() or resend_after <= timedelta():
            raise ConfigurationError("OneTimeCodes: tries is 1 or more, lifetime and resend_after are times")
        self._client: ClientT = client
        self._store = store
        self._sender = sender
        self._text = text
        self._digits = digits
        self._lifetime = lifetime
        self._tries = tries
        self._tries_a_day = tries_a_day
        self._resend_after = resend_after
        self._limits = tuple(limits)
        self._on_surge = on_surge
        self._clock = clock
        self._check_text()

    def _check_text(self) -> None:
        if (
            not self._sender
            or "{sender}" not in self._text
            or "{code}" not in self._text
            or "{resend}" not in self._text
        ):
            raise ConfigurationError("OneTimeCodes: the text needs {sender}, {code} and {resend}")
        longest = self._filled("0" * self._digits, 99)
        if count_segments(longest).count > 1:
            raise ConfigurationError("OneTimeCodes: the text takes more than one segment, which costs twice")

    def begin(self, number: str, purpose: str, ip: str) -> Ticket | _Begun:
        """Make or find the code and reserve the text, or say that it is too early. Raises `LimitReached`."""
        e164 = _e164(number)
        name = self._name(e164, purpose)
        now = self._clock()
        before = self._store.get([name], now).get(name)
        record = self._live(before, now)
        if record is not None and now.timestamp() < record.again_at:
            return _ticket(TicketState.WAIT, record)
        claims = self._take(e164, purpose, ip, now)
        again_at = (now + self._resend_after).timestamp()
        if record is not None and record.tries_left > 0:
            record = attrs.evolve(record, again_at=again_at, sends=record.sends + 1)
        else:
            end = (now + self._lifetime).timestamp()
            record = _Record(secrets.token_hex(16), now.timestamp(), end, again_at, self._tries, 1)
        if not self._store.swap(name, before, record.to_text(), self._kept_until(record), now):
            self._store.give_back(claims)  # another one asked at the same moment, and its text is on its way
            return _ticket(TicketState.WAIT, record)
        text = self._filled(self._code(record.nonce, e164, purpose), record.sends)
        return _Begun(name, before, record, claims, Message(text, e164, reference=secrets.token_hex(8)))

    def keep(self, outbox: Keeper, begun: _Begun) -> None:
        """Put the text into an outbox; a worker that comes too late sends nothing."""
        end = datetime.fromtimestamp(begun.record.expires_at, UTC)
        outbox.put(begun.message, key=f"code-{begun.message.reference}", purpose=OTP, deadline=end)

    def end(self, begun: _Begun, error: SmsError | None) -> Ticket:
        """What asking came to. Where surely nothing was sent, that gives back what it took, and raises the error."""
        if error is None:
            state = TicketState.QUEUED if isinstance(self._client, Keeper) else TicketState.SENT
            return _ticket(state, begun.record, begun.message.reference)
        if isinstance(error, SendError) and any(row.outcome is Outcome.UNKNOWN for row in error.result.outcomes):
            return _ticket(TicketState.UNKNOWN, begun.record, begun.message.reference)
        now = self._clock()
        self._store.give_back(begun.claims)
        self._store.swap(begun.name, begun.record.to_text(), begun.before, self._kept_until(begun.record), now)
        raise error

    def judge(self, number: str, purpose: str, code: str) -> Checked:
        """Whether this is the code. Each wrong one costs a try; a right one is used up. Raises `StoreUnavailable`."""
        e164 = _e164(number)
        name = self._name(e164, purpose)
        given = "".join(unicodedata.normalize("NFKC", code).split()).replace("-", "")
        day = Claim.sliding(f"codes:tries:{name}", 1, self._tries_a_day, _DAY, self._clock())
        # The try is taken before the codes are compared: of parallel guesses none is answered beyond the limit.
        if self._store.take([day], self._clock()) is not None:
            return Checked(Verdict.TOO_MANY)
        checked = self._compare(name, e164, purpose, given)
        if checked.verdict is not Verdict.WRONG:
            self._store.give_back([day])
        return checked

    def _compare(self, name: str, number: str, purpose: str, given: str) -> Checked:
        while True:
            now = self._clock()
            stands = self._store.get([name], now).get(name)
            record = self._live(stands, now)
            if record is None:
                return Checked(Verdict.EXPIRED)
            if record.tries_left < 1:
                return Checked(Verdict.TOO_MANY)
            is_right = hmac.compare_digest(self._code(record.nonce, number, purpose).encode(), given.encode())
            after = attrs.evolve(record, tries_left=record.tries_left - 1)
            new = None if is_right else after.to_text()
            # Nothing is said unless what was compared still stands; else another check came between.
            if not self._store.swap(name, stands, new, self._kept_until(record), now):
                continue
            if is_right:
                return Checked(Verdict.RIGHT)
            return Checked(Verdict.WRONG, after.tries_left)

    def _live(self, text: str | None, now: datetime) -> _Record | None:
        if text is None:
            return None
        record = _Record.from_text(text)
        if not record.made_at - CLOCK_SKEW.total_seconds() <= now.timestamp() < record.expires_at:
            return None
        return record

    def _kept_until(self, record: _Record) -> datetime:
        return datetime.fromtimestamp(max(record.expires_at, record.again_at), self._clock().tzinfo)

    def _take(self, number: str, purpose: str, ip: str, now: datetime) -> tuple[Claim, ...]:
        wanted: list[tuple[Claim, Window, str]] = []
        for window in self._limits:
            if window.each == "address":
                whose = _network(ip)
                if not whose:
                    continue
            else:
                whose = window.name_of(number, purpose)
            hidden = self._digest("limit", whose)[:32] if whose == number else whose
            each = window.each if isinstance(window.each, str) else "group"
            key = f"codes:{each}:{hidden}"
            wanted.append((Claim.sliding(key, 1, window.most, window.length, now), window, whose))
        claims = tuple(claim for claim, _, _ in wanted)
        full = self._store.take(claims, now)
        if full is None:
            return claims
        window, whose = next((window, whose) for claim, window, whose in wanted if claim == full)
        if window.each in ("prefix", "all"):
            self._tell(Surge(whose, window.most, window.length))
        reason = f"asked for too many codes: {window.most} in {window.length} for each {window.each}"
        self._decided.add(RULE, "refused")
        raise LimitReached(RULE, "to", reason, window.length.total_seconds())

    def _tell(self, surge: Surge) -> None:
        log.warning("too many one-time codes: %s", surge)
        if self._on_surge is None:
            return
        try:
            self._on_surge(surge)
        except Exception:  # the refusal is what the caller has to hear
            log.exception("on_surge of OneTimeCodes failed")

    def _filled(self, code: str, sends: int) -> str:
        resend = RESEND.format(count=sends) if sends > 1 else ""
        minutes = max(int(self._lifetime.total_seconds() // 60), 1)
        return self._text.format(sender=self._sender, code=code, minutes=minutes, resend=resend)

    def _code(self, nonce: str, number: str, purpose: str) -> str:
        drawn = int(self._digest("code", nonce, number, purpose), 16)
        return str(drawn % 10**self._digits).zfill(self._digits)

    def _name(self, number: str, purpose: str) -> str:
        return f"codes:{self._digest('name', number, purpose)}"

    def _digest(self, *parts: str) -> str:
        return hmac.new(self._key, "\x1f".join(parts).encode(), hashlib.sha256).hexdigest()


class OneTimeCodes(_Codes[Sender | Keeper]):
    """One-time codes through a client or an outbox: `start` sends one, `check` says whether it is right. Threads may share it.

    ``key`` is a secret of the application, 16 bytes or more; whoever has it and the store can tell codes. ``sender`` is the
    approved name, which the text has in it; the text has to fit one segment. A code lives for ``lifetime`` and ``tries``
    guesses; a number has ``tries_a_day`` wrong ones in all. Another text may be asked for after ``resend_after``: it
    carries the same code while that lives, with a mark of its own, so that no filter takes it for a duplicate.
    ``limits`` are windows for each "number", "address" (``ip``, of IPv6 the /64), "prefix", "purpose" or "all"; where
    one of a prefix or of all is full, ``on_surge`` hears of it. Raises `ConfigurationError`.
    """

    def start(self, number: str, purpose: str = "login", *, ip: str = "") -> Ticket:
        """Send a code, or say when one may be asked for.

        Raises `LimitReached`, `InvalidMessage` for what is no number, `StoreUnavailable`, and what a send raises that
        surely sent nothing; then it may be asked again at once.
        """
        begun = self.begin(number, purpose, ip)
        if isinstance(begun, Ticket):
            return begun
        error: SmsError | None = None
        try:
            if isinstance(self._client, Keeper):
                self.keep(self._client, begun)
            else:
                self._client.send(begun.message)
        except SmsError as failure:
            error = failure
        return self.end(begun, error)

    def check(self, number: str, purpose: str, code: str) -> Checked:
        """Whether this is the code; true once. Raises `InvalidMessage` for what is no number, `StoreUnavailable`."""
        return self.judge(number, purpose, code)


class AsyncOneTimeCodes(_Codes[AsyncSender | Keeper]):
    """`OneTimeCodes` over an `AsyncClient`; the store, and an outbox, are asked in threads."""

    async def start(self, number: str, purpose: str = "login", *, ip: str = "") -> Ticket:
        """As `OneTimeCodes.start`. Cancelled, it leaves the code as it is: the text may have been sent."""
        begun = await asyncio.to_thread(self.begin, number, purpose, ip)
        if isinstance(begun, Ticket):
            return begun
        error: SmsError | None = None
        try:
            if isinstance(self._client, Keeper):
                await asyncio.to_thread(self.keep, self._client, begun)
            else:
                await self._client.send(begun.message)
        except SmsError as failure:
            error = failure
        return await asyncio.to_thread(self.end, begun, error)

    async def check(self, number: str, purpose: str, code: str) -> Checked:
        """As `OneTimeCodes.check`."""
        return await asyncio.to_thread(self.judge, number, purpose, code)


def _e164(number: str) -> str:
    try:
        return to_e164(number)
    except ValueError as error:
        raise InvalidMessage("to[0].number", str(error)) from None


def _ticket(state: TicketState, record: _Record, reference: str = "") -> Ticket:
    again_at, end = (datetime.fromtimestamp(moment, UTC) for moment in (record.again_at, record.expires_at))
    return Ticket(state, again_at, end, reference)


def _network(ip: str) -> str:
    """The address, or of IPv6 the network that one subscriber has; "" where there is none that can be read."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return ""
    if address.version == 4:  # noqa: PLR2004 - IPv4
        return str(address)
    return str(ipaddress.ip_network(f"{address}/64", strict=False))
