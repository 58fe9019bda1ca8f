"""XML from outside: no entities, no declared charset believed, and one error for whatever is wrong with it."""

from __future__ import annotations

from typing import Any
from xml.parsers.expat import ExpatError

import xmltodict

from sms_core.errors import MalformedResponse


def parse_xml(text: str, *lists: str) -> dict[str, Any]:
    """The document as nested dicts; elements named in ``lists`` are lists even where there is one.

    Values are stripped; an empty element is None; attributes start with ``@``. Raises `MalformedResponse`.
    """
    try:
        document: dict[str, Any] = xmltodict.parse(
            text.encode(), encoding="utf-8", force_list=lists, disable_entities=True
        )
    except (ExpatError, ValueError) as error:
        raise MalformedResponse(f"not XML ({type(error).__name__})") from error
    return document
