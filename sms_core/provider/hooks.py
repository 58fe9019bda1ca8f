"""The hooks of a provider: pluggy's specification and the static contract in one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol, TypeVar

import pluggy

from sms_core.callbacks import Callback, CallbackRequest
from sms_core.http import Request, Response
from sms_core.model import Message
from sms_core.provider.account import Account
from sms_core.provider.info import ProviderInfo
from sms_core.provider.operations import Destination, Login, Operation
from sms_core.provider.provider import Provider
from sms_core.provider.steps import Flow, Session

PROJECT = "sms_core"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

T = TypeVar("T")

REQUIRED = ("sms_describe", "sms_send", "sms_parse_response")
"""The hooks that every provider has."""


class ProviderHooks(Protocol):
    """What a provider implements, as functions of a module or methods of an object, marked with `hookimpl`.

    Except `sms_check`, which any number of plugins have, and `sms_perform`, which middleware wraps, each hook has one
    implementation. A provider's are pure: no clock, no socket, no state. An implementation may leave out arguments that
    it does not need. docs/hooks.md is made of these docstrings.
    """

    @hookspec(firstresult=True)
    def sms_describe(self) -> ProviderInfo:
        """Say what this provider is and can do. Required.

        Asked by `connect()`, and by whatever lists the installed providers; no account is known then. Its ``name`` is
        that of the entry point. What it claims is believed: a capability that is not among its ``capabilities`` raises
        `Unsupported` before any other hook is asked, and its ``limits`` are checked, and messages split by them, before
        `sms_send` sees a request's worth.

        Raise nothing: whatever is raised here keeps the provider from working, as `ConfigurationError`.
        """
        ...

    @hookspec(firstresult=True)
    def sms_auth(self, account: Account, operation: Login) -> Request | None:
        """Give the request that logs in, or None where the credentials ride on each request.

        Asked by `connect()`, to learn which of the two this account is, and then for each login: before the first
        operation, when the session's time is over, and when an answer says `SessionExpired`. However many operations
        wait for a session, one login is under way. The answer goes to `sms_parse_response` with a `Login` operation;
        a login that is refused with `AuthenticationFailed` is not tried again until the credentials change. A provider
        that never logs in leaves this hook out.

        Raise `ConfigurationError` for an account that cannot log in, such as one without a key: `connect()` raises it.
        """
        ...

    @hookspec(firstresult=True)
    def sms_prepare(
        self, account: Account, message: Message, destinations: tuple[Destination, ...]
    ) -> tuple[Destination, ...] | None:
        """Check a message and adapt its destinations, before anything is sent; None leaves them as they are.

        Asked once for each message by `send()` and `preview()`, and by `settle()` for a message that was sent, so it
        has to give the same for the same message. The core has checked capabilities and times, dropped repeated
        recipients and filled in each text; afterwards it checks the lengths and splits the destinations into requests.
        A text that takes several messages becomes several destinations, each with a reference of its own and otherwise
        a copy of the first (`attrs.evolve`), for its position says whose it is. Where refused recipients are to be left
        out (``plan(skip_refused=True)``), a refusal makes the core ask about each recipient alone, and then about those
        that are left. A provider for which the core's own checks are enough leaves this hook out.

        Raise `InvalidMessage`, which names the field, for what the vendor would refuse or change in silence.
        """
        ...

    @hookspec
    def sms_check(
        self, account: Account, message: Message, destinations: tuple[Destination, ...]
    ) -> Iterable[str] | None:
        """Judge a message by a rule of the application's; give warnings for `preview()`, or None.

        Asked of every plugin that has it, by `plan()`, `preview()` and `send()`; of a `Plan` that was made earlier once
        more when it is sent. It comes after `sms_prepare`, so that the vendor's own word is heard first, but sees what a
        person will read: one destination for each recipient, with the whole final text, which the vendor may split or
        escape afterwards. It only reads, and uses nothing up; what does belongs around `sms_perform`. Where refused
        recipients are to be left out (``plan(skip_refused=True)``), a refusal makes the core ask about each recipient
        alone, and then about those that are left. An `AsyncClient` asks in a thread when it sends, so an
        implementation may look into a database. `settle()` does not ask: what was sent is past judging.

        Raise `InvalidMessage`, which names the field and says which rule it is: nothing is sent.
        """
        ...

    @hookspec(firstresult=True)
    def sms_send(self, account: Account, session: Session | None, operation: Operation[Any]) -> Request:
        """Give the request that carries this operation. Required.

        Asked for every operation but the login: those whose capability `sms_describe` claims, `Check` always (any
        question that proves the credentials will do), and `Logout` for an account that logs in. Asked again for each
        repetition of what may be repeated, so it has to give the same request for the same arguments; what differs for
        each message is `Message.reference`. (A destination's own reference holds its place in the message: for a
        vendor's filter of duplicates, make the key of the message's reference, the number and the text.) A vendor whose
        requests are signed takes the time and a nonce from the operation, which has new ones for each attempt.
        ``session`` is None where `sms_auth` gives None. A `Send` has as many destinations as one request may hold, each
        with an E.164 number and its final text.

        Raise `InvalidMessage` for what the vendor would refuse, `Unsupported` for an operation that has no request.
        Whatever is raised here, nothing was sent.
        """
        ...

    @hookspec(firstresult=True)
    def sms_parse_response(self, account: Account, operation: Operation[T], response: Response) -> T:
        """Give the operation's result, or raise the error that the vendor's answer means. Required.

        Asked for every whole answer, whatever its status and body; `answer_text` and `raise_for_status` deal with
        what is not the vendor's. `Login` gives a `Session`; `Send` a `SendResult` with a row for each
        destination, told by its reference (one that it forgets is an unknown outcome); `GetBalance` a `Balance`;
        `GetReports` and `GetInbound` a `Page`; `Cancel` a `Cancellation`; `FindSent` the `Sightings`; `Check` and
        `Logout` None. Points are `Decimal`, times are aware, numbers E.164.

        Raise the `VendorError` that fits, with the vendor's own code and words. The class decides what happens next:
        `SessionExpired` logs in again, once; `RateLimited` waits as long as ``retry_after`` says and asks again, sends
        too, for it says that nothing was taken; `VendorUnavailable` is asked again if ``retry`` is true and it was no
        send. A refusal of a send means that surely no destination was taken; where some were, give the `SendResult`
        that says so, and where that is open, say `VendorUnavailable(…, maybe_taken=True)`. Raise `MalformedResponse`
        for an answer that cannot be understood: after a send the core takes that, as it must, for an unknown outcome.
        Any other exception is taken for a `MalformedResponse` too. A code that leaves open whether the session is dead
        belongs in `ProviderInfo.session_doubts`: the core then asks with a `Check` before it believes the code.
        """
        ...

    @hookspec(firstresult=True)
    def sms_parse_callback(self, account: Account, request: CallbackRequest) -> Callback:
        """Give the events of a push, and the answer that the vendor waits for.

        Asked by `parse_callback()` and the receivers of `sms_core.webhooks`, for whatever arrives at their address:
        from the vendor or from a stranger, once or repeatedly. So check a signature if there is one, and give the same
        events the same ``key`` each time (`event_key`), which tells a repetition. The receiver gives the answer when
        the events are taken care of. A vendor that pushes nothing leaves this hook out.

        Raise `CallbackRefused` for what is not a push of this vendor's, whatever it is instead; its status (400 if it
        says nothing else) is the answer then.
        """
        ...

    @hookspec(firstresult=True)
    def sms_perform(self, provider: Provider, operation: Operation[T]) -> Flow[T]:
        """Give the whole conversation for one operation. The core's own composes the hooks above.

        Asked for every operation, the login too; nothing happens until a driver runs the flow. The flow is a generator:
        it yields a `StartAttempt`, a `Request`, a `Sleep` or a `Blocking`, is sent an `Attempt`, a `Response`, None or
        what the work gave, and returns the operation's result. The ``provider`` is this account with its hooks: `provider.request`, `provider.parse`.

        Middleware wraps it (``@hookimpl(wrapper=True)``); a vendor with an odd dance overrides it, and then owns all
        that the core's own does: to log in again once, to repeat only what may be repeated, and to end a `Send` that
        failed with a `SendError` that has each destination's outcome. Mostly it is enough to ``yield from
        provider.converse(operation)``, which is the core's own, before or after a request of your own.

        Raise at once what refuses the operation before it costs anything, and from the flow what it ends with.
        """
        ...
