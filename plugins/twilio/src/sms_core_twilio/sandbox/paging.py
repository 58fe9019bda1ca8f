"""A page of a list, and the addresses of the others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from sms_core_sandbox.calls import Call

_NUMBER = re.compile(r"\d{1,9}", re.ASCII)
PAGE_SIZE, LARGEST_PAGE = 50, 1000


def paged(call: Call, name: str, uri: str, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The page that the call asks for, of these rows under this name. ``uri`` is the list's own."""
    size = min(_number(call.text("PageSize"), PAGE_SIZE) or PAGE_SIZE, LARGEST_PAGE)
    page = _number(call.text("Page"), 0)
    wanted = [(key, value) for key, value in call.fields.multi_items() if key not in {"PageSize", "Page", "PageToken"}]

    def address(number: int) -> str:
        return f"{uri}?{urlencode([*wanted, ('PageSize', size), ('Page', number)])}"

    start = page * size
    shown = rows[start : start + size]
    return {
        name: shown,
        "page": page,
        "page_size": size,
        "start": start,
        "end": max(start, start + len(shown) - 1),
        "uri": address(page),
        "first_page_uri": address(0),
        "next_page_uri": address(page + 1) if start + size < len(rows) else None,
        "previous_page_uri": address(page - 1) if page else None,
    }


def _number(text: str, default: int) -> int:
    return int(text) if _NUMBER.fullmatch(text) else default
