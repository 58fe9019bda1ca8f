from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_core import InvalidMessage
from sms_core.provider.template import Placeholder, fill, names, parse, substitute

identifiers = st.sampled_from(["name", "code", "a1", "_x", "姓名"])
literals = st.text(st.characters(exclude_characters="{}", exclude_categories=["Cs"]), max_size=20)


@given(
    st.lists(st.one_of(literals.map(lambda text: (text, None)), identifiers.map(lambda name: ("", name)))), st.data()
)
def test_what_was_composed_is_filled(parts: list[tuple[str, str | None]], data: st.DataObject) -> None:
    params = {name: data.draw(st.text(max_size=5)) for _, name in parts if name}
    text = "".join(f"{{{name}}}" if name else literal for literal, name in parts)
    assert fill(text, params) == "".join(params[name] if name else literal for literal, name in parts)
    assert set(names(text)) == set(params)


@given(st.text())
def test_doubled_braces_are_the_text_itself(text: str) -> None:
    assert fill(text.replace("{", "{{").replace("}", "}}"), {}) == text


@given(st.text(st.sampled_from("{}a ")))
def test_any_text_is_parsed_or_refused_by_name(text: str) -> None:
    try:
        pieces = parse(text)
    except InvalidMessage as error:
        assert error.field == "text"
    else:
        assert all(isinstance(piece, Placeholder) or piece for piece in pieces)


@pytest.mark.parametrize(
    "text", ["{", "a { b", "{}", "{a b}", "{1}", "{a.b}", "{a!r}", "{a:>5}", "{a[0]}", "{-}", "{name", "{{{"]
)
def test_a_brace_that_opens_nothing_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(InvalidMessage, match=rf"^text: the brace at character {text.rindex('{') + 1} ") as caught:
        parse(text)
    assert caught.value.field == "text"


def test_a_lone_closing_brace_is_itself() -> None:
    assert fill("a } b", {}) == "a } b"


@pytest.mark.parametrize(
    ("text", "filled"),
    [("{{name}}", "{name}"), ("{{{name}}}", "{X}"), ("{name}{name}", "XX"), ("{name}}", "X}"), ("", "")],
)
def test_braces_beside_placeholders(text: str, filled: str) -> None:
    assert fill(text, {"name": "X"}) == filled


def test_a_value_s_braces_are_not_read_again() -> None:
    assert fill("{name}", {"name": "{code}", "code": "1"}) == "{code}"


def test_a_missing_value_is_refused_by_name() -> None:
    with pytest.raises(InvalidMessage, match=r"params: has no value for the placeholder \{code\}") as caught:
        fill("{name} {code}", {"name": "X"})
    assert caught.value.field == "params"


def test_names_are_distinct_and_in_order() -> None:
    assert names("{b}{a}{b} {{c}}") == ("b", "a")


def test_placeholders_may_become_anything() -> None:
    assert substitute("{a}-{b}", lambda name: f"%{name}%") == "%a%-%b%"
