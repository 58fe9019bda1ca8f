"""From an entry point's name to one bound provider: its own pluggy manager, checked, behind a typed face."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

import pluggy
from attrs import field, frozen

from sms_core import flow
from sms_core.callbacks import Callback, CallbackRequest
from sms_core.errors import ConfigurationError, MalformedResponse, SmsError, Unsupported
from sms_core.hookspecs import PROJECT, ProviderHooks
from sms_core.http import Request, Response
from sms_core.model import Message
from sms_core.operations import Capability, Destination, Operation
from sms_core.provider import Account, ProviderInfo
from sms_core.steps import Flow, Session

T = TypeVar("T")

GROUP = "sms_core.providers"
REQUIRED = ("sms_describe", "sms_send", "sms_parse_response")
KNOWN_PACKAGES = {
    "every8d": "sms-core-every8d",
    "every8d-soap": "sms-core-every8d",
    "sms-get": "sms-core-smsget",
    "smsgo": "sms-core-smsgo",
}

log = logging.getLogger(__name__)


@frozen
class Provider:
    """One vendor, bound to one account: the typed face of its hooks. Hooks get it as ``client``."""

    info: ProviderInfo
    account: Account
    retries: int = 2
    hooks: Any = field(default=None, repr=False)

    @property
    def logs_in(self) -> bool:
        """Whether this account needs a session; if not, its credentials ride on each request."""
        return self.hooks.sms_auth(account=self.account) is not None

    def auth(self) -> Request:
        """The request that logs in, for an account that does."""
        request: Request = self.hooks.sms_auth(account=self.account)
        return request

    def request(self, session: Session | None, operation: Operation[Any]) -> Request:
        """The request that carries the operation."""
        request: Request = self.hooks.sms_send(account=self.account, session=session, operation=operation)
        return request

    def parse(self, operation: Operation[T], response: Response) -> T:
        """The operation's result. Raises the error that the answer means."""
        try:
            result: T = self.hooks.sms_parse_response(account=self.account, operation=operation, response=response)
        except MalformedResponse as error:
            raise MalformedResponse(f"{operation.name}: {error}", response) from error
        except SmsError:
            raise
        except Exception as bug:
            # A provider is third-party code. Its failing on an answer must not turn a send that the vendor may
            # have accepted into an error that nobody takes for one.
            reason = f"provider {self.info.name!r} failed with {type(bug).__name__} on the answer to {operation.name!r}"
            raise MalformedResponse(reason, response) from bug
        return result

    def parse_callback(self, request: CallbackRequest) -> Callback:
        """The events of a push. Raises `CallbackRefused`, or `Unsupported` where the vendor pushes nothing."""
        if not self.hooks.sms_parse_callback.get_hookimpls():
            raise Unsupported(self.info.name, Capability.PUSHED_REPORTS.value)
        callback: Callback = self.hooks.sms_parse_callback(account=self.account, request=request)
        return callback

    def prepare(self, message: Message, destinations: tuple[Destination, ...]) -> tuple[Destination, ...]:
        """What the provider makes of a message's destinations. Raises `InvalidMessage` for what it would refuse."""
        prepared: tuple[Destination, ...] | None = self.hooks.sms_prepare(
            account=self.account, message=message, destinations=destinations
        )
        return destinations if prepared is None else tuple(prepared)

    def perform(self, operation: Operation[T]) -> Flow[T]:
        """The conversation for one operation, middleware included. Raises `Unsupported` at once."""
        self.require(operation.capability)
        conversation: Flow[T] = self.hooks.sms_perform(client=self, operation=operation)
        return conversation

    def require(self, capability: Capability | None, hint: str = "") -> None:
        """Raise `Unsupported` unless the provider can do this."""
        if capability is not None and not self.info.can(capability):
            raise Unsupported(self.info.name, capability.value, hint or self.info.hints.get(capability, ""))


class _Core:
    """What the core itself plugs in: the plain conversation, unless the provider brings its own."""

    @pluggy.HookimplMarker(PROJECT)(trylast=True)
    def sms_perform(self, client: Provider, operation: Operation[Any]) -> Flow[Any]:
        return flow.perform(client, operation)


@cache
def _installed() -> tuple[EntryPoint, ...]:
    return tuple(entry_points(group=GROUP))


def load(name: str) -> object:
    """The plugin behind a provider's name; no other one is imported. Raises `ConfigurationError`."""
    found = [point for point in _installed() if point.name == name]
    if not found:
        raise ConfigurationError(_missing(name))
    if len(found) > 1:
        owners = " and ".join(sorted(point.dist.name if point.dist else point.value for point in found))
        raise ConfigurationError(f"provider {name!r} is claimed by {owners}: uninstall all but one")
    try:
        return found[0].load()
    except Exception as error:
        raise ConfigurationError(f"provider {name!r} cannot be imported: {type(error).__name__}: {error}") from error


def _missing(name: str) -> str:
    reason = f"no provider {name!r} is installed"
    if name in KNOWN_PACKAGES:
        return f"{reason}: pip install {KNOWN_PACKAGES[name]}"
    names = sorted({point.name for point in _installed()})
    close = difflib.get_close_matches(name, names, 1)
    return f"{reason}: did you mean {close[0]!r}?" if close else f"{reason}; there are {', '.join(names) or 'none'}"


def relay(name: str, plugin: object, middleware: Sequence[object] = ()) -> Any:
    """One manager with this provider and its middleware; its hooks. Raises `ConfigurationError` in words."""
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(ProviderHooks)
    manager.register(_Core(), "sms_core")
    try:
        for number, one in enumerate((plugin, *middleware)):
            manager.register(one, f"{_title(one)} (plugin {number})" if number else _title(one))
        manager.check_pending()
    except (pluggy.PluginValidationError, ValueError) as error:
        raise ConfigurationError(f"provider {name!r}: {_in_words(error)}") from error
    for hook_name, most in {**_MOST, "sms_perform": 2}.items():
        implementations = [one for one in getattr(manager.hook, hook_name).get_hookimpls() if not one.wrapper]
        if hook_name in REQUIRED and not implementations:
            hint = f"define it, marked with @hookimpl, in {plugin!r}"
            raise ConfigurationError(f"provider {name!r} has no hook {hook_name}: {hint}")
        if len(implementations) > most:
            owners = " and ".join(str(one.plugin_name) for one in implementations)
            raise ConfigurationError(f"provider {name!r}: hook {hook_name} is implemented twice, by {owners}")
    return manager.hook


def _title(plugin: object) -> str:
    return getattr(plugin, "__name__", None) or type(plugin).__qualname__


_MOST = {name: 1 for name in vars(ProviderHooks) if name.startswith("sms_")}


def _in_words(error: Exception) -> str:
    text = str(error).replace("\n", " ")
    unknown = next((word.strip("'") for word in text.split() if word.startswith("'sms_")), "")
    close = difflib.get_close_matches(unknown, _MOST, 1)
    return f"{text}; did you mean {close[0]}?" if close and close[0] != unknown else text


def describe(name: str, hooks: Any) -> ProviderInfo:
    """What a provider says of itself. Raises `ConfigurationError`."""
    try:
        info: ProviderInfo = hooks.sms_describe()
    except Exception as error:
        raise ConfigurationError(
            f"provider {name!r} cannot describe itself: {type(error).__name__}: {error}"
        ) from error
    return info


def survey() -> Iterable[tuple[str, ProviderInfo | ConfigurationError]]:
    """Every installed provider by name, or the error that keeps it from working; one never stops another."""
    for name in sorted({point.name for point in _installed()}):
        try:
            yield name, describe(name, relay(name, load(name)))
        except ConfigurationError as error:
            yield name, error


def providers() -> tuple[ProviderInfo, ...]:
    """All installed providers that work. One that does not is left out with a warning in the log."""
    working = []
    for name, found in survey():
        if isinstance(found, ProviderInfo):
            working.append(found)
        else:
            log.warning("provider %s does not work: %s", name, found)
    return tuple(working)
