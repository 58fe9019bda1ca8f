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
from collections.abc import Callable
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

    ``times`` is how many requests get it, None for all. ``acts`` overrides what the kind does by itself, where
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
    acts: bool = field(default=attrs.Factory(lambda self: KINDS.get(self.kind, False), takes_self=True))
    allowance: Allowance = field(
        default=attrs.Factory(lambda self: Allowance(self.after), takes_self=True), init=False, repr=False, eq=False
    )

    def fits(self, info: RequestInfo) -> bool:
        """Whether the request is one of those that it is meant for."""
        if callable(self.match):
            return self.match(info)
        return self.match is None or self.match.lower() in f"{info.path} {info.action}".lower()


Chooser = Callable[[RequestInfo], str | Fault | None]


class Faults:
    """The faults that are switched on. Threads may share it.

    ``choose`` is a function of your own, which gives a kind or a `Fault` for a request, or None. It is called in the
    server's thread, for each request that no added fault fits.
    """

    def __init__(self) -> None:
        self.choose: Chooser | None = None
        self._lock = threading.Lock()
        self._active: dict[int, tuple[Fault, int | None]] = {}
        self._applied: list[tuple[RequestInfo, Fault]] = []
        self._ids = itertools.count(1)

    def add(self, kind: str, match: Match = None, times: int | None = 1, **settings: Any) -> Fault:
        """Switch a fault on; of several that fit, the first added comes first. Arguments as for `Fault`."""
        fault = Fault(kind, match, times, **settings)
        with self._lock:
            self._active[next(self._ids)] = (fault, times)
        return fault

    def clear(self) -> None:
        """Switch all off, ``choose`` too, and forget which were applied."""
        with self._lock:
            self._active.clear()
            self._applied.clear()
            self.choose = None

    @property
    def active(self) -> tuple[Fault, ...]:
        """The faults that some request will still get."""
        with self._lock:
            return tuple(fault for fault, _ in self._active.values())

    @property
    def applied(self) -> tuple[tuple[RequestInfo, Fault], ...]:
        """Which request got which fault, in order."""
        with self._lock:
            return tuple(self._applied)

    def pick(self, info: RequestInfo) -> Fault | None:
        """The fault for this request, which is counted then."""
        with self._lock:
            fault = self._use_added(info)
        fault = fault or self._chosen(info)
        if fault is not None:
            with self._lock:
                self._applied.append((info, fault))
        return fault

    def _use_added(self, info: RequestInfo) -> Fault | None:
        """The first added fault that fits; it is switched off when it was used as often as it should be."""
        for number, (fault, left) in self._active.items():
            if not fault.fits(info):
                continue
            if left is not None and left > 1:
                self._active[number] = (fault, left - 1)
            elif left is not None:
                del self._active[number]
            return fault
        return None

    def _chosen(self, info: RequestInfo) -> Fault | None:
        chosen = self.choose(info) if self.choose else None
        return Fault(chosen) if isinstance(chosen, str) else chosen
