"""XML as nested dicts, in and out. A module of its own: xmltodict is imported for the vendors that need it alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import xmltodict

from sms_core.provider.xml import parse_tolerantly


def parse_xml(text: str, *lists: str) -> dict[str, Any]:
    """The document as nested dicts; elements named in ``lists`` are lists even where there is one.

    Values are stripped; an empty element is None; attributes start with ``@``. Otherwise as `parse_tree`.
    """

    def parse(document: str) -> dict[str, Any]:
        found: dict[str, Any] = xmltodict.parse(
            document.encode(), encoding="utf-8", force_list=lists, disable_entities=True
        )
        return found

    return parse_tolerantly(parse, text)


def write_xml(document: Mapping[str, Any]) -> bytes:
    """Nested dicts as a document in UTF-8; attributes start with ``@``. Texts are read back as they are.

    What `forbidden_in` finds in a text is the caller's to refuse.
    """
    # XML's line ends are \n: a \r survives only as a character reference. Within tags the writer sees to that.
    return xmltodict.unparse(document).replace("\r", "&#13;").encode()
