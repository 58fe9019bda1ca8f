"""What a person does with one click. Each changes something, and the page sees it as it sees every change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sms_core.model import DeliveryStatus
from sms_core.numbers import to_e164
from sms_core.testing import behaviour_ending
from sms_core_sandbox.api.fields import arguments_of
from sms_core_sandbox.api.messages import stored
from sms_core_sandbox.api.sandbox import ACCOUNT_FIELDS, FAULT_FIELDS, set_account, set_callback, switch_on
from sms_core_sandbox.controlled import Controlled

Form = Mapping[str, str]
Action = Callable[[Controlled, Mapping[str, Any], Form], object]


def _reply(box: Controlled, path: Mapping[str, Any], form: Form) -> None:
    if not form.get("text"):
        raise ValueError("there is nothing to reply")
    box.exchange.reply(to_e164(path["number"]), form["text"])


def _finish(box: Controlled, path: Mapping[str, Any], form: Form) -> None:
    message = stored(box, path["serial"])
    box.exchange.finish(message.batch_id, message.position, behaviour_ending(DeliveryStatus(form.get("status", ""))))


def _push(box: Controlled, path: Mapping[str, Any], _: Form) -> None:
    message = stored(box, path["serial"])
    box.exchange.report_again(message.batch_id, message.position)


def _add_fault(box: Controlled, _: Mapping[str, Any], form: Form) -> None:
    numbers: dict[str, Callable[[str], float]] = {"times": int, "after": int, "seconds": float, "retry_after": int}
    given: dict[str, Any] = {name: value for name, value in form.items() if value and name not in numbers}
    given |= {name: read(form[name]) for name, read in numbers.items() if form.get(name)}
    given.setdefault("times", None)  # an empty field: until it is switched off
    switch_on(box, arguments_of(FAULT_FIELDS, given))
    box.live.changed()


def _remove_fault(box: Controlled, path: Mapping[str, Any], _: Form) -> None:
    box.faults.switch_off(path["number"])
    box.live.changed()


def _clear_faults(box: Controlled, _: Mapping[str, Any], __: Form) -> None:
    box.faults.clear()
    box.live.changed()


def _set_credit(box: Controlled, _: Mapping[str, Any], form: Form) -> None:
    _change_account(box, form, credit=form.get("credit", ""))


def _set_approved(box: Controlled, _: Mapping[str, Any], form: Form) -> None:
    registered = {name: _lines(form.get(name, "")) for name in ("names", "links", "telephones")}
    approved = registered if form.get("checked") else None
    _change_account(box, form, approved=approved, international=bool(form.get("international")))


def _change_account(box: Controlled, form: Form, **changes: Any) -> None:
    given = {"user": form["user"], "vendor": form["vendor"], **changes}
    set_account(box, arguments_of(ACCOUNT_FIELDS, given))


def _lines(text: str) -> list[str]:
    lines = [line.strip() for line in text.splitlines()]
    return [line for line in lines if line]


def _set_callback(box: Controlled, _: Mapping[str, Any], form: Form) -> None:
    set_callback(box, {"url": form.get("url") or None})
    box.live.changed()


def _advance(box: Controlled, _: Mapping[str, Any], form: Form) -> None:
    box.clock.advance(float(form.get("seconds", "0")))
    box.live.changed()


def _expire_sessions(box: Controlled, _: Mapping[str, Any], __: Form) -> None:
    box.exchange.expire_sessions()


def _reset(box: Controlled, _: Mapping[str, Any], __: Form) -> None:
    box.reset()


ACTIONS: dict[str, Action] = {
    "/_sandbox/page/phones/{number}/reply": _reply,
    "/_sandbox/page/messages/{serial:int}/finish": _finish,
    "/_sandbox/page/messages/{serial:int}/push": _push,
    "/_sandbox/page/faults/on": _add_fault,
    "/_sandbox/page/faults/off": _clear_faults,
    "/_sandbox/page/faults/{number:int}/off": _remove_fault,
    "/_sandbox/page/credit": _set_credit,
    "/_sandbox/page/approved": _set_approved,
    "/_sandbox/page/callback": _set_callback,
    "/_sandbox/page/clock": _advance,
    "/_sandbox/page/sessions": _expire_sessions,
    "/_sandbox/page/reset": _reset,
}
