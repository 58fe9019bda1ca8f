"""The hooks of a provider: pluggy's specification and the static contract in one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import pluggy

if TYPE_CHECKING:
    from sms_core.callbacks import Callback, CallbackRequest
    from sms_core.http import Request, Response
    from sms_core.model import Message
    from sms_core.operations import Destination, Operation
    from sms_core.provider import Account, ProviderInfo
    from sms_core.registry import Provider
    from sms_core.steps import Flow, Session

PROJECT = "sms_core"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

T = TypeVar("T")


class ProviderHooks(Protocol):
    """What a provider implements, as functions of a module or methods of an object, marked with `hookimpl`.

    Except `sms_perform`, which middleware wraps, each hook has one implementation. All are pure: no clock, no
    socket, no state. An implementation may leave out arguments that it does not need.
    """

    @hookspec(firstresult=True)
    def sms_describe(self) -> ProviderInfo:
        """Say what this provider is and can do. Required."""
        ...

    @hookspec(firstresult=True)
    def sms_auth(self, account: Account) -> Request | None:
        """Give the request that logs in, or None where the credentials ride on each request.

        The answer goes to `sms_parse_response` with a `Login` operation.
        """
        ...

    @hookspec(firstresult=True)
    def sms_prepare(
        self, account: Account, message: Message, destinations: tuple[Destination, ...]
    ) -> tuple[Destination, ...] | None:
        """Check a message and adapt its destinations, before anything is sent; None leaves them as they are.

        Raise `InvalidMessage` for what the vendor would refuse or change in silence. A text that takes several
        messages becomes several destinations, each with a reference of its own.
        """
        ...

    @hookspec(firstresult=True)
    def sms_send(self, account: Account, session: Session | None, operation: Operation[Any]) -> Request:
        """Give the request that carries this operation. Required.

        ``session`` is None where `sms_auth` gives None. Raise `InvalidMessage` for what the vendor would refuse.
        """
        ...

    @hookspec(firstresult=True)
    def sms_parse_response(self, account: Account, operation: Operation[T], response: Response) -> T:
        """Give the operation's result, or raise the error that the vendor's answer means. Required.

        Raise `MalformedResponse` for an answer that cannot be understood; after a send the core takes that, as
        it must, for an unknown outcome.
        """
        ...

    @hookspec(firstresult=True)
    def sms_parse_callback(self, account: Account, request: CallbackRequest) -> Callback:
        """Give the events of a push and the answer that the vendor waits for, or raise `CallbackRefused`."""
        ...

    @hookspec(firstresult=True)
    def sms_perform(self, client: Provider, operation: Operation[T]) -> Flow[T]:
        """Give the whole conversation for one operation. The core's own composes the hooks above.

        Middleware wraps it (``@hookimpl(wrapper=True)``); a vendor with an odd dance overrides it.
        """
        ...
