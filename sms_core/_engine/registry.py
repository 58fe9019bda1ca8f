"""From a plugin to one bound provider: its own pluggy manager, checked, behind a typed face."""

from __future__ import annotations

import difflib
import inspect
import logging
import re
from collections.abc import Iterable, Sequence
from typing import Any

import pluggy

from sms_core._engine.discovery import FAILURES, load, names
from sms_core._engine.flow import CoreConversation
from sms_core.errors import ConfigurationError
from sms_core.provider.hooks import PROJECT, REQUIRED, ProviderHooks
from sms_core.provider.info import Limits, ProviderInfo
from sms_core.provider.operations import Capability

log = logging.getLogger(__name__)


def relay(name: str, plugin: object, middleware: Sequence[object] = ()) -> Any:
    """One manager with this provider and its middleware; its hooks. Raises `ConfigurationError` in words."""
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(ProviderHooks)
    manager.register(CoreConversation(), "sms_core")
    plugins = (plugin, *middleware)
    try:
        for number, one in enumerate(plugins):
            manager.register(one, f"{_title(one)} (plugin {number})" if number else _title(one))
        manager.check_pending()
    except (pluggy.PluginValidationError, ValueError) as error:
        raise ConfigurationError(f"provider {name!r}: {_in_words(error)}") from error
    except Exception as error:  # to register an object is to read its attributes, a third party's code
        raise ConfigurationError(f"provider {name!r} cannot be read: {type(error).__name__}: {error}") from error
    _check_hooks(name, manager, plugins)
    return manager.hook


def _check_hooks(name: str, manager: pluggy.PluginManager, plugins: Sequence[object]) -> None:
    """Raise `ConfigurationError` for a hook that is missing, doubled or not marked."""
    for hook_name, most in {**_MOST, "sms_perform": 2}.items():
        marked = getattr(manager.hook, hook_name).get_hookimpls()
        implementations = [one for one in marked if not (one.wrapper or one.hookwrapper)]
        if hook_name in REQUIRED and not implementations:
            hint = f"define it, marked with @hookimpl, in {plugins[0]!r}"
            raise ConfigurationError(f"provider {name!r} has no hook {hook_name}: {hint}")
        if len(implementations) > most:
            culprits = " and ".join(str(one.plugin_name) for one in implementations)
            raise ConfigurationError(f"provider {name!r}: hook {hook_name} is implemented twice, by {culprits}")
        for one in plugins:
            if _has_function(one, hook_name) and all(one is not found.plugin for found in marked):
                raise ConfigurationError(
                    f"provider {name!r}: hook {hook_name} is not marked with @hookimpl, in {one!r}"
                )


def _has_function(plugin: object, name: str) -> bool:
    return callable(inspect.getattr_static(plugin, name, None))


def _title(plugin: object) -> str:
    return getattr(plugin, "__name__", None) or type(plugin).__qualname__


_MOST = {name: 1 for name in vars(ProviderHooks) if name.startswith("sms_")}


def _in_words(error: Exception) -> str:
    text = str(error).replace("\n", " ")
    unknown = re.match(r"unknown hook '(\w+)'", text)
    close = difflib.get_close_matches(unknown[1], _MOST, 1) if unknown else ()
    return f"{text}; did you mean {close[0]}?" if close else text


def describe(name: str, hooks: Any) -> ProviderInfo:
    """What a provider says of itself. Raises `ConfigurationError`."""
    try:
        info: object = hooks.sms_describe()
    except FAILURES as error:
        raise ConfigurationError(
            f"provider {name!r} cannot describe itself: {type(error).__name__}: {error}"
        ) from error
    if not isinstance(info, ProviderInfo):
        raise ConfigurationError(f"provider {name!r}: sms_describe gives no ProviderInfo, but {type(info).__name__}")
    if not isinstance(info.limits, Limits) or not all(isinstance(one, Capability) for one in info.capabilities):
        raise ConfigurationError(f"provider {name!r}: its ProviderInfo needs Limits, and each capability a Capability")
    if info.name != name:
        raise ConfigurationError(f"provider {name!r} describes itself as {info.name!r}: both names must be the same")
    return info


def survey(only: Iterable[str] = ()) -> Iterable[tuple[str, ProviderInfo | ConfigurationError]]:
    """Every installed provider, or those of these names; or the error that keeps it from working: none stops another."""
    for name in only or names():
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
