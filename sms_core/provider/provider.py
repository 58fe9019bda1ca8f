"""One vendor, bound to one account: its hooks as typed methods."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar

import pluggy
from attrs import evolve, field, frozen

from sms_core.callbacks import Callback, CallbackRequest
from sms_core.caller_errors import bare
from sms_core.errors import MalformedResponse, SmsError, Unsupported
from sms_core.http import Request, Response
from sms_core.model import Message
from sms_core.provider.account import Account
from sms_core.provider.info import ProviderInfo
from sms_core.provider.operations import Capability, Destination, Login, Operation, Send
from sms_core.provider.steps import Flow, Session

T = TypeVar("T")


class Conversation(Protocol):
    """What makes a flow of an operation."""

    def __call__(self, provider: Provider, operation: Operation[T], /) -> Flow[T]:
        """The whole conversation."""
        ...


@frozen
class Provider:
    """One vendor, bound to one account: its hooks, with types. `sms_perform` gets it.

    ``conversation`` is the core's own `sms_perform`.
    """

    info: ProviderInfo
    account: Account
    retries: int
    hooks: pluggy.HookRelay = field(repr=False)
    conversation: Conversation = field(repr=False)

    @property
    def logs_in(self) -> bool:
        """Whether this account needs a session; if not, its credentials ride on each request."""
        return self.hooks.sms_auth(account=self.account, operation=Login()) is not None

    def login_request(self, operation: Login) -> Request:
        """The request that logs in, for an account that does."""
        request: Request = _ask(self.hooks.sms_auth, account=self.account, operation=operation)
        return request

    def request(self, session: Session | None, operation: Operation[Any]) -> Request:
        """The request that carries the operation.

        That of a read is marked as one that may be repeated, that of a send with when it has to begin at the latest.
        """
        request: Request = _ask(self.hooks.sms_send, account=self.account, session=session, operation=operation)
        if operation.is_read:
            request = evolve(request, repeatable=True)
        if isinstance(operation, Send) and operation.begin_before is not None:
            request = evolve(request, begin_before=operation.begin_before)
        return request

    def parse(self, operation: Operation[T], response: Response) -> T:
        """The operation's result. Raises the error that the answer means."""
        hook = self.hooks.sms_parse_response
        try:
            result: T = _ask(hook, account=self.account, operation=operation, response=response)
        except MalformedResponse as error:
            failure = MalformedResponse(f"{operation.name}: {error}", response)
        except SmsError:
            raise
        except Exception as bug:  # noqa: BLE001 - see below
            # A provider is third-party code. Its failing on an answer must not turn a send that the vendor may
            # have accepted into an error that nobody takes for one.
            reason = f"provider {self.info.name!r} failed with {type(bug).__name__} on the answer to {operation.name!r}"
            failure = MalformedResponse(reason, response)
            failure.__notes__ = bug.__notes__
        else:
            return result
        raise failure

    def parse_callback(self, request: CallbackRequest) -> Callback:
        """The events of a push. Raises `CallbackRefused`, or `Unsupported` where the vendor pushes nothing."""
        callback: Callback | None = _ask(self.hooks.sms_parse_callback, account=self.account, request=request)
        if callback is None:
            raise Unsupported(self.info.name, Capability.PUSHED_REPORTS.value)
        return callback

    def prepare(self, message: Message, destinations: tuple[Destination, ...]) -> tuple[Destination, ...]:
        """What the provider makes of a message's destinations. Raises `InvalidMessage` for what it would refuse."""
        prepared: tuple[Destination, ...] | None = _ask(
            self.hooks.sms_prepare, account=self.account, message=message, destinations=destinations
        )
        if prepared is None:
            return destinations
        return tuple(prepared)

    @property
    def has_checks(self) -> bool:
        """Whether any plugin judges messages before they are sent."""
        return bool(self.hooks.sms_check.get_hookimpls())

    def check(self, message: Message, destinations: tuple[Destination, ...]) -> tuple[str, ...]:
        """The warnings of all plugins about a message, in their order. Raises the first refusal, an `InvalidMessage`."""
        said: list[Iterable[str]] = _ask(
            self.hooks.sms_check, account=self.account, message=message, destinations=destinations
        )
        said.reverse()  # pluggy asks the last one first
        return tuple(warning for warnings in said for warning in warnings)

    def perform(self, operation: Operation[T]) -> Flow[T]:
        """The conversation for one operation, middleware included. Raises `Unsupported` at once."""
        self.require(operation.capability)
        conversation: Flow[T] = self.hooks.sms_perform(provider=self, operation=operation)
        return conversation

    def converse(self, operation: Operation[T]) -> Flow[T]:
        """The core's own conversation, for a provider that begins it from its `sms_perform`; without middleware."""
        return self.conversation(self, operation)

    def require(self, capability: Capability | None, hint: str = "") -> None:
        """Raise `Unsupported` unless the provider can do this."""
        if capability is not None and not self.info.can(capability):
            raise Unsupported(self.info.name, capability.value, hint or self.info.hints.get(capability, ""))


def _ask(hook: Callable[..., Any], **arguments: object) -> Any:
    """What a hook of the vendor's says. An error leaves the frames of the vendor's code behind; a bug has a note of them."""
    failure: Exception
    try:
        return hook(**arguments)
    except SmsError as error:
        failure = error
    except Exception as bug:  # noqa: BLE001 - raised below
        places = "".join(traceback.format_tb(bug.__traceback__))
        bug.add_note(f"The places that it passed, without their locals, which may hold secrets:\n{places}")
        failure = bug
    raise bare(failure)
