"""The hooks are those of the `Protocol`, pure, and what they say of the provider is consistent."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator

import attrs

from sms_core import dsn as dsns
from sms_core.model import VendorOptions
from sms_core.provider import PROJECT, REQUIRED, Capability, ProviderHooks, ProviderInfo
from sms_core.testing import describe_provider, load_provider
from sms_core_kit.checks.base import Checks, subject_of
from sms_core_kit.checks.findings import assert_nothing

SPECIFIED = {name: hook for name, hook in vars(ProviderHooks).items() if name.startswith("sms_")}


def problems_of(plugin: object) -> Iterator[str]:
    """What is wrong with a provider's hooks, in words."""
    functions = {name: member for name, member in inspect.getmembers(plugin, callable) if not name.startswith("__")}
    marked = {name: function for name, function in functions.items() if hasattr(function, f"{PROJECT}_impl")}
    for name in REQUIRED:
        if name not in marked:
            yield f"{name} is missing, or not marked with @hookimpl"
    for name in functions:
        if name.startswith("sms_") and name not in marked and name not in REQUIRED:
            yield f"{name} is not marked with @hookimpl, so it is never called"
    for name, function in marked.items():
        if name in SPECIFIED:
            yield from _problems_of_arguments(name, function)
        else:
            yield f"{name} is no hook; there are {', '.join(SPECIFIED)}"


def _problems_of_arguments(name: str, function: Callable[..., object]) -> Iterator[str]:
    known = set(inspect.signature(SPECIFIED[name]).parameters) - {"self"}
    for argument in inspect.signature(function).parameters.values():
        if argument.name not in known:
            yield f"{name} has the argument {argument.name!r}; there are {', '.join(sorted(known))}"
        elif argument.default is not inspect.Parameter.empty:
            yield f"{name}: the argument {argument.name!r} has a default, so pluggy would never fill it"


class HookChecks(Checks):
    """What a provider is made of."""

    def test_hooks_match_the_protocol(self) -> None:
        """Each function marked as a hook has a name and arguments of the specification; none is missing.

        And the account can be used: where it cannot, this check fails, and the others leave it at that.
        """
        name = dsns.parse(type(self).dsn).provider
        own = type(self).provider
        plugin = load_provider(own) if isinstance(own, str) else own
        assert_nothing(list(problems_of(plugin)))
        describe_provider(plugin, name)
        subject_of(type(self))

    def test_the_description_is_consistent(self) -> None:
        """A `ProviderInfo` of the name in the DSN, the same each time, that does not contradict itself."""
        subject = self.subject
        info = subject.hooks().hooks.sms_describe()
        assert isinstance(info, ProviderInfo)
        assert info == subject.info, "sms_describe gives another description each time"
        assert info.name == subject.dsn.provider
        assert info.title, "the title is empty"
        assert info.can(Capability.SEND), "a provider sends"
        assert info.limits.recipients > 0, "a request takes one recipient at least"
        has_mms_limits = info.limits.mms is not None
        assert info.can(Capability.MMS) == has_mms_limits, "MMS is claimed with its limits, or not at all"
        assert not set(info.hints) & info.capabilities, "a hint says what to do instead of what the provider can do"
        assert info.send_options is None or issubclass(info.send_options, VendorOptions)
        assert info.account_options is None or attrs.has(info.account_options)
