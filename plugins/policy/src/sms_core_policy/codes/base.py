"""The way from asking for a code to a verdict on what was typed: all that both colours share, which is all but the send."""

from __future__ import annotations

import hmac
import secrets
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from attrs import frozen

from sms_core import ConfigurationError, InvalidMessage, Message, Outcome, SendError, SmsError
from sms_core_policy.codes.keys import Keyed
from sms_core_policy.codes.records import Record
from sms_core_policy.codes.surges import LIMITS, SendLimits, Surge
from sms_core_policy.codes.values import Checked, Ticket, TicketState, Verdict
from sms_core_policy.codes.wording import TEXT, Wording
from sms_core_policy.counting import Counted
from sms_core_policy.limits import Window, utc_now
from sms_core_policy.numbers import plain_e164
from sms_core_policy.stores import Claim, Store

ClientT = TypeVar("ClientT")

OTP = "otp"
"""The purpose by which an outbox knows a one-time code."""
_DAY = timedelta(days=1)


@runtime_checkable
class Keeper(Protocol):
    """An outbox: it keeps the text until a worker sends it, and blanks that of ``purpose="otp"`` once it is final."""

    def put(self, message: Message, /, *, key: str, purpose: str, deadline: datetime) -> Any:
        """Keep it; to be awaited where the outbox is an `AsyncOutbox`."""
        ...


@frozen
class Begun:
    """A text that is to be sent, and how the store was and is."""

    name: str
    before: str | None
    record: Record
    claims: tuple[Claim, ...]
    message: Message

    @property
    def put_options(self) -> dict[str, Any]:
        """How an outbox keeps it. A worker that comes too late sends nothing."""
        end = self.record.ticket(TicketState.QUEUED).expires_at
        return {"key": f"code-{self.message.reference}", "purpose": OTP, "deadline": end}


class Codes(Counted, ABC, Generic[ClientT]):
    """What both colours share."""

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
        self._check_client(client)
        if min(tries, tries_a_day) < 1 or min(lifetime, resend_after) <= timedelta():
            raise ConfigurationError(
                "OneTimeCodes: tries and tries_a_day are 1 or more, lifetime and resend_after are times"
            )
        self._client: ClientT = client
        self._store = store
        self._keyed = Keyed(key, digits)
        self._wording = Wording(text, sender, lifetime, digits)
        self._limits = SendLimits(store, limits, self._keyed, self._decided, on_surge)
        self._lifetime = lifetime
        self._tries = tries
        self._tries_a_day = tries_a_day
        self._resend_after = resend_after
        self._clock = clock

    @abstractmethod
    def _check_client(self, client: ClientT) -> None:
        """Raises `ConfigurationError` for one of the other colour, which would send nothing and say nothing."""

    def _begin(self, number: str, purpose: str, ip: str) -> Ticket | Begun:
        """Make or find the code and reserve the text, or say that it is too early. Raises `LimitReached`."""
        e164 = _e164(number)
        name = self._keyed.name(e164, purpose)
        now = self._clock()
        before = self._store.get([name], now).get(name)
        known = _alive(before, now)
        if known is not None and now.timestamp() < known.again_at:
            return known.ticket(TicketState.WAIT)

        claims = self._limits.take(e164, purpose, ip, now)
        again_at = now + self._resend_after
        if known is not None and known.tries_left > 0:
            record = known.sent_again(again_at)
        else:
            record = Record.new(now, self._lifetime, again_at, self._tries)
        if not self._store.swap(name, before, record.to_text(), record.kept_until, now):
            self._store.give_back(claims)  # another one asked at the same moment, and its text is on its way
            return record.ticket(TicketState.WAIT)

        text = self._wording.filled(self._keyed.code(record.nonce, e164, purpose), record.sends)
        return Begun(name, before, record, claims, Message(text, e164, reference=secrets.token_hex(8)))

    def _end(self, begun: Begun, error: SmsError | None) -> Ticket:
        """What asking came to. Where surely nothing was sent, that gives back what it took, and raises the error."""
        reference = begun.message.reference
        if error is None:
            state = TicketState.QUEUED if isinstance(self._client, Keeper) else TicketState.SENT
            return begun.record.ticket(state, reference)
        if isinstance(error, SendError) and any(row.outcome is Outcome.UNKNOWN for row in error.result.outcomes):
            return begun.record.ticket(TicketState.UNKNOWN, reference)
        self._store.give_back(begun.claims)
        self._store.swap(begun.name, begun.record.to_text(), begun.before, begun.record.kept_until, self._clock())
        raise error

    def _judge(self, number: str, purpose: str, code: str) -> Checked:
        """Whether this is the code. Each wrong one costs a try; a right one is used up. Raises `StoreUnavailable`."""
        e164 = _e164(number)
        name = self._keyed.name(e164, purpose)
        now = self._clock()
        day = Claim.sliding(f"codes:tries:{name}", 1, self._tries_a_day, _DAY, now)
        # The try is taken before the codes are compared: of parallel guesses none is answered beyond the limit.
        if self._store.take([day], now) is not None:
            return Checked(Verdict.TOO_MANY)
        checked = self._compare(name, e164, purpose, _typed(code))
        if checked.verdict is not Verdict.WRONG:
            self._store.give_back([day])
        return checked

    def _compare(self, name: str, number: str, purpose: str, typed: str) -> Checked:
        while True:
            now = self._clock()
            stands = self._store.get([name], now).get(name)
            record = _alive(stands, now)
            if record is None:
                return Checked(Verdict.EXPIRED)
            if record.tries_left < 1:
                return Checked(Verdict.TOO_MANY)
            is_right = hmac.compare_digest(self._keyed.code(record.nonce, number, purpose).encode(), typed.encode())
            after = record.after_a_wrong_try()
            new = None if is_right else after.to_text()
            # Nothing is said unless what was compared still stands; else another check came between.
            if not self._store.swap(name, stands, new, record.kept_until, now):
                continue
            if is_right:
                return Checked(Verdict.RIGHT)
            return Checked(Verdict.WRONG, after.tries_left)


def _alive(text: str | None, now: datetime) -> Record | None:
    if text is None:
        return None
    record = Record.from_text(text)
    return record if record.is_alive(now) else None


def _typed(code: str) -> str:
    """What a person typed, without width, blanks and hyphens."""
    return "".join(unicodedata.normalize("NFKC", code).split()).replace("-", "")


def _e164(number: str) -> str:
    try:
        return plain_e164(number)
    except ValueError as error:
        raise InvalidMessage("to[0].number", str(error)) from None
