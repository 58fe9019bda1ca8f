"""Requests and answers as text to look at, without their secrets.

A secret is told by its name (``PWD``, ``token``, ``Authorization``), and by its value: a password of one of the sandbox's
accounts, or a session that it opened, wherever it stands and however it is written.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterable
from html import escape
from urllib.parse import quote, quote_plus, unquote_to_bytes

BLANK = "•••"
LONGEST = 64 * 1024
"""Characters of a body that are kept."""

_NAMES = r"pwd|passw(?:or)?d|passwd|auth_?token|access_?token|token|secret|session_?key|api_?key"
_HEADERS = re.compile(r"(?im)^((?:proxy-)?authorization|cookie|set-cookie|x-api-key):[^\r\n]*")
_FIELD = re.compile(rf"(?i)(?<![\w%])({_NAMES})=([^&\s]*)")
_JSON_FIELD = re.compile(rf'(?i)("(?:{_NAMES})"\s*:\s*)("(?:[^"\\]|\\.)*"|[^\s,}}\]]+)')
_ELEMENT = re.compile(rf"(?is)<((?:\w+:)?(?:{_NAMES}))(\s[^<>]*)?>[^<]*<")
_PART = re.compile(rf'(?i)(name="(?:{_NAMES})"\r?\n\r?\n)[^\r\n]*')
_USER_INFO = re.compile(r"(?i)(https?://)[^/\s@]*@")
_SESSION = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")


class Blanking:
    """Leaves secrets out of a text. ``passwords`` and ``is_session`` are asked each time."""

    def __init__(self, passwords: Callable[[], Iterable[str]], is_session: Callable[[str], bool]) -> None:
        self._passwords = passwords
        self._is_session = is_session

    def __call__(self, text: str) -> str:
        """The text with `BLANK` in the place of each secret."""
        text = _HEADERS.sub(rf"\1: {BLANK}", text)
        text = _FIELD.sub(rf"\1={BLANK}", text)
        text = _JSON_FIELD.sub(rf'\1"{BLANK}"', text)
        text = _ELEMENT.sub(rf"<\1\2>{BLANK}<", text)
        text = _PART.sub(rf"\1{BLANK}", text)
        text = _USER_INFO.sub(rf"\1{BLANK}@", text)
        for written in self._written():
            text = text.replace(written, BLANK)
        return _SESSION.sub(self._session, text)

    def field(self, name: str, value: str) -> str:
        """The value of a form's field, or `BLANK` where its name says that it is a secret."""
        return BLANK if re.fullmatch(_NAMES, name, re.IGNORECASE) else self(value)

    def _session(self, found: re.Match[str]) -> str:
        return BLANK if self._is_session(found[0]) else found[0]

    def _written(self) -> list[str]:
        """Each password in each way that it may be written, the longest first."""
        forms: set[str] = set()
        for password in filter(None, self._passwords()):
            forms |= {password, quote(password, safe=""), quote_plus(password), escape(password)}
            forms |= {json.dumps(password)[1:-1], b64encode(password.encode()).decode()}
        return sorted(forms, key=len, reverse=True)


def show_message(first: str, headers: Iterable[tuple[str, str]], body: bytes) -> str:
    """An HTTP message as text: its first line, its headers, its body as far as it is text."""
    lines = [first, *(f"{name}: {value}" for name, value in headers), "", show_body(body)]
    return "\n".join(lines)


def form_fields(*encoded: bytes) -> list[tuple[str, str]]:
    """The fields of queries and forms as a person reads them, each in UTF-8 or else in Big5."""
    fields = []
    for part in b"&".join(encoded)[:LONGEST].split(b"&"):
        name, is_field, value = part.partition(b"=")
        if is_field:
            fields.append((_decoded(name), _decoded(value)))
    return fields


def _decoded(encoded: bytes) -> str:
    value = unquote_to_bytes(encoded.replace(b"+", b" "))
    for charset in ("utf-8", "cp950"):
        try:
            return value.decode(charset)
        except ValueError:
            continue
    return value.decode("utf-8", "replace")


def show_body(body: bytes) -> str:
    """A body as text. What is neither UTF-8 nor Big5 is told by its length alone."""
    for charset in ("utf-8", "cp950"):
        try:
            text = body.decode(charset)
        except ValueError:
            continue
        if "\0" in text:
            break
        return text if len(text) <= LONGEST else f"{text[:LONGEST]}\n… ({len(text)} characters in all)"
    return f"({len(body)} bytes that are no text)"
