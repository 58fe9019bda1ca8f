"""Rules and limits of the command's accounts: plugins of sms-core-policy, which may be absent.

Where an account names no senders, and the package is there, a text that names none is warned of.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrs import frozen

from sms_core import Plan, hookimpl
from sms_core.errors import ConfigurationError
from sms_core.numbers import is_taiwan
from sms_core.provider import Destination

if TYPE_CHECKING:
    from sms_core_policy.standings import Standing

PACKAGE = "sms_core_policy"
CARRIERS = "taiwan"
"""The table of the rules of Taiwan's carriers."""
NO_SENDER = (
    "a text names no configured sender, and carriers in Taiwan drop a text without one: "
    'name yours in the accounts file, [accounts.NAME.policies.taiwan] senders = ["…"]'
)


def plugins_of(account: str, policies: Mapping[str, Any]) -> tuple[object, ...]:
    """The plugins that a table of policies asks for. Raises `ConfigurationError`, which says what to install."""
    if importlib.util.find_spec(PACKAGE) is None:
        if policies:
            raise ConfigurationError(f"the account {account!r} has policies: pip install sms-core-policy")
        return ()
    plugins = _configured(policies) if policies else ()
    return plugins if CARRIERS in policies else (*plugins, _UnnamedSenders())


def _configured(policies: Mapping[str, Any]) -> tuple[object, ...]:
    from sms_core_policy import policies_from  # noqa: PLC0415 - a package of its own, which may be absent

    return policies_from(policies)


def carrier_warnings(account: str, policies: Mapping[str, Any], plan: Plan) -> tuple[str, ...]:
    """What Taiwan's carriers would do with the texts of a plan; none where sms-core-policy is not installed.

    That texts name no configured sender is said once, in the same words for any plan. Raises what a strict rule refuses.
    """
    warnings: list[str] = []
    plugins: tuple[Any, ...] = plugins_of(account, policies)
    for plugin in plugins:
        if isinstance(plugin, _UnnamedSenders) or type(plugin).__name__ == "TaiwanRules":
            warnings.extend(plugin.sms_check(plan.rendered))
    return tuple(warnings)


def standings_of(account: str, policies: Mapping[str, Any], dsn: str) -> tuple[Standing, ...]:
    """How the rules and limits of an account stand; none where it has none. Raises `ConfigurationError`."""
    if not policies:
        return ()
    plugins = plugins_of(account, policies)  # says what to install where the package is absent
    from sms_core_policy import standings_of as stand  # noqa: PLC0415 - as above

    return stand([plugin for plugin in plugins if not isinstance(plugin, _UnnamedSenders)], dsn)


@frozen
class _UnnamedSenders:
    """Warns once of texts to Taiwan, for there is no sender configured that they could name."""

    @hookimpl
    def sms_check(self, destinations: tuple[Destination, ...]) -> tuple[str, ...]:
        """One warning, however many texts there are."""
        return (NO_SENDER,) if any(is_taiwan(destination.number) for destination in destinations) else ()
