"""The vendors of a failover: each a client with a name, and whether it rests."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from typing import Generic, TypeVar

from attrs import define, field

from sms_core import AsyncClient, Client

ClientT = TypeVar("ClientT", bound=Client | AsyncClient)


@define(eq=False)
class Vendor(Generic[ClientT]):
    """One of the clients, and whether it rests. ``name`` tells it from the others."""

    name: str
    client: ClientT
    rests_until: float = 0.0
    is_tried: bool = False
    lock: threading.Lock = field(factory=threading.Lock, repr=False)

    def may_be_tried(self, now: float) -> bool:
        """Whether it does not rest. After its rest one send alone tries it, until that has ended (half-open)."""
        with self.lock:
            if not self.rests_until:
                return True
            if now < self.rests_until or self.is_tried:
                return False
            self.is_tried = True
            return True

    def note(self, now: float, rest: float, *, connected: bool | None) -> None:
        """Note whether it could be reached; None where nobody tried."""
        with self.lock:
            self.is_tried = False
            if connected is not None:
                self.rests_until = 0.0 if connected else now + rest


def named(clients: Sequence[ClientT]) -> dict[str, Vendor[ClientT]]:
    """The clients by their vendors' names; the second one of a vendor is called ``every8d-2``."""
    seen: Counter[str] = Counter()
    vendors: dict[str, Vendor[ClientT]] = {}
    for client in clients:
        name = client.info.name
        seen[name] += 1
        if seen[name] > 1:
            name = f"{name}-{seen[name]}"
        vendors[name] = Vendor(name, client)
    return vendors
