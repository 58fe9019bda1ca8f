from __future__ import annotations

from typing import Any

import pytest
from attrs import field, frozen

from sms_core import MalformedResponse
from sms_core.provider import parse_json, structure_json


@frozen
class Answer:
    ok: bool
    count: int = 0
    words: str = ""
    rows: list[dict[str, str]] = field(factory=list)


@pytest.mark.parametrize("value", [True, "true", "True", " TRUE ", 1, "1"])
def test_what_vendors_write_for_true(value: object) -> None:
    assert structure_json({"ok": value}, Answer) == Answer(ok=True)


@pytest.mark.parametrize("value", [False, "false", "False", 0, "0"])
def test_what_vendors_write_for_false(value: object) -> None:
    assert structure_json({"ok": value}, Answer) == Answer(ok=False)


def test_numbers_for_strings_strings_for_numbers_and_null_for_nothing() -> None:
    value = {"ok": True, "count": "3", "words": 7, "rows": [{"a": None, "b": 1.5}], "unknown": {}}
    assert structure_json(value, Answer) == Answer(True, 3, "7", [{"a": "", "b": "1.5"}])


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "text",
        {},
        {"ok": "perhaps"},
        {"ok": None},
        {"ok": True, "count": "many"},
        {"ok": True, "count": 1e400},
        {"ok": True, "words": {}},
        {"ok": True, "rows": 5},
        {"ok": True, "rows": [5]},
        {"ok": True, "rows": [{"a": []}]},
    ],
)
def test_what_is_no_such_object_is_malformed(value: Any) -> None:
    with pytest.raises(MalformedResponse, match="JSON object"):
        structure_json(value, Answer)


def test_the_error_does_not_repeat_what_the_vendor_wrote() -> None:
    with pytest.raises(MalformedResponse) as caught:
        structure_json({"ok": "+886900000001"}, Answer)
    assert "886" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("text", ["", "{", "[1,]", "nonsense", "[" * 100_000])
def test_what_is_no_json_is_malformed(text: str) -> None:
    with pytest.raises(MalformedResponse, match="not JSON"):
        parse_json(text)


def test_any_json_is_a_value() -> None:
    assert parse_json('{"a": [1, null, "\\u4e2d"]}') == {"a": [1, None, "中"]}
