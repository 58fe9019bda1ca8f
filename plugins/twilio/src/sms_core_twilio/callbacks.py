"""Twilio's pushes: delivery reports by GET, and the answer that it waits for."""

from __future__ import annotations

from sms_core import Callback, CallbackRefused, CallbackRequest, CallbackResponse, DeliveryReport
from sms_core.callbacks import event_key
from sms_core.numbers import from_vendor
from sms_core.taipei import time_or_none

from sms_core_twilio.codes import status_of


def parse(request: CallbackRequest) -> Callback:
    """The report of one push, and its acknowledgement. Raises `CallbackRefused`."""
    request.require_method("GET")
    fields = request.fields()
    batch_id, number, state, time = (fields.get(name, "").strip() for name in ("id", "to", "state", "time"))
    if not batch_id or not number or not state:
        raise CallbackRefused("a push of Twilio has id, to and state")
    e164 = from_vendor(number)
    report = DeliveryReport(
        number=e164,
        status=status_of(state),
        batch_id=batch_id,
        done_at=time_or_none(time),
        vendor_code=state,
        raw=fields,
        key=event_key("twilio", batch_id, e164, state, time),
    )
    return Callback((report,), CallbackResponse(200, body=b"ok"))
