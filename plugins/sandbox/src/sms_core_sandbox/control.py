"""The JSON control API under ``/_sandbox/``, and the inbox page at ``/``.

==========================  ==================================================================================
``GET  messages``           every message in its present state
``GET  accepted``           what was really accepted, in order
``GET  pushes``             every try to push
``GET  behaviours``         how recipients behave, by the ending of their number
``GET  accounts``           each vendor's users, and their credit in its unit
``POST accounts``           ``{"user", "vendor"?, "password"?, "credit"?}``: open an account, or give one other credit;
                            without ``vendor`` at each of them
``GET  faults``             the faults that are switched on, and the kinds there are
``POST faults``             ``{"kind", "match"?, "times"?, "seconds"?, …}``: switch one on
``DELETE faults``           switch all off
``GET  clock``              the time
``POST clock``              ``{"advance": seconds}``: move it forward
``POST callback``           ``{"url"}``: where to push, one for all or an object of one for each vendor; null for nowhere
``POST reply``              ``{"number", "text", "batch_id"?}``: have a recipient write back
``POST expire-sessions``    end every login
``POST reset``              forget messages, sessions, faults; accounts as at the start
==========================  ==================================================================================

A wrong request gets status 400 and ``{"error"}``. A POST needs the content type ``application/json``, which keeps a web
page in the same browser from sending one.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Mount, Route

from sms_core.numbers import to_e164
from sms_core.testing import Clock, Exchange, StoredMessage, behaviour_rows
from sms_core_sandbox import inbox
from sms_core_sandbox.face import Face
from sms_core_sandbox.faults import KINDS, Fault, Faults
from sms_core_sandbox.faulty import Faulty
from sms_core_sandbox.pusher import CallbackUrl, PushAttempt


class Controlled(Protocol):
    """What these addresses show and change; a `Sandbox` is one."""

    exchange: Exchange
    faults: Faults

    @property
    def callback_url(self) -> CallbackUrl:
        """Where pushes go."""
        ...

    @callback_url.setter
    def callback_url(self, url: CallbackUrl) -> None: ...

    @property
    def clock(self) -> Clock:
        """The time that everything here lives in."""
        ...

    @property
    def faces(self) -> Mapping[str, Face]:
        """The vendors' faces by name."""
        ...

    @property
    def pushes(self) -> Sequence[PushAttempt]:
        """What was pushed, in the order of the attempts."""
        ...

    def reset(self) -> None:
        """Forget all that happened."""
        ...


Action = Callable[[Controlled, dict[str, Any]], object]


def make_app(box: Controlled) -> Starlette:
    """The whole application of a sandbox: inbox, control API, and each face at its name."""

    async def show_inbox(_: Request) -> HTMLResponse:
        return HTMLResponse(inbox.page(box.exchange))

    faces = [Mount(f"/{name}", app=Faulty(face.app, name, box.faults)) for name, face in box.faces.items()]
    control = [
        Route(f"/_sandbox/{name}", _endpoint(box, by_method), methods=[*by_method])
        for name, by_method in _TABLE.items()
    ]
    return Starlette(routes=[Route("/", show_inbox), *control, *faces])


def _endpoint(box: Controlled, by_method: dict[str, Action]) -> Callable[[Request], Awaitable[JSONResponse]]:
    async def endpoint(request: Request) -> JSONResponse:
        try:
            arguments = await _arguments(request)
            action = by_method["GET" if request.method == "HEAD" else request.method]
            return JSONResponse(action(box, arguments))
        except (LookupError, TypeError, ValueError, ArithmeticError, RecursionError) as error:
            return JSONResponse({"error": f"{type(error).__name__}: {error}"}, status_code=400)

    return endpoint


async def _arguments(request: Request) -> dict[str, Any]:
    if request.method != "POST":
        return {}
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise ValueError("the content type is application/json")
    arguments = json.loads(await request.body() or b"{}")
    if not isinstance(arguments, dict):
        raise TypeError("the body is a JSON object")
    return arguments


def _message(message: StoredMessage) -> dict[str, Any]:
    return {
        "vendor": message.vendor,
        "user": message.user,
        "face": message.face,
        "kind": message.kind,
        "batch_id": message.batch_id,
        "position": message.position,
        "number": message.number,
        "name": message.name,
        "subject": message.subject,
        "text": message.text,
        "reference": message.reference,
        "cost": str(message.cost),
        "status": message.status.value,
        "behaviour": message.behaviour.name,
        "notes": message.notes,
        "accepted_at": message.accepted_at.isoformat(),
        "sent_at": message.sent_at.isoformat() if message.sent_at else None,
        "done_at": message.done_at.isoformat() if message.done_at else None,
    }


def _fields(value: object, *names: str) -> dict[str, Any]:
    return {name: getattr(value, name) for name in names}


def _messages(box: Controlled, _: dict[str, Any]) -> object:
    return [_message(message) for message in box.exchange.messages]


def _accepted(box: Controlled, _: dict[str, Any]) -> object:
    return [_fields(sent, "number", "text", "batch_id", "reference") for sent in box.exchange.accepted]


def _pushes(box: Controlled, _: dict[str, Any]) -> object:
    return [_fields(attempt, "number", "face", "attempt", "taken", "status") for attempt in box.pushes]


def _behaviours(_: Controlled, __: dict[str, Any]) -> object:
    names = ("ending", "name", "status", "meaning")
    return [dict(zip(names, row, strict=True)) for row in behaviour_rows()]


def _accounts(box: Controlled, _: dict[str, Any]) -> object:
    return [
        {
            "vendor": account.vendor,
            "user": account.user,
            "credit": str(account.credit),
            "unit": box.faces[account.vendor].unit if account.vendor in box.faces else "points",
            "blocked": account.blocked,
        }
        for account in box.exchange.accounts
    ]


def _set_account(box: Controlled, arguments: dict[str, Any]) -> object:
    exchange = box.exchange.of(str(arguments.get("vendor", "")))
    user, credit = str(arguments["user"]), arguments.get("credit")
    if "password" in arguments:
        exchange.add_account(user, str(arguments["password"]), credit)
    elif credit is not None:
        exchange.set_credit(user, credit)
    return _accounts(box, {})


def _fault(fault: Fault) -> dict[str, Any]:
    match = fault.match if isinstance(fault.match, str | None) else "(a function)"
    return {"kind": fault.kind, "match": match, "times": fault.times, "acts": fault.acts}


def _faults(box: Controlled, _: dict[str, Any]) -> object:
    return {"active": [_fault(fault) for fault in box.faults.active], "kinds": KINDS}


def _add_fault(box: Controlled, arguments: dict[str, Any]) -> object:
    return _fault(box.faults.add(**arguments))


def _clear_faults(box: Controlled, _: dict[str, Any]) -> object:
    box.faults.clear()
    return _faults(box, {})


def _clock(box: Controlled, _: dict[str, Any]) -> object:
    return {"now": box.clock.now().isoformat()}


def _advance(box: Controlled, arguments: dict[str, Any]) -> object:
    box.clock.advance(float(arguments["advance"]))
    return _clock(box, {})


def _callback(box: Controlled, arguments: dict[str, Any]) -> object:
    url = arguments["url"]
    if isinstance(url, dict):
        url = {str(vendor): str(own) for vendor, own in url.items()}
    box.callback_url = url if url is None or isinstance(url, dict) else str(url)
    return {"url": box.callback_url}


def _reply(box: Controlled, arguments: dict[str, Any]) -> object:
    number = to_e164(str(arguments["number"]))
    reply = box.exchange.reply(number, str(arguments["text"]), str(arguments.get("batch_id", "")))
    return {"batch_id": reply.message.batch_id, "text": reply.text, "received_at": reply.received_at.isoformat()}


def _expire_sessions(box: Controlled, _: dict[str, Any]) -> object:
    box.exchange.expire_sessions()
    return {}


def _reset(box: Controlled, _: dict[str, Any]) -> object:
    box.reset()
    return {}


_TABLE: dict[str, dict[str, Action]] = {
    "messages": {"GET": _messages},
    "accepted": {"GET": _accepted},
    "pushes": {"GET": _pushes},
    "behaviours": {"GET": _behaviours},
    "accounts": {"GET": _accounts, "POST": _set_account},
    "faults": {"GET": _faults, "POST": _add_fault, "DELETE": _clear_faults},
    "clock": {"GET": _clock, "POST": _advance},
    "callback": {"POST": _callback},
    "reply": {"POST": _reply},
    "expire-sessions": {"POST": _expire_sessions},
    "reset": {"POST": _reset},
}
