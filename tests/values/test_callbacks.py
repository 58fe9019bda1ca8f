from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_core import Callback, CallbackRefused, CallbackRequest, CallbackResponse
from sms_core.callbacks import event_key

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.dictionaries(st.sampled_from(["BatchID", "RM", "sm"]), texts), st.sampled_from(["GET", "POST"]))
def test_parameters_are_decoded_once(fields: dict[str, str], method: str) -> None:
    encoded = urlencode(fields)
    if method == "GET":
        request = CallbackRequest("get", "/push", encoded)
    else:
        request = CallbackRequest("POST", "/push", "", FORM, encoded.encode())
    assert request.fields() == {name.lower(): value for name, value in fields.items()}
    assert request.method == method


@pytest.mark.parametrize(
    ("charset", "text"), [("utf-8", "簡訊"), ("big5", "簡訊"), ("cp950", "簡訊"), ("latin-1", "é")]
)
def test_charsets(charset: str, text: str) -> None:
    request = CallbackRequest("GET", "/", urlencode({"SM": text}, encoding=charset))
    assert request.fields(charset) == {"sm": text}


@pytest.mark.parametrize("declared", ["big5", "BIG5", '"Big5"', "cp950"])
@pytest.mark.parametrize("charsets", [("utf-8", "cp950"), ("utf-8", "big5")])
def test_a_form_says_its_charset(declared: str, charsets: tuple[str, ...]) -> None:
    headers = {"content-type": f"application/x-www-form-urlencoded; charset={declared}"}
    request = CallbackRequest("POST", "/", "", headers, b"SM=%C3%B9")
    assert request.fields(*charsets) == {"sm": "羅"}
    assert request.fields() == {"sm": "ù"}  # a vendor that writes UTF-8 alone
    assert CallbackRequest("POST", "/", "", FORM, b"SM=%C3%B9").fields(*charsets) == {"sm": "ù"}


@pytest.mark.parametrize("query", ["SM=%A5%5C", "SM=%A5%5c", "SM=%A5\\"])
def test_big5_whose_second_byte_is_ascii(query: str) -> None:
    assert CallbackRequest("GET", "/", query).fields("utf-8", "cp950") == {"sm": "功"}


pieces = st.sampled_from(["a", "A", "%41", "%C3", "%A9", "%", "%zz", "+", "=", "&", ";", "é", "%00", " ", "%2B"])


@given(st.lists(pieces, max_size=14).map("".join))
def test_parameters_are_those_that_the_standard_library_reads(query: str) -> None:
    try:
        expected = parse_qsl(query, keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        with pytest.raises(CallbackRefused):
            CallbackRequest("GET", "/", query).query_pairs()
    else:
        assert CallbackRequest("GET", "/", query).query_pairs() == expected


@pytest.mark.parametrize("query", ["SM=%B2%B3", "SM=%FF", "%FF=1"])
def test_what_is_not_in_the_charset_is_refused(query: str) -> None:
    with pytest.raises(CallbackRefused, match="percent-encoded utf-8") as caught:
        CallbackRequest("GET", "/", query).fields()
    assert caught.value.status == 400


def test_a_body_of_raw_bytes_is_refused() -> None:
    with pytest.raises(CallbackRefused):
        CallbackRequest("POST", "/", "", FORM, "SM=簡訊".encode()).fields()


def test_pairs_are_as_they_came() -> None:
    request = CallbackRequest("POST", "/", "A=1&a=%2B&A=", FORM, b"b=x+y&B=&b=%E5%A5%BD")
    assert request.query_pairs() == [("A", "1"), ("a", "+"), ("A", "")]
    assert request.form_pairs() == [("b", "x y"), ("B", ""), ("b", "好")]
    assert CallbackRequest("POST", "/", "", {"content-type": "application/json"}, b'{"b": 1}').form_pairs() == []


@pytest.mark.parametrize("body", ["b=%FF", "b=好", "&".join(["a=1"] * 1001)])
def test_pairs_that_are_no_utf_8_or_too_many_are_refused(body: str) -> None:
    with pytest.raises(CallbackRefused):
        CallbackRequest("POST", "/", "", FORM, body.encode()).form_pairs()


def test_too_many_parameters_are_refused() -> None:
    with pytest.raises(CallbackRefused):
        CallbackRequest("GET", "/", "&".join(["a=1"] * 1001)).fields()


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("BATCHID=1&batchid=2", {"batchid": "1"}),
        ("MR=&mr=7", {"mr": "7"}),
        ("MR=7&MR=", {"mr": "7"}),
        ("MR=&MR=", {"mr": ""}),
        ("", {}),
        ("flag", {"flag": ""}),
        ("a=%2525", {"a": "%25"}),
        ("RM=%2B886900000001", {"rm": "+886900000001"}),
        ("RM=+886900000001", {"rm": " 886900000001"}),
    ],
)
def test_keys_in_any_case_and_doubled(query: str, fields: dict[str, str]) -> None:
    assert CallbackRequest("GET", "/", query).fields() == fields


def test_query_and_form_are_one() -> None:
    request = CallbackRequest("POST", "/", "rtype=JSON&id=", FORM, b"id=5&rtype=XML")
    assert request.fields() == {"rtype": "JSON", "id": "5"}


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", ""])
def test_a_body_that_is_no_form_is_not_read(content_type: str) -> None:
    assert CallbackRequest("POST", "/", "a=1", {"content-type": content_type}, b'{"b": 2}').fields() == {"a": "1"}


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded; charset=utf-8",
        "Application/X-WWW-Form-Urlencoded",
    ],
)
def test_a_form_s_content_type_in_any_case(content_type: str) -> None:
    assert CallbackRequest("POST", "/", "", {"CONTENT-TYPE": content_type}, b"a=1").fields() == {"a": "1"}


@given(st.text(), st.binary())
def test_any_push_has_fields_or_is_refused(query: str, body: bytes) -> None:
    try:
        CallbackRequest("POST", "/", query, FORM, body).fields()
    except CallbackRefused:
        return


def test_a_repr_shows_no_parameters() -> None:
    shown = repr(CallbackRequest("GET", "/secret-path", "RM=0900000123", {"X-Token": "secret"}, b"SM=secret"))
    assert "0900000123" not in shown
    assert "secret" not in shown


def test_the_plain_answer() -> None:
    assert Callback(()).response == CallbackResponse(200, {"content-type": "text/plain; charset=utf-8"}, b"")


def test_an_event_key_is_the_same_in_every_process_and_shows_nothing() -> None:
    assert event_key("b1", "+886900000001", "100") == "78776b30f77f8187bc4c730b3edb7a7d"


parts = st.lists(st.text(st.characters(exclude_characters="\x1f")), min_size=2, max_size=4)


@given(parts, parts)
def test_other_parts_give_another_key(one: list[str], other: list[str]) -> None:
    assert (event_key(*one) == event_key(*other)) == (one == other)
