"""The hooks are those of the `Protocol`, pure, and what they say of the provider is consistent."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import attrs

from sms_core import dsn as dsns
from sms_core._engine import registry
from sms_core.model import VendorOptions
from sms_core.provider import PROJECT, Capability, ProviderHooks, ProviderInfo
from sms_core_kit.checks.base import Checks, subject_of
from sms_core_kit.exchanges import RecordedExchange

SPECIFIED = {name: hook for name, hook in vars(ProviderHooks).items() if name.startswith("sms_")}


def problems_of(plugin: object) -> Iterator[str]:
    """What is wrong with a provider's hooks, in words."""
    found = {name: one for name, one in inspect.getmembers(plugin, callable) if not name.startswith("__")}
    marked = {name: one for name, one in found.items() if hasattr(one, f"{PROJECT}_impl")}
    for name in registry.REQUIRED:
        if name not in marked:
            yield f"{name} is missing, or not marked with @hookimpl"
    for name in found:
        if name.startswith("sms_") and name not in marked and name not in registry.REQUIRED:
            yield f"{name} is not marked with @hookimpl, so it is never called"
    for name, one in marked.items():
        if name not in SPECIFIED:
            yield f"{name} is no hook; there are {', '.join(SPECIFIED)}"
            continue
        known = set(inspect.signature(SPECIFIED[name]).parameters) - {"self"}
        for argument in inspect.signature(one).parameters.values():
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
        plugin = registry.load(own) if isinstance(own, str) else own
        problems = list(problems_of(plugin))
        assert not problems, "\n".join(problems)
        registry.relay(name, plugin)
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
        assert info.can(Capability.MMS) == (info.limits.mms is not None), (
            "MMS is claimed with its limits, or not at all"
        )
        assert not set(info.hints) & info.capabilities, "a hint says what to do instead of what the provider can do"
        assert info.send_options is None or issubclass(info.send_options, VendorOptions)
        assert info.account_options is None or attrs.has(info.account_options)

    def test_hooks_are_pure(self, exchange: RecordedExchange) -> None:
        """The same exchange once more makes the same requests: no clock, no counter, no chance."""
        assert self.subject.play(exchange).requests == self.subject.play(exchange).requests
