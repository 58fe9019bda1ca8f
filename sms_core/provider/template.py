"""``{name}`` placeholders: plain identifiers only, ``{{`` for a brace."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from attrs import frozen

from sms_core.errors import InvalidMessage

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|\{")


@frozen
class Placeholder:
    """The place of one param."""

    name: str


@lru_cache(maxsize=256)
def parse(text: str) -> tuple[str | Placeholder, ...]:
    """The text as literal pieces and placeholders. Raises `InvalidMessage` for a brace that opens nothing."""
    pieces: list[str | Placeholder] = []
    end = 0
    for token in _TOKEN.finditer(text):
        pieces.append(text[end : token.start()])
        end = token.end()
        if token.group() in {"{{", "}}"}:
            pieces.append(token.group()[0])
        elif token[1] is not None and token[1].isidentifier():
            pieces.append(Placeholder(token[1]))
        else:
            reason = f"the brace at character {token.start() + 1} opens no placeholder: write {{{{ for a brace"
            raise InvalidMessage("text", reason)
    pieces.append(text[end:])
    return tuple(piece for piece in pieces if piece)


def names(text: str) -> tuple[str, ...]:
    """The distinct names of the placeholders, in the order of their first use."""
    return tuple(dict.fromkeys(piece.name for piece in parse(text) if isinstance(piece, Placeholder)))


def fill(text: str, params: Mapping[str, str]) -> str:
    """The text with its placeholders filled. Raises `InvalidMessage` where a value is missing."""
    pieces = []
    for piece in parse(text):
        if isinstance(piece, str):
            pieces.append(piece)
        elif piece.name in params:
            pieces.append(params[piece.name])
        else:
            raise InvalidMessage("params", f"has no value for the placeholder {{{piece.name}}} of the text")
    return "".join(pieces)


def substitute(text: str, value_of: Callable[[str], str]) -> str:
    """The text with each placeholder replaced by ``value_of(name)``."""
    pieces = []
    for piece in parse(text):
        if isinstance(piece, Placeholder):
            pieces.append(value_of(piece.name))
        else:
            pieces.append(piece)
    return "".join(pieces)
