"""From a plugin to its hooks: a pluggy manager of its own, checked; and what each installed provider says of itself."""

from __future__ import annotations

import difflib
import inspect
import logging
import re
from collections.abc import Iterable, Iterator, Sequence

import attrs
import pluggy
from attrs import frozen

from sms_core._engine import discovery
from sms_core._engine.discovery import FAILURES
from sms_core._engine.flow import CoreConversation
from sms_core.errors import ConfigurationError
from sms_core.provider.hooks import PROJECT, REQUIRED, ProviderHooks
from sms_core.provider.info import Limits, ProviderInfo
from sms_core.provider.operations import Capability
from sms_core.serialize import KIND

log = logging.getLogger(__name__)

_HOOKS = [name for name in vars(ProviderHooks) if name.startswith("sms_")]
_MOST = {
    "sms_check": None,  # every rule that an application wants
    "sms_perform": 2,  # the core has a conversation of its own, which a provider may override
}
"""How many implementations a hook may have, None for any number; one where it is not named here."""


def bind_hooks(name: str, plugin: object, middleware: Sequence[object] = ()) -> pluggy.HookRelay:
    """The hooks of this provider and its middleware, in a manager of their own.

    Raises `ConfigurationError`, which says in words what is wrong with them. ``name`` is what it calls the provider.
    """
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(ProviderHooks)
    manager.register(CoreConversation(), "sms_core")
    plugins = (plugin, *middleware)
    try:
        manager.register(plugin, _title(plugin))
        for number, extra in enumerate(middleware, start=1):
            manager.register(extra, f"{_title(extra)} (plugin {number})")
        manager.check_pending()
    except (pluggy.PluginValidationError, ValueError) as error:
        raise ConfigurationError(f"provider {name!r}: {_in_words(error)}") from error
    except Exception as error:  # to register an object is to read its attributes, a third party's code
        raise ConfigurationError(f"provider {name!r} cannot be read: {type(error).__name__}: {error}") from error
    for hook_name in _HOOKS:
        _check_hook(name, hook_name, getattr(manager.hook, hook_name).get_hookimpls(), plugins)
    return manager.hook


def _check_hook(name: str, hook_name: str, marked: Sequence[pluggy.HookImpl], plugins: Sequence[object]) -> None:
    """Raise `ConfigurationError` for a hook that is missing, doubled or not marked."""
    implementations = [found for found in marked if not (found.wrapper or found.hookwrapper)]
    if hook_name in REQUIRED and not implementations:
        hint = f"define it, marked with @hookimpl, in {plugins[0]!r}"
        raise ConfigurationError(f"provider {name!r} has no hook {hook_name}: {hint}")
    most = _MOST.get(hook_name, 1)
    if most is not None and len(implementations) > most:
        culprits = " and ".join(str(found.plugin_name) for found in implementations)
        raise ConfigurationError(f"provider {name!r}: hook {hook_name} is implemented twice, by {culprits}")
    for plugin in plugins:
        is_marked = any(found.plugin is plugin for found in marked)
        if not is_marked and _has_function(plugin, hook_name):
            raise ConfigurationError(f"provider {name!r}: hook {hook_name} is not marked with @hookimpl, in {plugin!r}")


def _has_function(plugin: object, name: str) -> bool:
    return callable(inspect.getattr_static(plugin, name, None))


def _title(plugin: object) -> str:
    return getattr(plugin, "__name__", None) or type(plugin).__qualname__


def _in_words(error: Exception) -> str:
    """What pluggy says of a plugin, in one line, and the hook that was meant by a misspelt one."""
    text = str(error).replace("\n", " ")
    unknown = re.match(r"unknown hook '(\w+)'", text)
    if unknown is None:
        return text
    close = difflib.get_close_matches(unknown[1], _HOOKS, 1)
    if not close:
        return text
    return f"{text}; did you mean {close[0]}?"


def describe(name: str, hooks: pluggy.HookRelay) -> ProviderInfo:
    """What a provider says of itself. Raises `ConfigurationError`."""
    try:
        info: object = hooks.sms_describe()
    except FAILURES as error:
        raise ConfigurationError(
            f"provider {name!r} cannot describe itself: {type(error).__name__}: {error}"
        ) from error
    if not isinstance(info, ProviderInfo):
        raise ConfigurationError(f"provider {name!r}: sms_describe gives no ProviderInfo, but {type(info).__name__}")
    if not isinstance(info.limits, Limits) or not all(isinstance(claim, Capability) for claim in info.capabilities):
        raise ConfigurationError(f"provider {name!r}: its ProviderInfo needs Limits, and each capability a Capability")
    if info.name != name:
        raise ConfigurationError(f"provider {name!r} describes itself as {info.name!r}: both names must be the same")
    if info.send_options is not None and KIND in attrs.fields_dict(info.send_options):
        raise ConfigurationError(f"provider {name!r}: a field {KIND!r} of its options would be lost in JSON: rename it")
    return info


@frozen
class InstalledProvider:
    """A provider that is installed, and whether it works.

    ``distributions`` are those that claim its name, each with its version: ``sms-core-every8d 0.1.0``. ``info`` is what
    it says of itself; None where it does not work, and ``error`` says why.
    """

    name: str
    distributions: tuple[str, ...]
    info: ProviderInfo | None = None
    error: ConfigurationError | None = None


def installed_providers(names: Iterable[str] = ()) -> Iterator[InstalledProvider]:
    """Every installed provider, or those of these names, working or not: none stops another.

    A name that is not installed comes with the error that `connect` would raise.
    """
    for name in names or discovery.installed_names():
        distributions = discovery.distributions(name)
        try:
            info = describe(name, bind_hooks(name, discovery.load(name)))
        except ConfigurationError as error:
            yield InstalledProvider(name, distributions, error=error)
        else:
            yield InstalledProvider(name, distributions, info)


def providers() -> tuple[ProviderInfo, ...]:
    """All installed providers that work. One that does not is left out with a warning in the log."""
    working = []
    for provider in installed_providers():
        if provider.info is not None:
            working.append(provider.info)
        else:
            log.warning("provider %s does not work: %s", provider.name, provider.error)
    return tuple(working)
