"""zeep, a SOAP client that others wrote, pointed at the sandbox's WSDL: every operation, SOAP 1.1 and 1.2."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote_plus
from xml.etree import ElementTree as ET

import pytest
import zeep
from zeep.exceptions import Fault
from zeep.transports import Transport

from sms_core_every8d.sandbox.soap import Connections, services_of
from sms_core_every8d.sandbox.wsdl import NAMESPACE, OPERATIONS
from sms_core_sandbox import Sandbox

PICTURE = base64.b64encode(b"\xff\xd8\xff" + bytes(100)).decode()


@pytest.fixture(scope="module")
def soap_box() -> Iterator[Sandbox]:
    with Sandbox(faces=["every8d-soap"], credit=1000) as box:
        yield box


@pytest.fixture
def box(soap_box: Sandbox) -> Sandbox:
    soap_box.reset()
    return soap_box


@pytest.fixture(params=["Soap", "Soap12"])
def connect(soap_box: Sandbox, request: pytest.FixtureRequest) -> Iterator[Callable[[str], Any]]:
    """The operations of a service in one version of SOAP."""
    transports: list[Transport] = []

    def service(name: str) -> Any:
        transports.append(Transport(timeout=5, operation_timeout=5))
        url = f"{soap_box.url}/every8d-soap/API21/SOAP/{name}.asmx?WSDL"
        return zeep.Client(url, service_name=name, port_name=f"{name}{request.param}", transport=transports[-1]).service

    yield service
    for transport in transports:
        transport.session.close()


def login(sms: Any) -> str:
    document = ET.fromstring(sms.getConnection(userID="sandbox", password="sandbox-password").encode())
    return document.findtext("GET_CONNECTION/SESSION_KEY") or ""


def test_texts(box: Sandbox, connect: Callable[[str], Any]) -> None:
    sms = connect("SMS")
    key = login(sms)
    assert sms.getCredit(sessionKey=key) == "1000.00"
    to = {"sessionKey": key, "subject": "", "mobile": "+886900000001"}
    sent = [sms.sendSMS(**to, content="<您> & ]]>", sendTime="")]
    sent.append(sms.sendMessage(**to, content="二", sendTime="", retryTime="60"))
    rows = '<REPS><USER NAME="王" MOBILE="0900000001" EMAIL="" SENDTIME="">三</USER></REPS>'
    sent.append(sms.sendParamSMS(sessionKey=key, subject="", contentXML=rows, sendTime=""))
    assert [answer.split(",")[:4] for answer in sent] == [[f"{n}.00", "1", "1", "0"] for n in (999, 998, 997)]
    assert [taken.text for taken in box.exchange.accepted] == ["<您> & ]]>", "二", "三"]
    log = ET.fromstring(sms.getDeliveryStatus(sessionKey=key, batchID=sent[0].split(",")[4], pageNo="").encode())
    assert log.findtext("GET_DELIVERY_STATUS/SMS/STATUS") == "100"
    booked = sms.sendSMS(**to, content="later", sendTime="20990101000000").split(",")[4]
    assert sms.eraseBooking(sessionKey=key, batchID=booked) == "1,1.00"
    assert sms.closeConnection(sessionKey=key) == "1"
    assert sms.getCredit(sessionKey=key).startswith("-")


def test_pictures(box: Sandbox, connect: Callable[[str], Any]) -> None:
    sms, mms = connect("SMS"), connect("MMS")
    key = login(sms)
    fields = {"sessionKey": key, "subject": "s", "content": "c", "mobile": "0900000001", "retryTime": "", "type": "jpg"}
    sent = mms.sendMMS(**fields, sendTime="", attachment=quote_plus(PICTURE))
    assert box.exchange.messages[0].media == base64.b64decode(PICTURE)
    log = mms.getMMSDeliveryStatus(sessionKey=key, batchID=sent.split(",")[4], pageNo="1")
    assert ET.fromstring(log.encode()).findtext("GET_DELIVERY_STATUS/SMS/STATUS") == "100"
    for service in (sms, mms):
        booked = mms.sendMMS(**fields, sendTime="20990101000000", attachment=PICTURE).split(",")[4]
        assert service.eraseMMSBooking(sessionKey=key, batchID=booked) == "1,3.00"


@pytest.mark.parametrize("binding", ["SMSSoap", "SMSSoap12"])
def test_a_fault_is_a_fault(box: Sandbox, binding: str) -> None:
    base = f"{box.url}/every8d-soap/API21/SOAP"
    with Transport(timeout=5, operation_timeout=5).session as session:
        client = zeep.Client(f"{base}/SMS.asmx?WSDL", transport=Transport(session=session))
        elsewhere = client.create_service(f"{{{NAMESPACE}}}{binding}", f"{base}/MMS.asmx")
        with pytest.raises(Fault, match="did not recognize the value of HTTP Header SOAPAction"):
            elsewhere.getCredit(sessionKey="x")


def test_the_description_has_what_the_services_have() -> None:
    services = services_of(Connections())
    assert {f"{name.lower()}.asmx": set(operations) for name, operations in OPERATIONS.items()} == {
        name: set(operations) for name, operations in services.items()
    }
