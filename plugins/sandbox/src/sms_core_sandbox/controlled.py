"""What the page and the control API need of a sandbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol

from sms_core.testing import Clock, Exchange
from sms_core_sandbox.ending import Ending
from sms_core_sandbox.face import Face
from sms_core_sandbox.faults import Faults
from sms_core_sandbox.inbox import Inbox
from sms_core_sandbox.live import Live
from sms_core_sandbox.pusher import CallbackUrl, PushAttempt
from sms_core_sandbox.store import Store, Views


class Controlled(Protocol):
    """What these addresses show and change; a `Sandbox` is one."""

    password: str
    allowed_names: AbstractSet[str]
    exchange: Exchange
    faults: Faults
    inbox: Inbox
    live: Live
    ending: Ending
    store: Store
    views: Views

    @property
    def callback_url(self) -> CallbackUrl:
        """Where pushes go."""
        ...

    @callback_url.setter
    def callback_url(self, url: CallbackUrl) -> None: ...

    def may_push_to(self, url: str) -> bool:
        """Whether whoever runs it allows pushes to this URL."""
        ...

    @property
    def clock(self) -> Clock:
        """The time that everything here lives in."""
        ...

    @property
    def faces(self) -> Mapping[str, Face]:
        """The vendors' faces by name."""
        ...

    @property
    def pushes(self) -> Sequence[PushAttempt]:
        """What was pushed, in the order of the attempts."""
        ...

    def reset(self) -> None:
        """Forget all that happened."""
        ...
