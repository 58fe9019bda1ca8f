"""What the page answers at which path."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from sms_core.model import DeliveryStatus
from sms_core_sandbox.api.sandbox import accounts, show_switch, unit_of
from sms_core_sandbox.codes import find_code
from sms_core_sandbox.controlled import Controlled
from sms_core_sandbox.faults import KINDS
from sms_core_sandbox.page import actions
from sms_core_sandbox.page.rendering import THEMES, answer, digest, fragment, query
from sms_core_sandbox.page.words import LANGUAGES
from sms_core_sandbox.store import Filter
from sms_core_sandbox.store.views import PAGE

FILTERS = ("number", "text", "vendor", "status", "batch")
LONGEST_CONVERSATION = 300
"""Messages and replies that a conversation shows, before earlier ones are asked for."""
LONGEST_FORM = 256 * 1024
A_YEAR = 365 * 24 * 3600

Show = Callable[[Controlled, Request], Response]


def page_routes(box: Controlled) -> list[BaseRoute]:
    """The routes, all but those of the control API."""
    shown: list[BaseRoute] = [Route(path, _endpoint(box, show)) for path, show in _PAGES.items()]
    changing: list[BaseRoute] = [
        Route(path, _change(box, change), methods=["POST"]) for path, change in actions.ACTIONS.items()
    ]
    static = StaticFiles(directory=Path(__file__).with_name("static"))
    return [*shown, *changing, Route("/_sandbox/page/prefer", _prefer), Mount("/_sandbox/static", static)]


def _endpoint(box: Controlled, show: Show) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        try:
            # In a thread: a search may look at every message, while vendors go on answering.
            return await run_in_threadpool(show, box, request)
        except LookupError as error:
            return PlainTextResponse(f"{error}\n", 404)
        except ValueError as error:
            return PlainTextResponse(f"{error}\n", 400)

    return endpoint


def _change(box: Controlled, change: actions.Action) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        # A form of another site's page cannot have this header, see `guard` too.
        if request.headers.get("hx-request") != "true":
            return PlainTextResponse("Only the sandbox's own page may do this.\n", 400)
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > LONGEST_FORM:
                return PlainTextResponse("The form is too long.\n", 400)
        form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        try:
            changed = await run_in_threadpool(change, box, request.path_params, form)
        except (LookupError, ValueError, ArithmeticError) as error:
            return PlainTextResponse(_words(error), 422)
        assert not inspect.isawaitable(changed)
        return Response(status_code=204)

    return endpoint


def _words(error: Exception) -> str:
    return str(error.args[0]) if error.args else type(error).__name__


async def _prefer(request: Request) -> Response:
    """Keep a language or a look, and go back to where that was chosen."""
    back = request.query_params.get("back", "/")
    if not back.startswith("/") or back.startswith(("//", "/\\")):
        back = "/"
    response = RedirectResponse(back, 303)
    for name, known in (("language", LANGUAGES), ("theme", THEMES)):
        chosen = request.query_params.get(name)
        if chosen is not None and chosen in known:
            response.set_cookie(f"sms_{name}", chosen, max_age=A_YEAR, httponly=True, samesite="strict")
    return response


# The pages


def _filter(request: Request) -> Filter:
    return Filter(**{name: request.query_params.get(name, "")[:1000] for name in FILTERS})


def _place(request: Request, name: str) -> int | None:
    text = request.query_params.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < len(str(1 << 62)) else None


def _phones(box: Controlled, request: Request) -> dict[str, Any]:
    wanted = _filter(request)
    filters = {name: getattr(wanted, name) for name in FILTERS}
    phones = box.views.phones(wanted, before=_place(request, "before"))
    return {"phones": phones, "filters": filters, "filter_query": query(filters), "is_filtered": bool(wanted)}


def _conversation(box: Controlled, request: Request, number: str) -> dict[str, Any]:
    filters = query({name: request.query_params.get(name, "") for name in FILTERS})
    since = _place(request, "since") or 0
    bubbles = box.views.conversation(number, since=since, limit=LONGEST_CONVERSATION if since else PAGE)
    return {"number": number, "bubbles": bubbles, "filter_query": filters}


def _details(box: Controlled, serial: int) -> dict[str, Any]:
    details = box.views.message(serial)
    code = find_code(details["text"])
    return {"details": details, "code": code, "unit": unit_of(box, details["face"])}


def _page(box: Controlled, request: Request, view: str, **values: Any) -> Response:
    """A whole page with the phones' list; ``view`` says what is beside it."""
    phones = _phones(box, request)
    values = {"number": None, "bubbles": [], "details": None, "code": None, "unit": "", **values}
    statuses = [status.value for status in DeliveryStatus]
    return answer(
        request,
        "page.html",
        view=view,
        vendors=[*box.faces],
        statuses=statuses,
        seen=digest(phones),
        **{**phones, **values},
    )


def _home(box: Controlled, request: Request) -> Response:
    return _page(box, request, "phones")


def _phone(box: Controlled, request: Request) -> Response:
    conversation = _conversation(box, request, request.path_params["number"])
    return _page(box, request, "phones", conversation_seen=digest(conversation), **conversation)


def _message(box: Controlled, request: Request) -> Response:
    details = _details(box, request.path_params["serial"])
    conversation = _conversation(box, request, details["details"]["number"])
    shown = {"conversation_seen": digest(conversation), "details_seen": digest(details)}
    return _page(box, request, "phones", **shown, **conversation, **details)


def _faults(box: Controlled, _: Request) -> dict[str, Any]:
    return {
        "switches": [show_switch(switch) for switch in box.faults.switches],
        "effects": box.views.calls(faulty_only=True, limit=50),
    }


def _fault_form(box: Controlled) -> dict[str, Any]:
    known = [path for paths in box.faults.operations.values() for path in paths]
    return {"kinds": KINDS, "vendors": [*box.faces], "operations": [*dict.fromkeys(known)]}


def _faults_page(box: Controlled, request: Request) -> Response:
    faults = _faults(box, request)
    return answer(request, "faults.html", view="faults", seen=digest(faults), **faults, **_fault_form(box))


def _accounts(box: Controlled, _: Request) -> dict[str, Any]:
    url = box.callback_url
    return {
        "accounts": accounts(box, {}),
        "totals": [{**total, "unit": unit_of(box, total["vendor"])} for total in box.views.summary()],
        "callback": dict(url) if isinstance(url, Mapping) else url,
    }


def _accounts_page(box: Controlled, request: Request) -> Response:
    shown = _accounts(box, request)
    return answer(
        request, "accounts.html", view="accounts", seen=digest(shown), now=box.clock.now().isoformat(), **shown
    )


def _requests(box: Controlled, request: Request) -> dict[str, Any]:
    return {"calls": box.views.calls(before=_place(request, "before"))}


def _requests_page(box: Controlled, request: Request) -> Response:
    shown = _requests(box, request)
    return answer(request, "requests.html", view="requests", seen=digest(shown), call=None, **shown)


def _request_page(box: Controlled, request: Request) -> Response:
    call = box.views.call(request.path_params["call"])
    return answer(request, "request.html", view="requests", call=call)


# The parts of pages that refresh themselves


def _phones_part(box: Controlled, request: Request) -> Response:
    if request.query_params.get("before"):
        return answer(request, "_phone_rows.html", number=None, **_phones(box, request))
    # The phone that is open stays marked; it is no part of what the list is.
    return fragment(request, "_phones.html", number=request.query_params.get("open") or None, **_phones(box, request))


def _conversation_part(box: Controlled, request: Request) -> Response:
    return fragment(request, "_recent.html", **_conversation(box, request, request.path_params["number"]))


def _earlier_part(box: Controlled, request: Request) -> Response:
    number = request.path_params["number"]
    before = (_place(request, "place") or 0, _place(request, "order") or 0)
    bubbles = box.views.conversation(number, before=before)
    filters = query({name: request.query_params.get(name, "") for name in FILTERS})
    return answer(request, "_earlier.html", number=number, bubbles=bubbles, filter_query=filters)


def _details_part(box: Controlled, request: Request) -> Response:
    filters = query({name: request.query_params.get(name, "") for name in FILTERS})
    return fragment(request, "_details.html", filter_query=filters, **_details(box, request.path_params["serial"]))


_PAGES: dict[str, Show] = {
    "/": _home,
    "/phones/{number}": _phone,
    "/messages/{serial:int}": _message,
    "/faults": _faults_page,
    "/accounts": _accounts_page,
    "/requests": _requests_page,
    "/requests/{call:int}": _request_page,
    "/_sandbox/page/phones": _phones_part,
    "/_sandbox/page/phones/{number}": _conversation_part,
    "/_sandbox/page/phones/{number}/earlier": _earlier_part,
    "/_sandbox/page/messages/{serial:int}": _details_part,
    "/_sandbox/page/faults": lambda box, request: fragment(request, "_faults.html", **_faults(box, request)),
    "/_sandbox/page/accounts": lambda box, request: fragment(request, "_accounts.html", **_accounts(box, request)),
    "/_sandbox/page/requests": lambda box, request: fragment(request, "_requests.html", **_requests(box, request)),
}
