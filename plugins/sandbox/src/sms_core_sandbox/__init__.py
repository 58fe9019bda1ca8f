"""SMS vendors on your own machine: their wire over real HTTP, their faults, their pushes, and an inbox to look at.

::

    from sms_core_sandbox import Sandbox

    with Sandbox() as box, sms_core.connect(box.dsn("every8d")) as sms:
        sms.send("【互動資通】您的驗證碼是 123456", to="0900000001")
        assert box.inbox.wait("0900-000-001").code == "123456"

A provider's package contributes its vendor's side through the entry-point group ``sms_core.sandbox``: a factory that
takes the `sms_core.testing.Exchange` and returns a `Face`.
"""

from typing import TYPE_CHECKING

from sms_core.lazy import lazy_names

if TYPE_CHECKING:
    from sms_core_sandbox.box import Sandbox
    from sms_core_sandbox.face import Face, FaceFactory
    from sms_core_sandbox.faults import KINDS, Fault, Faults, RequestInfo
    from sms_core_sandbox.foreground import serve
    from sms_core_sandbox.inbox import Inbox, NothingCame, Received
    from sms_core_sandbox.pusher import PushAttempt

_HOME_OF = {
    "sms_core_sandbox.box": ["Sandbox"],
    "sms_core_sandbox.face": ["Face", "FaceFactory"],
    "sms_core_sandbox.faults": ["KINDS", "Fault", "Faults", "RequestInfo"],
    "sms_core_sandbox.inbox": ["Inbox", "NothingCame", "Received"],
    "sms_core_sandbox.pusher": ["PushAttempt"],
    "sms_core_sandbox.foreground": ["serve"],
}
# pytest imports this package wherever it is installed, for its fixtures: a test session that uses none pays for nothing.
__getattr__, __dir__ = lazy_names(__name__, _HOME_OF)

__all__ = [
    "KINDS",
    "Face",
    "FaceFactory",
    "Fault",
    "Faults",
    "Inbox",
    "NothingCame",
    "PushAttempt",
    "Received",
    "RequestInfo",
    "Sandbox",
    "serve",
]
