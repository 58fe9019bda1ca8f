"""Before points are spent: rules of carriers, limits, one-time codes and a second vendor, as plugins of a client.

::

    import sms_core
    from sms_core_policy import TaiwanRules

    with sms_core.connect(plugins=[TaiwanRules(senders=["互動資通"])]) as sms:
        sms.send("【互動資通】您的驗證碼是 123456", to="0900000001")
"""

from sms_core_policy.codes import AsyncOneTimeCodes, Checked, OneTimeCodes, Surge, Ticket, TicketState, Verdict
from sms_core_policy.configured import open_store, policies_from
from sms_core_policy.errors import LimitReached, PolicyRefused
from sms_core_policy.failover import AsyncFailoverClient, FailoverClient, failover
from sms_core_policy.limits import Budget, Duplicates, Rate, Window
from sms_core_policy.numbers import AllowList, OptOut, Redirect
from sms_core_policy.standings import Standing, standings_of
from sms_core_policy.stores import MemoryStore, Store, StoreUnavailable
from sms_core_policy.taiwan import TaiwanRules
from sms_core_policy.unreported import NoReport, ReportWatch
from sms_core_policy.watch import DeliveryAlarm, DeliveryWatch

__all__ = [
    "AllowList",
    "AsyncFailoverClient",
    "AsyncOneTimeCodes",
    "Budget",
    "Checked",
    "DeliveryAlarm",
    "DeliveryWatch",
    "Duplicates",
    "FailoverClient",
    "LimitReached",
    "MemoryStore",
    "NoReport",
    "OneTimeCodes",
    "OptOut",
    "PolicyRefused",
    "Rate",
    "Redirect",
    "ReportWatch",
    "Standing",
    "Store",
    "StoreUnavailable",
    "Surge",
    "TaiwanRules",
    "Ticket",
    "TicketState",
    "Verdict",
    "Window",
    "failover",
    "open_store",
    "policies_from",
    "standings_of",
]
