"""Who sends in a benchmark: this library, what it stands on, and its peers. Each is made in a process of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import urllib3

import sms_core
from sms_core.provider import form_request, soap_request

Job = Callable[[], object]
AsyncJob = Callable[[], Awaitable[object]]

TEXT = "您的驗證碼是 123456，十分鐘內有效"
NUMBER = "+886900000001"
FORM = {"UID": "UID", "PWD": "PWD", "SB": "", "MSG": TEXT, "DEST": NUMBER, "ST": ""}


def _form_url(port: int) -> str:
    return f"http://127.0.0.1:{port}/API21/HTTP/SendSMS.ashx"


def _every8d_dsn(port: int) -> str:
    return f"every8d://UID:PWD@127.0.0.1:{port}?scheme=http&auth=password"


def raw(port: int) -> Job:
    """urllib3 alone, with the form that EVERY8D gets."""
    request = form_request(_form_url(port), FORM)
    pool = urllib3.PoolManager(maxsize=32, block=True)
    return lambda: pool.request("POST", request.url, body=request.body, headers=dict(request.headers)).data


def every8d(port: int) -> Job:
    """EVERY8D's HTTP API."""
    sms = sms_core.connect(_every8d_dsn(port))
    return lambda: sms.send(TEXT, to=NUMBER)


def raw_soap(port: int) -> Job:
    """urllib3 alone, with the envelope that EVERY8D gets."""
    arguments = {"sessionKey": "5c1d", "subject": "", "content": TEXT, "mobile": NUMBER, "sendTime": ""}
    url = f"http://127.0.0.1:{port}/API21/SOAP/SMS.asmx"
    request = soap_request(url, "sendSMS", arguments, namespace="http://tempuri.org/")
    pool = urllib3.PoolManager()
    return lambda: pool.request("POST", request.url, body=request.body, headers=dict(request.headers)).data


def every8d_soap(port: int) -> Job:
    """EVERY8D's SOAP API."""
    sms = sms_core.connect(f"every8d-soap://UID:PWD@127.0.0.1:{port}?scheme=http")
    return lambda: sms.send(TEXT, to=NUMBER)


def httpx(port: int) -> Job:
    """The form by httpx."""
    import httpx

    client = httpx.Client()
    return lambda: client.post(_form_url(port), data=FORM).text


def requests(port: int) -> Job:
    """The form by requests."""
    import requests

    session = requests.Session()
    return lambda: session.post(_form_url(port), data=FORM, timeout=30).text


def twilio(port: int) -> Job:
    """Twilio's own library."""
    from twilio.rest import Client

    client = Client(f"AC{'0' * 32}", "token")
    client.api.base_url = f"http://127.0.0.1:{port}"
    return lambda: client.messages.create(to=NUMBER, from_="+886900000002", body=TEXT).sid


def vonage(port: int) -> Job:
    """Vonage's own library, whose addresses begin with https."""
    from requests.adapters import HTTPAdapter
    from vonage_http_client.auth import Auth
    from vonage_http_client.http_client import HttpClient
    from vonage_sms import Sms, SmsMessage

    class Plain(HTTPAdapter):
        def send(self, request: Any, *arguments: Any, **options: Any) -> Any:
            request.url = f"http://127.0.0.1:{port}/sms/json"
            return super().send(request, *arguments, **options)

    http = HttpClient(Auth(api_key="12345678", api_secret="secret"))
    http._session.mount("https://", Plain())
    message = SmsMessage(to=NUMBER[1:], from_="sender", text=TEXT, type="unicode")
    sms = Sms(http)
    return lambda: sms.send(message)


WSDL = """<?xml version="1.0" encoding="utf-8"?>
<wsdl:definitions xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:s="http://www.w3.org/2001/XMLSchema"
 xmlns:tns="http://tempuri.org/" xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" targetNamespace="http://tempuri.org/">
<wsdl:types><s:schema elementFormDefault="qualified" targetNamespace="http://tempuri.org/">
<s:element name="sendSMS"><s:complexType><s:sequence>
<s:element name="sessionKey" type="s:string"/><s:element name="subject" type="s:string"/>
<s:element name="content" type="s:string"/><s:element name="mobile" type="s:string"/>
<s:element name="sendTime" type="s:string"/></s:sequence></s:complexType></s:element>
<s:element name="sendSMSResponse"><s:complexType><s:sequence>
<s:element name="sendSMSResult" type="s:string" minOccurs="0"/></s:sequence></s:complexType></s:element>
</s:schema></wsdl:types>
<wsdl:message name="in"><wsdl:part name="parameters" element="tns:sendSMS"/></wsdl:message>
<wsdl:message name="out"><wsdl:part name="parameters" element="tns:sendSMSResponse"/></wsdl:message>
<wsdl:portType name="SMSSoap"><wsdl:operation name="sendSMS"><wsdl:input message="tns:in"/><wsdl:output message="tns:out"/>
</wsdl:operation></wsdl:portType>
<wsdl:binding name="SMSSoap" type="tns:SMSSoap"><soap:binding transport="http://schemas.xmlsoap.org/soap/http"/>
<wsdl:operation name="sendSMS"><soap:operation soapAction="http://tempuri.org/sendSMS" style="document"/>
<wsdl:input><soap:body use="literal"/></wsdl:input><wsdl:output><soap:body use="literal"/></wsdl:output></wsdl:operation>
</wsdl:binding>
<wsdl:service name="SMS"><wsdl:port name="SMSSoap" binding="tns:SMSSoap"><soap:address location="{url}"/></wsdl:port></wsdl:service>
</wsdl:definitions>"""


def zeep(port: int) -> Job:
    """The SOAP call by zeep."""
    import zeep

    with tempfile.TemporaryDirectory() as folder:
        wsdl = Path(folder) / "sms.wsdl"
        wsdl.write_text(WSDL.format(url=f"http://127.0.0.1:{port}/API21/SOAP/SMS.asmx"), encoding="utf-8")
        service = zeep.Client(str(wsdl)).service
    return lambda: service.sendSMS(sessionKey="5c1d", subject="", content=TEXT, mobile=NUMBER, sendTime="")


def apprise(port: int) -> Job:
    """A notification by apprise."""
    import apprise

    notifier = apprise.Apprise()
    assert notifier.add(f"json://127.0.0.1:{port}/notify")
    return lambda: notifier.notify(body=TEXT)


def aiohttp(port: int) -> AsyncJob:
    """aiohttp alone, with the form that EVERY8D gets."""
    import aiohttp

    request = form_request(_form_url(port), FORM)
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    async def post() -> bytes:
        async with session.post(request.url, data=request.body, headers=dict(request.headers)) as response:
            return await response.read()

    return post


def every8d_async(port: int) -> AsyncJob:
    """EVERY8D's HTTP API in an event loop."""
    sms = sms_core.connect_async(_every8d_dsn(port), transport=sms_core.AsyncioTransport(connections=1000))

    async def send() -> object:
        return await sms.send(TEXT, to=NUMBER)

    return send


PEERS = (raw, every8d, raw_soap, every8d_soap, httpx, requests, twilio, vonage, zeep, apprise)
"""Those of one send."""
