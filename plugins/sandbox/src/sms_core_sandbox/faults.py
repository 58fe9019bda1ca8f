"""Which faults there are, and which request gets one.

``acts`` says whether the vendor takes the request all the same: that is what makes the difference between *not sent*
and *unknown*, and what a client cannot see.

==============  =======  =================================================================================
kind            acts     the client gets
==============  =======  =================================================================================
drop_before     no       a closed connection; the request was not read
drop_after      yes      a closed connection; the request was carried out
slow            yes      the answer ``seconds`` late; the request was carried out at once
late            yes      the answer ``seconds`` late; the request was carried out only then
429             no       too many requests, with ``Retry-After`` of ``retry_after`` seconds
403             no       the HTML page of an edge that refuses
500             no       an HTML page with status 500
502             yes      a gateway's HTML page with status 502
html200         no       a proxy's HTML page with status 200
half            yes      the whole answer's ``Content-Length``, half of its body, a closed connection
half_text       yes      half of the answer's body, correctly framed
garbage         yes      bytes that mean nothing, status 200
wrong_charset   yes      the answer in ``charset`` instead of UTF-8
out_of_credit   yes      the answer of an account whose points run out after ``after`` messages
==============  =======  =================================================================================
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs
from attrs import field, frozen

from sms_core.testing import Allowance

KINDS: dict[str, bool] = {
    "drop_before": False,
    "drop_after": True,
    "slow": True,
    "late": True,
    "429": False,
    "403": False,
    "500": False,
    "502": True,
    "html200": False,
    "half": True,
    "half_text": True,
    "garbage": True,
    "wrong_charset": True,
    "out_of_credit": True,
}
"""Every kind of fault, and whether the vendor acts on the request all the same."""


@frozen
class RequestInfo:
    """A request that may get a fault. ``path`` is the one within the face, ``action`` its SOAPAction, as they came."""

    face: str
    method: str
    path: str
    action: str = ""

    @property
    def operation(self) -> str:
        """The last part of the action or else of the path, without its ending, in lower case: ``sendsms``."""
        return (self.action or self.path).rpartition("/")[2].partition(".")[0].lower()


Match = str | Callable[[RequestInfo], bool] | None


def _known(_: object, __: object, kind: str) -> None:
    if kind not in KINDS:
        raise ValueError(f"there is no fault {kind!r}; there are {', '.join(KINDS)}")


@frozen
class Fault:
    """One fault. ``match`` is a part of path or SOAPAction in any case, or a function of the request; None fits all.

    ``vendor`` is the name of the face that it is for, "" for each. ``times`` is how many requests get it, None for all. ``acts`` overrides what the kind does by itself, where
    both make sense (``500``, ``502``, ``html200``, ``garbage``). ``seconds``, ``retry_after``, ``charset`` and ``after``
    belong to the kinds that name them. The messages of ``after`` are counted over all requests of the fault.

    Raises `ValueError` for an unknown kind.
    """

    kind: str = field(validator=_known)
    match: Match = None
    times: int | None = 1
    seconds: float = 1.0
    retry_after: int = 1
    charset: str = "utf-16"
    after: int = 0
    vendor: str = ""
    acts: bool = field(default=attrs.Factory(lambda self: KINDS.get(self.kind, False), takes_self=True))
    allowance: Allowance = field(
        default=attrs.Factory(lambda self: Allowance(self.after), takes_self=True), init=False, repr=False, eq=False
    )

    def fits(self, info: RequestInfo) -> bool:
        """Whether the request is one of those that it is meant for."""
        if self.vendor not in {"", info.face}:
            return False
        if callable(self.match):
            return self.match(info)
        return self.match is None or self.match.lower() in f"{info.path} {info.action}".lower()


@frozen
class Switch:
    """A fault that is switched on: its number, how many requests it is still for (None for all), how many had it."""

    number: int
    fault: Fault
    left: int | None
    used: int = 0


SEEN = 1000
"""Paths of requests that are remembered, so that a match of one is known to be none that is misspelt."""

Chooser = Callable[[RequestInfo], str | Fault | None]


class Faults:
    """The faults that are switched on. Threads may share it.

    ``choose`` is a function of your own, which gives a kind or a `Fault` for a request, or None. It is called in the
    server's thread, for each request that no added fault fits.

    ``operations`` are the paths and SOAPActions that each face answers, by the face's name. Where every face tells them,
    a match that is a part of none of them, nor of a path that was asked for already, is refused.
    """

    def __init__(self, operations: Mapping[str, Iterable[str]] | None = None) -> None:
        self.choose: Chooser | None = None
        self._operations = {face: [*known] for face, known in (operations or {}).items()}
        self._lock = threading.Lock()
        self._active: dict[int, Switch] = {}
        self._applied: list[tuple[RequestInfo, Fault]] = []
        self._seen: dict[tuple[str, str], None] = {}
        self._ids = itertools.count(1)

    def add(self, kind: str, match: Match = None, times: int | None = 1, **settings: Any) -> Fault:
        """Switch a fault on; of several that fit, the first added comes first. Arguments as for `Fault`.

        Raises `ValueError` for a vendor that there is not, and for a match that fits nothing.
        """
        return self.switch_on(Fault(kind, match, times, **settings)).fault

    def switch_on(self, fault: Fault) -> Switch:
        """The same for a fault that is made already; it can be switched off by its number."""
        with self._lock:
            self._check(fault)
            switch = Switch(next(self._ids), fault, fault.times)
            self._active[switch.number] = switch
        return switch

    def _check(self, fault: Fault) -> None:
        if not self._operations:
            return
        if fault.vendor and fault.vendor not in self._operations:
            raise ValueError(f"there is no vendor {fault.vendor!r} here; there are {', '.join(self._operations)}")
        faces = [fault.vendor] if fault.vendor else [*self._operations]
        if not isinstance(fault.match, str) or not all(self._operations[face] for face in faces):
            return
        known = [path for face in faces for path in self._operations[face]]
        known += [path for face, path in self._seen if face in faces]
        if not any(fault.match.lower() in path.lower() for path in known):
            raise ValueError(f"no path or SOAPAction here has {fault.match!r} in it; there are {', '.join(known)}")

    def switch_off(self, number: int) -> None:
        """Switch one off. Raises `LookupError` if it is not on."""
        with self._lock:
            if self._active.pop(number, None) is None:
                raise LookupError(f"fault {number} is not switched on")

    def clear(self) -> None:
        """Switch all off, ``choose`` too, and forget which were applied."""
        with self._lock:
            self._active.clear()
            self._applied.clear()
            self.choose = None

    @property
    def operations(self) -> Mapping[str, Iterable[str]]:
        """The paths and SOAPActions that each face answers, by the face's name."""
        return self._operations

    @property
    def switches(self) -> tuple[Switch, ...]:
        """The faults that are switched on, and how often each was used."""
        with self._lock:
            return tuple(self._active.values())

    @property
    def active(self) -> tuple[Fault, ...]:
        """The faults that some request will still get."""
        return tuple(switch.fault for switch in self.switches)

    @property
    def applied(self) -> tuple[tuple[RequestInfo, Fault], ...]:
        """Which request got which fault, in order."""
        with self._lock:
            return tuple(self._applied)

    def pick(self, info: RequestInfo) -> Fault | None:
        """The fault for this request, which is counted then."""
        with self._lock:
            if len(self._seen) < SEEN:
                self._seen[info.face, f"{info.path} {info.action}".strip()] = None
            fault = self._use_added(info)
        fault = fault or self._chosen(info)
        if fault is not None:
            with self._lock:
                self._applied.append((info, fault))
        return fault

    def _use_added(self, info: RequestInfo) -> Fault | None:
        """The first added fault that fits; it is switched off when it was used as often as it should be."""
        for number, switch in self._active.items():
            if not switch.fault.fits(info):
                continue
            left = None if switch.left is None else switch.left - 1
            self._active[number] = attrs.evolve(switch, left=left, used=switch.used + 1)
            if left is not None and left <= 0:
                del self._active[number]
            return switch.fault
        return None

    def _chosen(self, info: RequestInfo) -> Fault | None:
        chosen = self.choose(info) if self.choose else None
        return Fault(chosen) if isinstance(chosen, str) else chosen
