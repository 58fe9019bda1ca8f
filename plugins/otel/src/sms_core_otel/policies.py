"""A counter of what policies decided, by the rule's name. No number and no text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import version
from typing import Protocol, runtime_checkable

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation

SCOPE = "sms_core_otel"


@runtime_checkable
class Decides(Protocol):
    """A policy of sms-core-policy that counts its decisions; one of yours may do so too."""

    def decisions(self) -> Mapping[tuple[str, str], int]:
        """How often, by the rule's name and the decision, such as ``refused``."""
        ...


def observe_policies(policies: Iterable[object], meter_provider: MeterProvider | None = None) -> None:
    """Let a meter ask policies for their decisions whenever metrics are read; the global provider's, if none is given.

    The counter ``sms.policy.decisions`` has the attributes ``sms.policy.rule``, such as ``taiwan-sender``, and
    ``sms.policy.decision``: ``refused``; of limits also ``passed``, and ``without_store`` where one passes as it cannot ask
    its store. Plugins that decide nothing are passed over.
    """
    deciding = [policy for policy in policies if isinstance(policy, Decides)]
    meter = metrics.get_meter(SCOPE, version("sms-core-otel"), meter_provider)
    meter.create_observable_counter(
        "sms.policy.decisions", [_callback(deciding)], "{decision}", "Decisions of policies, by the rule's name."
    )


def _callback(policies: Iterable[Decides]) -> Callable[[CallbackOptions], Iterator[Observation]]:
    def observe(_: CallbackOptions) -> Iterator[Observation]:
        counts: dict[tuple[str, str], int] = {}
        for policy in policies:
            for decided, count in policy.decisions().items():
                counts[decided] = counts.get(decided, 0) + count
        for (rule, decision), count in counts.items():
            yield Observation(count, {"sms.policy.rule": rule, "sms.policy.decision": decision})

    return observe
