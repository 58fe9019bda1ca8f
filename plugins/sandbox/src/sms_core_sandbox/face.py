"""A vendor's face: its wire as an ASGI application, and the form in which it pushes events to its customers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from decimal import Decimal
from importlib.metadata import EntryPoint, entry_points

from attrs import field, frozen
from starlette.types import ASGIApp

from sms_core.errors import ConfigurationError
from sms_core.http import Request, Response
from sms_core.model import DeliveryStatus
from sms_core.testing import Exchange, Push
from sms_core_sandbox.pushes import status_200

GROUP = "sms_core.sandbox"
"""The entry-point group. The entry point's name is the provider's name, its value a `FaceFactory`."""

FINAL_STATES: AbstractSet[DeliveryStatus] = {status for status in DeliveryStatus if status.is_final} - {
    DeliveryStatus.CANCELLED,
    DeliveryStatus.NO_CREDIT,
}
"""What became of a message on its way: the states that most vendors push."""
CREDIT = Decimal(100_000)
"""The points that a vendor's account begins with."""

log = logging.getLogger(__name__)


@frozen
class Face:
    """One vendor, as seen from outside.

    ``app`` speaks the vendor's wire; it is mounted at ``/<name>``, so it finds its own path after the scope's
    ``root_path``. ``push`` gives the request that pushes a report or a reply to the customer's callback URL, None for
    one that the vendor does not push; it is None itself where the vendor pushes nothing. ``acknowledged`` says whether
    the customer's answer will do; if not, the vendor pushes again, up to ``retries`` times. ``states`` are those of a
    message that it pushes. ``options`` are DSN options that go with the accounts here: without them a send may not be
    taken. ``callback_option`` is the one that tells a provider the callback URL, where the vendor signs that too.

    ``vendor`` says whose accounts these are, where several faces are of one vendor; else the face's own name does.
    ``user`` is the name of its first user, "" where any will do, who begins with ``credit`` of the ``unit``, and has the
    API ``keys`` (with their secrets).

    ``operations`` are the paths and SOAPActions that it answers, so that a fault for none of them is refused.
    """

    app: ASGIApp
    push: Callable[[Push, str], Request | None] | None = None
    acknowledged: Callable[[Response], bool] = status_200
    retries: int = 10
    states: AbstractSet[DeliveryStatus] = FINAL_STATES
    options: Mapping[str, str] = field(factory=dict)
    callback_option: str = ""
    vendor: str = ""
    user: str = ""
    credit: Decimal = CREDIT
    unit: str = "points"
    keys: Mapping[str, str] = field(factory=dict, repr=False)
    operations: tuple[str, ...] = ()


FaceFactory = Callable[[Exchange], Face]
"""What an entry point of the group holds."""


def installed() -> dict[str, EntryPoint]:
    """The installed faces by provider name, not loaded yet."""
    return {point.name: point for point in entry_points(group=GROUP)}


def load_factories(names: Iterable[str] | None = None) -> dict[str, FaceFactory]:
    """The factories of these providers; without names of all that are installed and work.

    Raises `ConfigurationError` for a name that is asked for and not installed, or that cannot be imported. When
    nobody asked for it, a broken one is left out with a warning in the log.
    """
    found = installed()
    factories: dict[str, FaceFactory] = {}
    for name in sorted(found) if names is None else names:
        try:
            factories[name] = _load(name, found)
        except ConfigurationError as error:
            if names is not None:
                raise
            log.warning("%s", error)
    return factories


def _load(name: str, found: dict[str, EntryPoint]) -> FaceFactory:
    if name not in found:
        raise ConfigurationError(f"no installed package has a sandbox face for {name!r}; there are {sorted(found)}")
    try:
        factory: FaceFactory = found[name].load()
    except Exception as error:  # a third party's module: whatever it raises, the others still work
        reason = f"the sandbox face of {name!r} cannot be imported: {type(error).__name__}: {error}"
        raise ConfigurationError(reason) from error
    return factory
