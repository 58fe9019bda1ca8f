"""Where limits and one-time codes keep what is used up: in memory, in a database, in Redis."""

from typing import TYPE_CHECKING

from sms_core.lazy import lazy_names
from sms_core_policy.stores.base import Claim, Store, StoreUnavailable
from sms_core_policy.stores.memory import MemoryStore

if TYPE_CHECKING:
    from sms_core_policy.stores.redis import RedisStore
    from sms_core_policy.stores.sql import SqlStore

_NAMES_OF = {
    "sms_core_policy.stores.redis": ("RedisStore",),
    "sms_core_policy.stores.sql": ("SqlStore",),
}
"""What needs an extra is imported when it is asked for."""

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazy_names(__name__, _NAMES_OF)

__all__ = ["Claim", "MemoryStore", "RedisStore", "SqlStore", "Store", "StoreUnavailable"]
