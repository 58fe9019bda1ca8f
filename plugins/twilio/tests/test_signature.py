"""Twilio's signatures: the vectors of its document, of its SDK's tests, and some by the SDK's own validator."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_core import CallbackRefused, CallbackRequest
from sms_core_twilio.signature import check, sign

TOKEN = "12345"
URL = "https://mycompany.com/myapp.php"
CALL = [
    ("CallSid", "CA1234567890ABCDE"),
    ("Caller", "+14158675309"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
    ("To", "+18005551212"),
]
AC, SM = "AC" + "0" * 32, "SM" + "0" * 32
REPORT = [
    ("AccountSid", AC),
    ("ApiVersion", "2010-04-01"),
    ("From", "+886900000001"),
    ("MessageSid", SM),
    ("MessageStatus", "delivered"),
    ("RawDlrDoneDate", "2611211530"),
    ("SmsSid", SM),
    ("SmsStatus", "delivered"),
    ("To", "+886900000002"),
]
REPLY = [("Body", "好 你"), ("From", "+886900000002"), ("To", "+886900000001")]
TWICE = [("Sid", "CA123"), ("SidAccount", "AC123"), ("Digits", "5678"), ("Digits", "1234"), ("Digits", "1234")]
BODY_HASH = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"

VECTORS = [
    ("RSOYDt4T1cUTdK1PDd93/VVr8B8=", f"{URL}?foo=1&bar=2", CALL),  # Security, and the SDK's tests
    ("kvajT1Ptam85bY51eRf/AJRuM3w=", "https://mycompany.com:443/myapp.php?foo=1&bar=2", CALL),  # the SDK's tests
    ("0ZXoZLH/DfblKGATFgpif+LLRf4=", "http://mycompany.com:80/myapp.php?foo=1&bar=2", CALL),
    ("Zmvh+3yNM1Phv2jhDCwEM3q5ebU=", "http://mycompany.com:1234/myapp.php?foo=1&bar=2", CALL),
    ("IK+Dwps556ElfBT0I3Rgjkr1wJU=", f"{URL}?foo=1&bar=2", TWICE),
    ("a9nBmqA0ju/hNViExpshrM61xv4=", f"{URL}?foo=1&bar=2&bodySHA256={BODY_HASH}", []),
    ("lTy/htlmyMXJ9Jd/2OonGHDEc28=", "https://example.com/sms/status", REPORT),  # by the SDK's validator
    ("sPghtY2YKlzwk9lJWZ7Bk1usgpo=", "https://example.com/sms/in", REPLY),
]


@pytest.mark.parametrize(("signature", "url", "pairs"), VECTORS, ids=[case[0][:6] for case in VECTORS])
def test_vectors(signature: str, url: str, pairs: list[tuple[str, str]]) -> None:
    assert sign(url, pairs, TOKEN) == signature
    assert sign(url, reversed(pairs), TOKEN) == signature


def test_a_vector_of_a_shared_key() -> None:
    assert sign(f"{URL}?foo=1&bar=2", CALL, TOKEN, "HMAC_SHA256") == "033hgUJA9M/hXIZsYjwkerEP/DBm35nEri5FhCYjA5s="


def pushed(signature: str, url: str = f"{URL}?foo=1&bar=2", body: bytes = b"", **headers: str) -> CallbackRequest:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    query = url.partition("?")[2]
    return CallbackRequest("POST", "/", query, {"X-Twilio-Signature": signature, **names}, body)


FORM = "application/x-www-form-urlencoded"
BODY = "&".join(f"{name}={value}" for name, value in CALL).replace("+", "%2B").encode()


@pytest.mark.parametrize(
    ("signature", "url"),
    [
        ("RSOYDt4T1cUTdK1PDd93/VVr8B8=", URL),
        ("RSOYDt4T1cUTdK1PDd93/VVr8B8=", "https://mycompany.com:443/myapp.php"),
        ("kvajT1Ptam85bY51eRf/AJRuM3w=", URL),
        ("0ZXoZLH/DfblKGATFgpif+LLRf4=", "http://mycompany.com/myapp.php"),
        ("Zmvh+3yNM1Phv2jhDCwEM3q5ebU=", "http://mycompany.com:1234/myapp.php"),
    ],
)
def test_a_url_counts_with_its_port_and_without(signature: str, url: str) -> None:
    request = pushed(signature, body=BODY, content_type=FORM)
    check(request, [url], TOKEN)
    check(request, ["https://example.com/", url], TOKEN)
    for other in (url.replace("mycompany", "mycompani"), url.replace("myapp", "MyApp")):
        with pytest.raises(CallbackRefused, match="signature is not Twilio's") as caught:
            check(request, [other], TOKEN)
        assert caught.value.status == 403


def test_a_host_whose_name_is_in_the_scheme() -> None:
    assert sign("https://s:443/a", [], TOKEN) != sign("https://s/a", [], TOKEN)
    for signed in ("https://s:443/a", "https://s/a"):
        check(pushed(sign(signed, [], TOKEN), signed), ["https://s/a"], TOKEN)


def test_a_body_that_is_no_form_is_signed_by_its_digest() -> None:
    query = f"{URL}?foo=1&bar=2&bodySHA256={BODY_HASH}"
    whole = b'{"property": "value", "boolean": true}'
    check(pushed("a9nBmqA0ju/hNViExpshrM61xv4=", query, whole, content_type="application/json"), [URL], TOKEN)
    with pytest.raises(CallbackRefused, match="body is not the one"):
        check(
            pushed("a9nBmqA0ju/hNViExpshrM61xv4=", query, whole + b" ", content_type="application/json"), [URL], TOKEN
        )


def test_a_digest_cannot_be_added_to_take_the_form_out_of_the_signature() -> None:
    """Whoever has seen a signed GET could otherwise send any form with it."""
    get = sign(f"{URL}?foo=1", [], TOKEN)
    forged = pushed(get, f"{URL}?foo=1&bodySHA256={BODY_HASH}", BODY, content_type=FORM)
    with pytest.raises(CallbackRefused):
        check(forged, [URL], TOKEN)
    with pytest.raises(CallbackRefused):
        check(pushed(get, f"{URL}?foo=1", BODY, content_type=FORM), [URL], TOKEN)


@pytest.mark.parametrize(
    "settings",
    ["key=k,algorithm=HMAC_SHA256", " algorithm = hmac_sha256 , key=k", "algorithm=HMAC_SHA256"],
)
def test_a_shared_key_says_its_algorithm(settings: str) -> None:
    signature = sign(f"{URL}?foo=1&bar=2", CALL, "shared", "HMAC_SHA256")
    header = {"x_twilio_webhooks_signature_settings": settings}
    check(pushed(signature, body=BODY, content_type=FORM, **header), [URL], "shared")
    with pytest.raises(CallbackRefused):
        check(pushed(signature, body=BODY, content_type=FORM), [URL], "shared")


@pytest.mark.parametrize("settings", ["algorithm=none", "algorithm=HMAC_MD5", "algorithm=HMAC_SHA1,algorithm=x"])
def test_another_algorithm_is_refused(settings: str) -> None:
    header = {"x_twilio_webhooks_signature_settings": settings}
    with pytest.raises(CallbackRefused, match="not known here"):
        check(pushed("RSOYDt4T1cUTdK1PDd93/VVr8B8=", body=BODY, content_type=FORM, **header), [URL], TOKEN)


@given(st.text(max_size=40), st.text(max_size=20))
def test_no_other_signature_and_no_other_key_pass(signature: str, key: str) -> None:
    if signature != "RSOYDt4T1cUTdK1PDd93/VVr8B8=":
        with pytest.raises(CallbackRefused):
            check(pushed(signature, body=BODY, content_type=FORM), [URL], TOKEN)
    if key != TOKEN:
        with pytest.raises(CallbackRefused):
            check(pushed("RSOYDt4T1cUTdK1PDd93/VVr8B8=", body=BODY, content_type=FORM), [URL], key)


def test_a_query_that_is_no_text_is_refused_as_any_other() -> None:
    with pytest.raises(CallbackRefused):
        check(pushed("RSOYDt4T1cUTdK1PDd93/VVr8B8=", f"{URL}?foo=\ud800"), [URL], TOKEN)
