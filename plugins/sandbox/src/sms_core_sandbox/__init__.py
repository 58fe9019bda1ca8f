"""SMS vendors on your own machine: their wire over real HTTP, their faults, their pushes, and an inbox page.

::

    from sms_core_sandbox import Sandbox

    with Sandbox() as box, sms_core.connect(box.dsn("every8d")) as sms:
        sms.send("【互動資通】您的驗證碼是 123456", to="0900000001")
        assert box.exchange.accepted[0].number == "+886900000001"

A provider's package contributes its vendor's side through the entry-point group ``sms_core.sandbox``: a factory that
takes the `sms_core.testing.Exchange` and returns a `Face`.
"""

from sms_core_sandbox.box import Sandbox
from sms_core_sandbox.face import Face, FaceFactory
from sms_core_sandbox.faults import KINDS, Fault, Faults, RequestInfo
from sms_core_sandbox.pusher import PushAttempt
from sms_core_sandbox.serve import serve

__all__ = ["KINDS", "Face", "FaceFactory", "Fault", "Faults", "PushAttempt", "RequestInfo", "Sandbox", "serve"]
