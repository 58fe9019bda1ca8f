from __future__ import annotations

from urllib.parse import parse_qs, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_core import MalformedResponse, RateLimited, SmsError, VendorError, VendorUnavailable
from sms_core.http import Request, Response, public_url
from sms_core.provider import decode, form_request, json_request, parse_xml, query_request, raise_for_status


def test_header_names_are_in_lower_case() -> None:
    assert Request("GET", "https://h", {"X-Y": "Z"}).headers == {"x-y": "Z"}
    assert Response(200, {"Retry-After": "1"}).headers == {"retry-after": "1"}


@given(
    st.dictionaries(
        st.sampled_from(["UID", "MSG"]), st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1
    )
)
def test_a_form_is_read_back(fields: dict[str, str]) -> None:
    request = form_request("https://h/x", fields, {"Authorization": "Bearer t"})
    assert parse_qs(request.body.decode("ascii"), keep_blank_values=True) == {
        name: [value] for name, value in fields.items()
    }
    assert request.method == "POST"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded; charset=utf-8"
    assert request.headers["authorization"] == "Bearer t"


WORDS = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.lists(st.tuples(WORDS, WORDS)))
def test_fields_are_encoded_as_the_standard_library_does_it(fields: list[tuple[str, str]]) -> None:
    assert form_request("https://h", fields).body == urlencode(fields).encode()


def test_a_plus_is_percent_encoded() -> None:
    assert form_request("https://h", {"DEST": "+886 9"}).body == b"DEST=%2B886+9"


def test_a_name_may_come_several_times() -> None:
    fields = [("MediaUrl", "https://h/1"), ("MediaUrl", "https://h/2")]
    assert form_request("https://h", fields).body == b"MediaUrl=https%3A%2F%2Fh%2F1&MediaUrl=https%3A%2F%2Fh%2F2"
    assert query_request("https://h", [("a", "1"), ("a", "")]).url == "https://h?a=1&a="


def test_json_is_utf8() -> None:
    request = json_request("https://h", {"a": "中"}, {"X": "y"})
    assert request.body == '{"a": "中"}'.encode()
    assert request.headers == {"content-type": "application/json; charset=utf-8", "x": "y"}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://u:p@h:1/a?b=c#d", "https://h:1/a"),
        ("http://[::1]:8/a", "http://[::1]:8/a"),
        ("https://h", "https://h"),
    ],
)
def test_what_is_shown_of_a_url(url: str, shown: str) -> None:
    assert public_url(url) == shown
    assert shown in repr(Request("GET", url))


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_success_passes(status: int) -> None:
    raise_for_status(Response(status))


@pytest.mark.parametrize(
    ("status", "retry", "maybe_taken"),
    [
        (400, False, False),
        (401, False, False),
        (403, True, False),
        (404, False, False),
        (413, False, False),
        (408, True, True),
        (500, True, True),
        (502, True, True),
        (503, True, True),
        (504, True, True),
        (418, True, True),
    ],
)
def test_a_status_says_whether_the_server_may_have_acted(status: int, retry: bool, maybe_taken: bool) -> None:
    with pytest.raises(VendorUnavailable, match=str(status)) as caught:
        raise_for_status(Response(status))
    error = caught.value
    assert (error.status, error.code, error.retry, error.maybe_taken) == (status, str(status), retry, maybe_taken)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "0"}, 0.0),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        ({"Retry-After": "٧"}, None),
        ({"Retry-After": "-1"}, None),
        ({"Retry-After": "9" * 400}, None),
        ({"Retry-After": ""}, None),
    ],
)
def test_too_many_requests(header: dict[str, str], seconds: float | None) -> None:
    with pytest.raises(RateLimited) as caught:
        raise_for_status(Response(429, header))
    assert caught.value.retry_after == seconds
    assert caught.value.retry is True


def test_a_redirect_is_malformed_and_shows_no_query() -> None:
    with pytest.raises(MalformedResponse, match=r"HTTP 302 to https://other/login, ") as caught:
        raise_for_status(Response(302, {"Location": "https://other/login?token=secret"}))
    assert caught.value.response == Response(302, {"Location": "https://other/login?token=secret"})
    assert "secret" not in str(caught.value)


@given(st.integers(100, 599), st.text(), st.text())
def test_any_answer_passes_or_is_a_named_error(status: int, location: str, retry_after: str) -> None:
    try:
        raise_for_status(Response(status, {"Location": location, "Retry-After": retry_after}))
    except (VendorError, MalformedResponse):
        assert not 200 <= status < 300


@pytest.mark.parametrize("location", ["http://[", "http://[::1"])
def test_a_redirect_to_nowhere_is_malformed_too(location: str) -> None:
    with pytest.raises(SmsError):
        raise_for_status(Response(302, {"Location": location}))


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", ""),
        ("簡訊".encode(), "簡訊"),
        (b"\xef\xbb\xbf" + "簡訊".encode(), "簡訊"),
        ("簡訊".encode("big5"), "簡訊"),
        (b"\xff\xfe\xfd", "\ufffd\ufffd\ufffd"),
    ],
)
def test_the_charset_of_an_answer_is_found(body: bytes, text: str) -> None:
    assert decode(body) == text


@given(st.binary())
def test_any_bytes_have_a_text(body: bytes) -> None:
    assert isinstance(decode(body), str)


def test_xml_is_nested_dicts() -> None:
    assert parse_xml("<a><b c='1'> x </b><d/></a>", "b") == {"a": {"b": [{"@c": "1", "#text": "x"}], "d": None}}
    assert parse_xml('<?xml version="1.0" encoding="big5"?><a>中</a>') == {"a": "中"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<a>",
        "<html><br></html>",
        "plain",
        '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    ],
)
def test_what_is_no_plain_xml_is_malformed(text: str) -> None:
    with pytest.raises(MalformedResponse, match="not XML"):
        parse_xml(text)


@given(st.text(st.sampled_from("<>/&;a!?[]-\"' \x00\ud800")))
def test_any_text_is_xml_or_malformed(text: str) -> None:
    try:
        parse_xml(text)
    except MalformedResponse:
        return
