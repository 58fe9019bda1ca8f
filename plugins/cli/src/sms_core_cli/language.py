"""The language that the command speaks: English, or 繁體中文 from a gettext catalogue.

``SMS_LANG`` says which, else the locale. click's own words are in the same catalogue, under gettext's default domain.
"""

from __future__ import annotations

import gettext
import locale
import os
import re
from collections.abc import Generator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from sms_core_cli.phrases import NUMBERS, OURS, PHRASES

VARIABLE = "SMS_LANG"
CATALOGUES = Path(__file__).parent / "locale"
ENGLISH, TAIWANESE = "en", "zh_TW"

_LOCALE_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")
_MAINLAND = re.compile(r"cn|sg|hans|simplified|china", re.IGNORECASE)
_PLACE = re.compile(r"\\{(\w+)\\}")
_FIELD = re.compile(r"[a-z](?:[\w.]|\[\{place\}\])*: \{reason\}")


def language() -> str:
    """`TAIWANESE` where Chinese is asked for, unless it is the mainland's; else `ENGLISH`."""
    asked = next((os.environ[name] for name in (VARIABLE, *_LOCALE_VARIABLES) if os.environ.get(name)), None)
    if asked is None:
        asked = locale.getlocale()[0] or ""  # what Windows and macOS are set to
    is_chinese = asked.lower().startswith(("zh", "chinese"))
    return TAIWANESE if is_chinese and not _MAINLAND.search(asked) else ENGLISH


@contextmanager
def spoken(name: str | None = None) -> Generator[None]:
    """Within this block gettext, and so click, speaks this language, or the one that is asked for."""
    before = os.environ.get("LANGUAGE")
    gettext.bindtextdomain("messages", str(CATALOGUES))
    os.environ["LANGUAGE"] = name or language()
    try:
        yield
    finally:
        if before is None:
            del os.environ["LANGUAGE"]
        else:
            os.environ["LANGUAGE"] = before


def _(message: str, **values: object) -> str:
    """A message of the command in the language that is spoken, its ``{places}`` filled."""
    said = gettext.gettext(message) if message else ""  # the empty message is the catalogue's own header
    return said.format(**values) if values else said


def phrase(text: str) -> str:
    """A reason that another room gave in English, in the language that is spoken, as far as it is one of `PHRASES`."""
    if os.environ.get("LANGUAGE") in (None, ENGLISH):
        return text
    for pattern, template in _patterns():
        if found := pattern.fullmatch(text):
            return _(template, **{name: _filled(name, value) for name, value in found.groupdict().items()})
    return _(text)


def _filled(name: str, value: str) -> str:
    """What stands in a phrase's place: words of ours are translated, and a person's own or a command never."""
    return phrase(value) if name in OURS else value


@lru_cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """What each phrase looks like: the field of an error first, for the rest is a phrase of its own; then the most telling."""
    length = {template: len(_PLACE.sub("", re.escape(template))) for template in PHRASES}
    ranked = sorted(PHRASES, key=lambda template: (not _FIELD.fullmatch(template), -length[template]))
    return [(re.compile(_PLACE.sub(_group, re.escape(template)), re.DOTALL), template) for template in ranked]


def _group(place: re.Match[str]) -> str:
    """What may stand in a place."""
    held = r"\d[\d,.]*(?: of \d+)?" if place[1] in NUMBERS else ".*?"
    return f"(?P<{place[1]}>{held})"
