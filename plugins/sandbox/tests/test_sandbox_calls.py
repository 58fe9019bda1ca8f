"""What faces share: a request taken apart, times and numbers as vendors write them, pushes."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest
import urllib3
from starlette.responses import JSONResponse, Response

from sms_core.http import Request
from sms_core.testing import Draft, Exchange, Push
from sms_core_sandbox import Face, Sandbox
from sms_core_sandbox.calls import Call, Fields, Refusal, asgi_app, read_form, read_json
from sms_core_sandbox.pushes import message_of, query_push
from sms_core_sandbox.values import count_parts, from_local_number, local_number, read_time, write_time


def call(**changes: object) -> Call:
    return Call(Exchange(), "acme", **changes)  # type: ignore[arg-type]


class TestReadingARequest:
    def test_it_comes_taken_apart_and_the_answer_goes_back(self) -> None:
        def answer(call: Call) -> Response:
            call = call.with_fields(read_form(call.query, call.body))
            fields = call.fields.multi_items()
            return JSONResponse([call.face, call.method, call.path, call.headers["x-name"], fields], 202)

        faces = {"acme": lambda exchange: Face(asgi_app(exchange, "acme", answer))}
        with Sandbox(faces=faces) as box, urllib3.PoolManager(retries=False, timeout=5.0) as pool:
            answered = pool.request(
                "POST", f"{box.url}/acme/a/b?x=1&x=2", body=b"y=%E4%BD%A0+%2B", headers={"X-Name": "value"}
            )
        fields = [["x", "1"], ["x", "2"], ["y", "你 +"]]
        assert (answered.status, answered.json()) == (202, ["acme", "POST", "/a/b", "value", fields])

    def test_fields_may_be_named_in_any_case(self) -> None:
        named = call().with_fields([("UID", "a"), ("Pwd", "b")], lower_names=True)
        assert (named.text("uid"), named.text("pwd")) == ("a", "b")

    def test_of_several_values_the_last_counts_and_an_empty_one_is_none(self) -> None:
        fields = call().with_fields([("to", "1"), ("to", ""), ("to", "2"), ("none", None), ("number", 3)])
        assert (fields.text("to"), fields.texts("to")) == ("2", ("1", "2"))
        assert (fields.text("none"), fields.text("missing"), fields.text("number")) == ("", "", "3")

    def test_a_list_is_separated_by_commas(self) -> None:
        assert call().with_fields([("to", " 1, 2,,3 ")]).listed("to") == ["1", "2", "3"]

    @pytest.mark.parametrize("encoded", [b"a=%FF", b"a=\xff"])
    def test_what_is_not_of_the_charset_is_an_error_or_replaced(self, encoded: bytes) -> None:
        with pytest.raises(ValueError, match="can't decode"):
            read_form(encoded)
        assert read_form(encoded, errors="replace") == [("a", "\ufffd")]

    def test_a_form_in_big5(self) -> None:
        assert read_form(b"a=%A7A", charset="cp950") == [("a", "你")]

    @pytest.mark.parametrize("body", [b"[]", b'"a"', b"{", b"\xff"])
    def test_json_is_an_object(self, body: bytes) -> None:
        with pytest.raises(ValueError):
            read_json(body)
        assert read_json(b'{"a": [1]}') == [("a", [1])]


class TestWhoAsks:
    def test_bearer(self) -> None:
        assert call(headers={"authorization": "bearer  abc "}).bearer_token == "abc"
        assert call(headers={"authorization": "Basic abc"}).bearer_token == call().bearer_token == ""

    def test_basic(self) -> None:
        encoded = b64encode(b"user:pass:word").decode()
        assert call(headers={"authorization": f"Basic {encoded}"}).basic_credentials == ("user", "pass:word")

    @pytest.mark.parametrize("header", ["", "Bearer dXNlcjpw", "Basic !", "Basic /w=="])
    def test_no_basic_credentials(self, header: str) -> None:
        assert call(headers={"authorization": header}).basic_credentials is None

    def test_a_call_does_not_show_what_it_holds(self) -> None:
        shown = repr(
            call(
                query=b"secret",
                body=b"secret",
                headers={"authorization": "secret"},
                fields=Fields([("password", "secret")]),
            )
        )
        assert "secret" not in shown

    def test_a_batch_of_somebody_else_is_none(self) -> None:
        exchange = Exchange()
        exchange.add_account("owner", "password")
        batch_id = exchange.submit("owner", [Draft("+886900000001", "x")]).batch_id
        asked = Call(exchange, "acme")
        assert [message.text for message in asked.batch("owner", batch_id)] == ["x"]
        assert asked.batch("other", batch_id) == asked.batch("owner", "unknown") == ()


def test_a_refusal_has_a_code_words_and_a_status() -> None:
    refusal = Refusal("21604", "A 'To' phone number is required", 400)
    assert (refusal.code, refusal.words, refusal.status) == ("21604", "A 'To' phone number is required", 400)
    assert (str(refusal), Refusal("5", "no").status) == ("400 21604 A 'To' phone number is required", 200)


class TestValues:
    def test_a_time_of_taipei_comes_back_as_it_was_written(self) -> None:
        moment = read_time("2026/02/03 04:05", "%Y/%m/%d %H:%M")
        assert moment == datetime(2026, 2, 2, 20, 5, tzinfo=UTC)
        assert write_time(moment, "%Y/%m/%d %H:%M") == "2026/02/03 04:05"
        assert write_time(moment, "%H:%M", UTC) == "20:05"
        assert write_time(None, "%H:%M") == ""

    @pytest.mark.parametrize("text", ["", "2026/2/3 4:5", "2026/02/30 04:05", "2026/02/03  4:05", "２026/02/03 04:05"])
    def test_a_time_in_another_form_is_none(self, text: str) -> None:
        with pytest.raises(ValueError):
            read_time(text, "%Y/%m/%d %H:%M")

    @pytest.mark.parametrize(("number", "local"), [("+886900000001", "0900000001"), ("+12025550100", "+12025550100")])
    def test_numbers(self, number: str, local: str) -> None:
        assert local_number(number) == local
        assert from_local_number(local) == number

    @pytest.mark.parametrize(
        ("text", "parts"),
        [
            ("", 1),
            ("a" * 160, 1),
            ("a" * 161, 2),
            ("a" * 306, 2),
            ("a" * 307, 3),
            ("中" * 70, 1),
            ("中" * 71, 2),
            ("中" * 135, 3),
            ("😀" * 35, 1),
            ("😀" * 36, 2),
            ("a" * 159 + "^", 2),
        ],
    )
    def test_parts(self, text: str, parts: int) -> None:
        assert count_parts(text, doubled="^") == parts


class TestPushes:
    def test_of_a_report_and_of_a_reply_the_message_is_the_same(self) -> None:
        told: list[Push] = []
        exchange = Exchange(slow=timedelta())
        exchange.add_account("user", "password")
        exchange.subscribe(told.append)
        exchange.submit("user", [Draft("+886900000908", "x")])
        assert [message_of(pushed).number for pushed in told] == ["+886900000908", "+886900000908"]

    @pytest.mark.parametrize(
        ("url", "whole"),
        [("http://a/b", "http://a/b?x=%2B1+2"), ("http://a/b?k=v", "http://a/b?k=v&x=%2B1+2")],
    )
    def test_the_query_stands_behind_what_the_url_has(self, url: str, whole: str) -> None:
        assert query_push(url, {"x": "+1 2"}) == Request("GET", whole)
