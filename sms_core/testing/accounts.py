"""The accounts of a pretended vendor: passwords, sessions, points."""

from __future__ import annotations

import secrets
import threading
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

import attrs

from sms_core.testing.clock import Clock
from sms_core.testing.records import AccountState, Draft, LoginRefused, current_allowance

PLENTY = Decimal(1_000_000)
"""The points of an account that nobody gave any."""
SESSION_LIFE = timedelta(hours=24)
"""How long a session lives, if nothing ends it before."""

LARGEST_EXPONENT = 100
"""More would fill the memory where an answer writes the points out."""


def _points(credit: Decimal | int) -> Decimal:
    points = Decimal(credit)
    if not points.is_finite() or abs(points.adjusted()) > LARGEST_EXPONENT:
        raise ValueError("an account has no such number of points")
    return points


class Accounts:
    """The part of an `Exchange` that knows who its customers are, and what they can pay. Threads may share it."""

    def __init__(self, clock: Clock, credit: Decimal = PLENTY) -> None:
        self.clock = clock
        self.default_credit = credit
        self._changed = threading.Condition(threading.RLock())
        self._added: dict[str, AccountState] = {}
        self._reset_accounts()

    def _reset_accounts(self) -> None:
        """Forget sessions, logins and payments: each account is again as it was added."""
        self._login_count = 0
        self._accounts = dict(self._added)
        self._sessions: dict[str, tuple[str, datetime]] = {}

    def add_account(
        self, user: str, password: str, credit: Decimal | int | None = None, *, international: bool = True
    ) -> AccountState:
        """Open an account, or replace the one of this user. Raises `ValueError` for points that are no number."""
        points = self.default_credit if credit is None else _points(credit)
        state = AccountState(user, password, points, international=international)
        with self._changed:
            self._added[user] = self._accounts[user] = state
        return state

    def account(self, user: str) -> AccountState:
        """An account as it is now. Raises `KeyError`."""
        with self._changed:
            return self._accounts[user]

    @property
    def accounts(self) -> tuple[AccountState, ...]:
        """All accounts as they are now."""
        with self._changed:
            return tuple(self._accounts.values())

    # Points

    def set_credit(self, user: str, credit: Decimal | int) -> AccountState:
        """Give an account so many points. Raises `KeyError`, and `ValueError` for points that are no number."""
        with self._changed:
            self._accounts[user] = attrs.evolve(self._accounts[user], credit=_points(credit))
            return self._accounts[user]

    def can_pay(self, user: str, drafts: Iterable[Draft]) -> bool:
        """Whether the points suffice for all of these, for a vendor that takes all or none. Raises `KeyError`."""
        costs = [draft.cost for draft in drafts]
        allowance = current_allowance()
        if allowance is not None and allowance.left < len(costs):
            return False
        return sum(costs, Decimal()) <= self.account(user).credit

    def _pay(self, user: str, draft: Draft) -> bool:
        """Take the points for one message, False if there are too few. Raises `KeyError`."""
        if not self.can_pay(user, [draft]):
            return False
        allowance = current_allowance()
        if allowance is not None:
            allowance.left -= 1
        self.set_credit(user, self._accounts[user].credit - draft.cost)
        return True

    def _shown_credit(self, user: str) -> Decimal:
        """The points that an answer tells: none once the allowance of its request is used up. Raises `KeyError`."""
        allowance = current_allowance()
        if allowance is not None and allowance.left <= 0:
            return Decimal()
        return self._accounts[user].credit

    # Logins and sessions

    @property
    def login_count(self) -> int:
        """How often a password was shown, right or wrong."""
        with self._changed:
            return self._login_count

    def login(self, user: str, password: str) -> AccountState:
        """Check a password. Raises `LoginRefused`; after ten wrong ones in a row the right one does not help."""
        with self._changed:
            self._login_count += 1
            state = self._accounts.get(user)
            if state is None:
                raise LoginRefused("user")
            if state.blocked:
                raise LoginRefused("blocked")
            if not secrets.compare_digest(state.password.encode(), password.encode()):
                self._accounts[user] = attrs.evolve(state, failed_logins=state.failed_logins + 1)
                raise LoginRefused("password")
            self._accounts[user] = attrs.evolve(state, failed_logins=0)
            return self._accounts[user]

    def open_session(self, user: str, ends: datetime | None = None) -> str:
        """A token of 32 hexadecimal digits for a user who has logged in, good for a day or until it ``ends``."""
        token = uuid.uuid4().hex
        with self._changed:
            self._sessions[token] = (user, ends or self.clock.now() + SESSION_LIFE)
        return token

    def session_user(self, token: str) -> str | None:
        """Whose token this is; None if it is unknown, closed or too old."""
        with self._changed:
            if token not in self._sessions:
                return None
            user, ends = self._sessions[token]
            return user if self.clock.now() < ends else None

    def close_session(self, token: str) -> bool:
        """End a session; False if there was none."""
        with self._changed:
            return self._sessions.pop(token, None) is not None

    def expire_sessions(self) -> None:
        """End every session, as a vendor does overnight."""
        with self._changed:
            self._sessions.clear()
