"""The vendor's second host (備援的網址 of chapter 1), asked only where the first was surely not reached.

The document advises to send again there whenever the answer shows something abnormal. That could send twice, so it
is not done: only a send of which no byte left this machine goes there.
"""

from __future__ import annotations

from typing import Any

import attrs

from sms_core import NotSent, TransportError
from sms_core.provider import Account, Flow, Operation, Provider, Send
from sms_core_smsgo.options import AccountOptions


def perform(provider: Provider, operation: Operation[Any]) -> Flow[Any] | None:
    """The conversation with two hosts in turn; None where there is one, and the core's own conversation will do."""
    backup = provider.account.typed_options(AccountOptions).backup_host
    if not backup or not isinstance(operation, Send):
        return None
    return _first_then(backup, provider, operation)


def _first_then(backup: str, provider: Provider, operation: Send) -> Flow[Any]:
    try:
        return (yield from provider.converse(operation))
    except NotSent as error:
        if not _never_left(error):
            raise
    at_backup = attrs.evolve(provider, account=_at(provider.account, backup))
    return (yield from at_backup.converse(operation))


def _never_left(error: NotSent) -> bool:
    reasons = [row.error for row in error.result.outcomes]
    return all(isinstance(reason, TransportError) and not reason.sent for reason in reasons)


def _at(account: Account, host: str) -> Account:
    """With the scheme of the first host, so that a password meant for https never goes out in the clear."""
    scheme, _, _ = account.base_url.partition("://")
    return attrs.evolve(account, base_url=f"{scheme}://{host}")
