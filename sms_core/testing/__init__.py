"""Public tools for tests without a server: the provider ``memory``, `FakeTransport`, and the exchange behind both.

===================  ==================================================================================
`memory_exchange`    look into what ``connect("memory://")`` sent, move its clock, reset it
`FakeTransport`      any provider without a network: a function, or a list, gives the answers
`Exchange`           a pretended vendor's inside; the sandbox puts real wires in front of it
`connect_provider`   a client of a provider that is at hand, as a module or an object, installed or not
`bind_provider`      such a provider's hooks, bound to an account; `load_provider` and `describe_provider` beside it
`check_promise`      a result against what the exchange really accepted
`Approved`           what an account has registered with the carriers, who drop a text that breaks their rules
`behaviour_rows`     how recipients behave, by the last three digits of their number
===================  ==================================================================================

`sms_core_kit` checks a provider against its vendor's document; it needs the extra ``testing``.
"""

from sms_core.testing.behaviours import Behaviour, behaviour_ending, behaviour_named, behaviour_of, behaviour_rows
from sms_core.testing.carriers import Approved
from sms_core.testing.clock import Clock
from sms_core.testing.exchange import Exchange
from sms_core.testing.fake_transport import FakeTransport, Handler
from sms_core.testing.memory import memory_exchange, memory_exchanges
from sms_core.testing.promise import check_promise
from sms_core.testing.providers import bind_provider, connect_provider, describe_provider, load_provider
from sms_core.testing.records import (
    Accepted,
    AccountState,
    Allowance,
    Batch,
    Cancelled,
    Draft,
    LoginRefused,
    NoSuchBatch,
    NotBooked,
    Push,
    Remembered,
    Reply,
    StoredMessage,
    credit_for,
)

__all__ = [
    "Accepted",
    "AccountState",
    "Allowance",
    "Approved",
    "Batch",
    "Behaviour",
    "Cancelled",
    "Clock",
    "Draft",
    "Exchange",
    "FakeTransport",
    "Handler",
    "LoginRefused",
    "NoSuchBatch",
    "NotBooked",
    "Push",
    "Remembered",
    "Reply",
    "StoredMessage",
    "behaviour_ending",
    "behaviour_named",
    "behaviour_of",
    "behaviour_rows",
    "bind_provider",
    "check_promise",
    "connect_provider",
    "credit_for",
    "describe_provider",
    "load_provider",
    "memory_exchange",
    "memory_exchanges",
]
