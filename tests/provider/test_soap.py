from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_core import MalformedResponse, RateLimited, VendorError, VendorUnavailable
from sms_core.http import Response
from sms_core.provider import SoapVersion, soap_request, soap_result

URL = "https://sms.invalid/Service.asmx"
NAMESPACE = "urn:service/"
ENVELOPES: dict[SoapVersion, str] = {
    "1.1": "http://schemas.xmlsoap.org/soap/envelope/",
    "1.2": "http://www.w3.org/2003/05/soap-envelope",
}
both_versions = pytest.mark.parametrize("version", get_args(SoapVersion))


def envelope(inner: str, status: int = 200) -> Response:
    return Response(
        status, body=f"<e:Envelope xmlns:e='{ENVELOPES['1.1']}'><e:Body>{inner}</e:Body></e:Envelope>".encode()
    )


def answer(result: str) -> Response:
    return envelope(f"<opResponse xmlns='{NAMESPACE}'>{result}</opResponse>")


def test_a_call_of_version_1_1() -> None:
    request = soap_request(URL, "op", {"b": "1", "a": ""}, namespace=NAMESPACE)
    assert (request.method, request.url) == ("POST", URL)
    assert request.headers == {"content-type": "text/xml; charset=utf-8", "soapaction": '"urn:service/op"'}
    assert request.body == (
        b'<?xml version="1.0" encoding="utf-8"?>\n'
        b'<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>'
        b'<op xmlns="urn:service/"><b>1</b><a></a></op></soap:Body></soap:Envelope>'
    )


def test_a_call_of_version_1_2_names_no_action() -> None:
    request = soap_request(URL, "op", {}, namespace=NAMESPACE, version="1.2")
    assert request.headers == {"content-type": "application/soap+xml; charset=utf-8"}
    assert request.body == (
        b'<?xml version="1.0" encoding="utf-8"?>\n'
        b'<soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope"><soap:Body>'
        b'<op xmlns="urn:service/"></op></soap:Body></soap:Envelope>'
    )


@both_versions
@given(
    st.dictionaries(
        st.from_regex(r"[a-z][A-Za-z]{0,8}", fullmatch=True),
        st.text(
            st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
            | st.sampled_from("\r\n\t<>&'\"]")
        ),
    )
)
def test_arguments_are_read_back_as_they_were_and_in_order(version: SoapVersion, arguments: dict[str, str]) -> None:
    request = soap_request(URL, "op", arguments, namespace=NAMESPACE, version=version)
    (call,) = ET.fromstring(request.body)[0]
    assert call.tag == "{urn:service/}op"
    assert [(argument.tag, argument.text or "") for argument in call] == [
        (f"{{urn:service/}}{name}", value) for name, value in arguments.items()
    ]


@pytest.mark.parametrize(
    ("inner", "text"),
    [
        ("<opResult>hello</opResult>", "hello"),
        ("<opResult> \n hello &lt;a&gt; \n</opResult>", "hello <a>"),
        ("<opResult><![CDATA[<a>]]></opResult>", "<a>"),
        ("<m:opResult xmlns:m='m' type='string'>hello</m:opResult>", "hello"),
        ("<other/><opResult>hello</opResult>", "hello"),
        ("<opResult></opResult>", ""),
        ("<opResult/>", ""),
        ("<opResult nil='true'/>", ""),
        ("<other>1</other>", ""),
        ("", ""),
    ],
)
def test_the_text_of_the_result(inner: str, text: str) -> None:
    assert soap_result(answer(inner), "op") == text


def test_a_result_in_big5_that_declares_it() -> None:
    body = answer("<opResult>好</opResult>").body.decode()
    declared = f'<?xml version="1.0" encoding="big5"?>{body}'.encode("cp950")
    assert soap_result(Response(200, body=declared), "op") == "好"


@pytest.mark.parametrize(
    "inner",
    [
        "<opResponse><opResult><a/></opResult></opResponse>",
        "<opResponse><opResult>1<a/></opResult></opResponse>",
        "<opResponse><opResult>1</opResult><opResult>2</opResult></opResponse>",
        "<opResponse>1</opResponse>",
        "<opResponse type='a'>1</opResponse>",
        "<opResponse/><opResponse/>",
    ],
)
def test_a_result_that_is_no_text(inner: str) -> None:
    with pytest.raises(MalformedResponse, match="opResult is no text"):
        soap_result(envelope(inner), "op")


@pytest.mark.parametrize(
    "response",
    [
        envelope(""),
        envelope("<OpResponse/>"),
        envelope("<otherResponse><opResult>1</opResult></otherResponse>"),
        envelope("text"),
        Response(200, body=b"<opResponse><opResult>1</opResult></opResponse>"),
        Response(200, body=b"<e:Envelope xmlns:e='e'/>"),
        Response(200, body=b"<e:Envelope xmlns:e='e'>text</e:Envelope>"),
        Response(200, body=b"<e:Envelope xmlns:e='e'><e:Body/><e:Body/></e:Envelope>"),
    ],
)
def test_an_envelope_without_the_answer(response: Response) -> None:
    with pytest.raises(MalformedResponse, match="no opResponse"):
        soap_result(response, "op")


def test_what_is_no_xml_is_judged_by_its_status() -> None:
    with pytest.raises(MalformedResponse, match="not XML"):
        soap_result(Response(200, body=b"hello"), "op")
    with pytest.raises(RateLimited):
        soap_result(Response(429, body=b"slowly"), "op")
    with pytest.raises(VendorUnavailable) as caught:
        soap_result(Response(502, body=b"Bad Gateway"), "op")
    assert (caught.value.status, caught.value.maybe_taken) == (502, True)


def test_an_answer_under_another_status_is_judged_by_that() -> None:
    found = answer("<opResult>hello</opResult>")
    with pytest.raises(VendorUnavailable) as caught:
        soap_result(Response(503, body=found.body), "op")
    assert caught.value.maybe_taken


def fault_1_1(code: str, words: str) -> str:
    return f"<e:Fault><faultcode>{code}</faultcode><faultstring>{words}</faultstring></e:Fault>"


def fault_1_2(code: str, words: str) -> str:
    subcode = "<e:Subcode><e:Value>m:Inner</e:Value></e:Subcode>"
    return (
        f"<e:Fault><e:Code><e:Value>{code}</e:Value>{subcode}</e:Code>"
        f"<e:Reason><e:Text xml:lang='en'>{words}</e:Text></e:Reason></e:Fault>"
    )


@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize("form", [fault_1_1, fault_1_2])
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("e:Client", "Client"),
        ("Client", "Client"),
        ("e:Client.Authentication", "Client"),
        ("e:Sender", "Sender"),
        ("e:VersionMismatch", "VersionMismatch"),
        ("e:MustUnderstand", "MustUnderstand"),
        ("e:DataEncodingUnknown", "DataEncodingUnknown"),
        ("CLIENT", "CLIENT"),
    ],
)
def test_a_fault_of_the_caller(form: Any, code: str, kind: str, status: int) -> None:
    """SOAP 1.1, 4.4.1: the message must not be sent again without change. Nothing was done."""
    with pytest.raises(VendorError, match="could not read the call") as caught:
        soap_result(envelope(form(code, "no such thing"), status), "op")
    assert not isinstance(caught.value, VendorUnavailable)
    assert (caught.value.code, caught.value.vendor_text) == (kind, "no such thing")
    assert not caught.value.retry
    assert not caught.value.maybe_taken


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("form", [fault_1_1, fault_1_2])
@pytest.mark.parametrize(
    ("code", "kind"),
    [("e:Server", "Server"), ("e:Receiver", "Receiver"), ("e:Server.Busy", "Server"), ("", "Fault"), ("?", "?")],
)
def test_a_fault_of_the_server_may_have_done_something(form: Any, code: str, kind: str, status: int) -> None:
    with pytest.raises(VendorUnavailable, match="the service failed on the call") as caught:
        soap_result(envelope(form(code, "it broke"), status), "op")
    assert (caught.value.code, caught.value.vendor_text) == (kind, "it broke")
    assert caught.value.retry
    assert caught.value.maybe_taken
    assert caught.value.status is None


@pytest.mark.parametrize(
    "inner", ["<e:Fault>broken</e:Fault>", "<e:Fault><detail/></e:Fault>", "<e:Fault/><e:Fault>a</e:Fault>"]
)
def test_a_fault_without_a_code_is_one_of_the_server(inner: str) -> None:
    with pytest.raises(VendorUnavailable) as caught:
        soap_result(envelope(inner, 500), "op")
    assert (caught.value.code, caught.value.vendor_text) == ("Fault", "")


def test_an_empty_fault_is_judged_by_its_status() -> None:
    with pytest.raises(VendorUnavailable) as caught:
        soap_result(envelope("<e:Fault/>", 500), "op")
    assert caught.value.maybe_taken
    with pytest.raises(MalformedResponse):
        soap_result(envelope("<e:Fault/>"), "op")
