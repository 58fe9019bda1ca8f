"""What the sandbox has seen, in SQLite: messages with their history, replies, requests and answers, pushes.

In memory, or in a file that outlives the process. The `Exchange` decides what happens; the store is told of it before
whoever made it happen gets an answer, and answers every question of the page and of the control API.
"""

from sms_core_sandbox.store.filters import Filter
from sms_core_sandbox.store.recorder import Recorder
from sms_core_sandbox.store.store import Store
from sms_core_sandbox.store.views import Views

__all__ = ["Filter", "Recorder", "Store", "Views"]
