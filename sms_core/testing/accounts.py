"""The accounts of pretended vendors: passwords, sessions, points. Each vendor has its own."""

from __future__ import annotations

import secrets
import threading
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Self

import attrs

from sms_core.testing.carriers import Approved
from sms_core.testing.clock import Clock
from sms_core.testing.records import AccountState, Draft, LoginRefused, current_allowance

PLENTY = Decimal(1_000_000)
"""The points of an account that nobody gave any."""
SESSION_LIFE = timedelta(hours=24)
"""How long a session lives, if nothing ends it before."""

LARGEST_EXPONENT = 100
"""More would fill the memory where an answer writes the points out."""

Owner = tuple[str, str]
"""Whose something is: a vendor's name, and one of its users."""


def _points(credit: Decimal | int) -> Decimal:
    points = Decimal(credit)
    if not points.is_finite() or abs(points.adjusted()) > LARGEST_EXPONENT:
        raise ValueError("an account has no such number of points")
    return points


class Accounts:
    """The part of an `Exchange` that knows who its customers are, and what they can pay. Threads may share it.

    ``vendor`` is the one whose accounts these are; "" sees those of all.
    """

    # All views share one __dict__, and so one state; what tells them apart is beside it.
    __slots__ = ("__dict__", "__weakref__", "vendor")

    def __init__(self, clock: Clock, credit: Decimal = PLENTY) -> None:
        self.vendor = ""
        self.clock = clock
        self.default_credit = credit
        self._changed = threading.Condition(threading.RLock())
        self._added: dict[Owner, AccountState] = {}
        self._reset_accounts()

    def of(self, vendor: str) -> Self:
        """The same exchange as one of its vendors sees it: its own accounts, sessions, batches and messages."""
        view = object.__new__(type(self))
        view.__dict__ = self.__dict__
        view.vendor = vendor
        return view

    def _reset_accounts(self) -> None:
        """Forget sessions, logins and payments: each account is again as it was added."""
        self._login_counts: Counter[str] = Counter()
        self._accounts = dict(self._added)
        self._sessions: dict[str, tuple[Owner, datetime]] = {}

    def _sees(self, vendor: str) -> bool:
        return self.vendor in {"", vendor}

    def _owner(self, user: str, vendor: str = "") -> Owner:
        """Which account is meant. Seen from no vendor, it is that of ``vendor``, or the only one with this user.

        Raises `KeyError`.
        """
        named = (self.vendor or vendor, user)
        if named in self._accounts:
            return named
        found = [owner for owner in self._accounts if self._sees(owner[0]) and owner[1] == user]
        if len(found) != 1:
            raise KeyError(user if not found else f"{user}: several vendors have this user, so ask of(vendor)")
        return found[0]

    def add_account(
        self,
        user: str,
        password: str,
        credit: Decimal | int | None = None,
        *,
        international: bool = True,
        keys: Mapping[str, str] | None = None,
        approved: Approved | None = None,
    ) -> AccountState:
        """Open an account, or replace the one of this user. Raises `ValueError` for points that are no number.

        ``credit`` is in the vendor's own unit. ``keys`` are API keys and their secrets, for a vendor that has such.
        ``approved`` has the carriers check the account's texts. Seen from no vendor, each that has accounts opens one.
        """
        points = self.default_credit if credit is None else _points(credit)
        with self._changed:
            vendors = [self.vendor] if self.vendor else [*dict.fromkeys(vendor for vendor, _ in self._added)] or [""]
            state = AccountState(
                user, password, points, international=international, keys=dict(keys or {}), approved=approved
            )
            for vendor in vendors:
                own = attrs.evolve(state, vendor=vendor)
                self._added[vendor, user] = self._accounts[vendor, user] = own
            return self._accounts[vendors[-1], user]

    def account(self, user: str) -> AccountState:
        """An account as it is now. Raises `KeyError`."""
        with self._changed:
            return self._accounts[self._owner(user)]

    @property
    def accounts(self) -> tuple[AccountState, ...]:
        """All accounts as they are now."""
        with self._changed:
            return tuple(state for state in self._accounts.values() if self._sees(state.vendor))

    # What an account has and may

    def set_credit(self, user: str, credit: Decimal | int) -> AccountState:
        """Give an account so many points; seen from no vendor, each account of this user.

        Raises `KeyError`, and `ValueError` for points that are no number.
        """
        return self._change(user, credit=_points(credit))

    def set_approved(self, user: str, approved: Approved | None) -> AccountState:
        """Have the carriers check an account's texts against this, or with None not check them. Raises `KeyError`."""
        return self._change(user, approved=approved)

    def set_international(self, user: str, *, allowed: bool) -> AccountState:
        """Let an account send abroad, or not. Raises `KeyError`."""
        return self._change(user, international=allowed)

    def _change(self, user: str, **changes: Any) -> AccountState:
        """Change an account; seen from no vendor, each account of this user. Raises `KeyError`."""
        with self._changed:
            owners = [owner for owner in self._accounts if self._sees(owner[0]) and owner[1] == user]
            if not owners:
                raise KeyError(user)
            for owner in owners:
                self._accounts[owner] = attrs.evolve(self._accounts[owner], **changes)
            return self._accounts[owners[-1]]

    def _add_credit(self, owner: Owner, points: Decimal) -> None:
        state = self._accounts[owner]
        self._accounts[owner] = attrs.evolve(state, credit=state.credit + points)

    def can_pay(self, user: str, drafts: Iterable[Draft]) -> bool:
        """Whether the points suffice for all of these, for a vendor that takes all or none. Raises `KeyError`."""
        costs = [draft.cost for draft in drafts]
        allowance = current_allowance()
        if allowance is not None and allowance.left < len(costs):
            return False
        return sum(costs, Decimal()) <= self.account(user).credit

    def _pay(self, owner: Owner, draft: Draft) -> bool:
        """Take the points for one message, False if there are too few. Raises `KeyError`."""
        allowance = current_allowance()
        if draft.cost > self._accounts[owner].credit or (allowance is not None and allowance.left < 1):
            return False
        if allowance is not None:
            allowance.left -= 1
        self._add_credit(owner, -draft.cost)
        return True

    def _shown_credit(self, owner: Owner) -> Decimal:
        """The points that an answer tells: none once the allowance of its request is used up. Raises `KeyError`."""
        allowance = current_allowance()
        if allowance is not None and allowance.left <= 0:
            return Decimal()
        return self._accounts[owner].credit

    # Logins and sessions

    @property
    def login_count(self) -> int:
        """How often a password was shown, right or wrong."""
        with self._changed:
            return sum(count for vendor, count in self._login_counts.items() if self._sees(vendor))

    def login(self, user: str, password: str, key: str = "") -> AccountState:
        """Check a password, or the secret of the account's API ``key``.

        Raises `LoginRefused`; after ten wrong ones in a row the right one does not help.
        """
        with self._changed:
            self._login_counts[self.vendor] += 1
            try:
                owner = self._owner(user)
            except KeyError:
                raise LoginRefused("user") from None
            state = self._accounts[owner]
            if key and key not in state.keys:
                raise LoginRefused("user")
            if state.blocked:
                raise LoginRefused("blocked")
            secret = state.keys[key] if key else state.password
            if not secrets.compare_digest(secret.encode(), password.encode()):
                self._accounts[owner] = attrs.evolve(state, failed_logins=state.failed_logins + 1)
                raise LoginRefused("password")
            self._accounts[owner] = attrs.evolve(state, failed_logins=0)
            return self._accounts[owner]

    def open_session(self, user: str, ends: datetime | None = None) -> str:
        """A token of 32 hexadecimal digits for a user who has logged in, good for a day or until it ``ends``."""
        token = uuid.uuid4().hex
        with self._changed:
            self._sessions[token] = (self._owner(user), ends or self.clock.now() + SESSION_LIFE)
        return token

    def session_user(self, token: str) -> str | None:
        """Whose token this is; None if it is unknown, closed or too old."""
        with self._changed:
            if token not in self._sessions:
                return None
            (vendor, user), ends = self._sessions[token]
            return user if self._sees(vendor) and self.clock.now() < ends else None

    def close_session(self, token: str) -> bool:
        """End a session; False if there was none."""
        with self._changed:
            return self._sessions.pop(token, None) is not None

    def expire_sessions(self) -> None:
        """End every session, as a vendor does overnight."""
        with self._changed:
            self._sessions.clear()
