"""A vendor at the root of an address of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import urllib3

import sms_core
from sms_core import ConfigurationError
from sms_core_sandbox import Sandbox, serve
from sms_core_sandbox.roots import named_port

CREDIT = "API21/HTTP/GetCredit.ashx?UID=sandbox&PWD=sandbox-password"


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox(faces=["every8d", "every8d-soap", "mitake"], credit=9, root=["every8d", "every8d-soap"]) as sandbox:
        yield sandbox


def get(url: str, **headers: str) -> urllib3.BaseHTTPResponse:
    return urllib3.request("GET", url, headers=headers, retries=False, timeout=5.0)


def test_a_port_of_its_own(box: Sandbox) -> None:
    assert get(f"{box.root_url('every8d')}/{CREDIT}").data == b"9.00"
    where = box.root_url("every8d").removeprefix("http://")
    with sms_core.connect(f"every8d://sandbox:sandbox-password@{where}?scheme=http") as sms:
        assert sms.balance().credit == 9
    assert get(f"{box.root_url('every8d')}/").status == 404, "the inbox is not there"
    assert get(f"{box.url}/every8d/{CREDIT}").data == b"9.00", "and it is still where it was"
    with pytest.raises(ConfigurationError, match="root='mitake'"):
        box.root_url("mitake")


@pytest.mark.parametrize("host", ["every8d.localhost", "EVERY8D.sms.test:8025"])
def test_a_host_name_of_its_own(box: Sandbox, host: str) -> None:
    assert get(f"{box.url}/{CREDIT}", Host=host).data == b"9.00"
    assert get(f"{box.url}/every8d/{CREDIT}").data == b"9.00"


def test_a_wsdl_names_the_address_that_was_asked(box: Sandbox) -> None:
    for base in (box.root_url("every8d-soap"), f"{box.url}/every8d-soap"):
        page = f"{base}/API21/SOAP/SMS.asmx"
        assert f'location="{page}"'.encode() in get(f"{page}?WSDL").data
    page = get(f"{box.url}/API21/SOAP/SMS.asmx?wsdl", Host="every8d-soap.localhost:8025").data
    assert b'location="http://every8d-soap.localhost:8025/API21/SOAP/SMS.asmx"' in page


def test_a_vendor_that_is_not_there() -> None:
    with pytest.raises(ConfigurationError, match="no face for"):
        Sandbox(faces=["every8d"], root="nobody")


def test_it_is_said_where() -> None:
    said: list[str] = []
    stop = threading.Event()
    stop.set()
    serve(0, root={"every8d": 0}, say=said.append, stop=stop)
    assert any("every8d at the root of http://127.0.0.1:" in line for line in said)


def test_on_the_command_line() -> None:
    assert (named_port("every8d"), named_port("mitake=8443")) == (("every8d", 0), ("mitake", 8443))
    with pytest.raises(ValueError, match="invalid literal"):
        named_port("mitake=x")
