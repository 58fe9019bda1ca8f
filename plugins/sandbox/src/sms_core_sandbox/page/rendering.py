"""Templates to answers: the environment, and what every template knows."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, tzinfo
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from sms_core.provider import TAIPEI
from sms_core.text import split_segments
from sms_core_sandbox.page.words import LANGUAGES, language_of, note_word, status_word, unit_word, word
from sms_core_sandbox.values import local_number

THEMES = ("auto", "light", "dark")
GROUP_OF = {
    "delivered": "good",
    "accepted": "wait",
    "scheduled": "wait",
    "sent": "wait",
    "cancelled": "none",
    "unknown": "none",
}
"""The colour of a status; the others are bad."""


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("sms_core_sandbox.page"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Any] = environment.filters  # which jinja2 types as its own alone
    filters |= {
        "local_number": local_number,
        "segments": split_segments,
        "clock": _clock,
        "moment": _moment,
        "colour": _colour,
        "in_path": _in_path,
    }
    return environment


def render(request: Request, template: str, **values: Any) -> str:
    """A template in the language of the request."""
    language = language_of(request.cookies.get("sms_language", ""), request.headers.get("accept-language", ""))
    theme = request.cookies.get("sms_theme", "auto")
    return (
        _environment()
        .get_template(template)
        .render(
            language=language,
            languages=LANGUAGES,
            theme=theme if theme in THEMES else "auto",
            themes=THEMES,
            t=lambda key: word(language, key),
            unit_of=lambda unit, amount: unit_word(language, unit, amount),
            note_word=lambda note: note_word(language, note),
            status_word=lambda status: status_word(language, status),
            here=str(request.url.path) + (f"?{request.url.query}" if request.url.query else ""),
            **values,
        )
    )


def answer(request: Request, template: str, status: int = 200, **values: Any) -> Response:
    """A template as an answer."""
    return HTMLResponse(render(request, template, **values), status, {"cache-control": "no-store", "vary": "cookie"})


def fragment(request: Request, template: str, **values: Any) -> Response:
    """A part of a page that refreshes itself: 204, which changes nothing there, where it is as it was ``seen``."""
    seen = digest(values)
    if request.query_params.get("seen") == seen:
        return Response(status_code=204)
    return answer(request, template, seen=seen, **values)


def digest(values: Any) -> str:
    """A short name of what is shown."""
    written = json.dumps(values, sort_keys=True, default=str)
    return hashlib.blake2b(written.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def query(values: dict[str, Any]) -> str:
    """A query of what is not empty."""
    return urlencode({name: value for name, value in values.items() if value not in {"", None}})


def _colour(status: str) -> str:
    return GROUP_OF.get(status, "bad")


def _in_path(text: str) -> str:
    """A text as one part of a path, or as a value in a query."""
    return quote(text, safe="")


def _local(text: str, zone: tzinfo = TAIPEI) -> datetime:
    return datetime.fromisoformat(text).astimezone(zone)


def _clock(text: str) -> str:
    """A time as short as a conversation has it."""
    return _local(text).strftime("%m-%d %H:%M")


def _moment(text: str) -> str:
    """A time to the millisecond."""
    moment = _local(text)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03}"
