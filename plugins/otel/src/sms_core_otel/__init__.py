"""OpenTelemetry for sms-core: a span for each operation, and metrics. No number and no text is in either.

::

    import sms_core
    from sms_core_otel import OpenTelemetry

    with sms_core.connect(plugins=[OpenTelemetry()]) as sms:
        sms.send("【互動資通】您的驗證碼是 123456", to="0900000001")
"""

from sms_core_otel.gauges import observe_outbox
from sms_core_otel.links import OutboxTraces
from sms_core_otel.middleware import OpenTelemetry
from sms_core_otel.policies import observe_policies

__all__ = ["OpenTelemetry", "OutboxTraces", "observe_outbox", "observe_policies"]
