"""A vendor pushes; the application gets typed events, and the vendor the answer that it waits for.

::

    import os
    from sms_core.webhooks import Receiver

    def handle(event):  # a DeliveryReport or an InboundMessage
        print(type(event).__name__, event.key)

    receiver = Receiver({"every8d": os.environ["SMS_DSN"]}, handle, secrets=os.environ["SMS_WEBHOOK_SECRET"])
    app = receiver.asgi  # or receiver.wsgi

The vendor's address is then ``https://your.host/every8d/<secret>``; ``sms webhook-url`` makes one. For Flask there
is `sms_core.webhooks.flask.blueprint`, for FastAPI `sms_core.webhooks.fastapi.router`, for Starlette
`sms_core.webhooks.starlette.router`.
"""

from sms_core.webhooks.events import AsyncEventStore, Event, EventInProgress, EventStore, MemoryEvents, SqliteEvents
from sms_core.webhooks.guard import new_secret
from sms_core.webhooks.handling import BODY_LIMIT, Parser
from sms_core.webhooks.receiver import Handler, Receiver

__all__ = [
    "BODY_LIMIT",
    "AsyncEventStore",
    "Event",
    "EventInProgress",
    "EventStore",
    "Handler",
    "MemoryEvents",
    "Parser",
    "Receiver",
    "SqliteEvents",
    "new_secret",
]
