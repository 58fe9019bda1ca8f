"""The description of the two services, as ASMX writes it at ``SMS.asmx?WSDL``.

The operations and their arguments, in their order, are those of "Web Services API Specifications-2.1" version 2.0.4.
The shape (names of messages, ports and bindings, optional strings throughout) is that of the vendor's WSDL of 2015,
which knew half of them; so the other half, and all of MMS.asmx, is a guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from xml.sax.saxutils import escape, quoteattr

NAMESPACE = "http://tempuri.org/"

_SEND = ("sessionKey", "subject", "content", "mobile", "sendTime")
_ERASE_MMS = {"eraseMMSBooking": ("sessionKey", "batchID")}
OPERATIONS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "SMS": {
        "getConnection": ("userID", "password"),
        "closeConnection": ("sessionKey",),
        "sendSMS": _SEND,
        "sendMessage": (*_SEND, "retryTime"),
        "sendParamSMS": ("sessionKey", "subject", "contentXML", "sendTime"),
        "getDeliveryStatus": ("sessionKey", "batchID", "pageNo"),
        "getCredit": ("sessionKey",),
        "eraseBooking": ("sessionKey", "batchID"),
        **_ERASE_MMS,  # 4.3 prints it among those of SMS.asmx
    },
    "MMS": {
        "sendMMS": (*_SEND, "retryTime", "attachment", "type"),
        "getMMSDeliveryStatus": ("sessionKey", "batchID", "pageNo"),
        **_ERASE_MMS,
    },
}
"""By service: each operation's arguments. All are strings, and so is every result."""

_BINDINGS = {"Soap": "soap", "Soap12": "soap12"}
"""The ending of a port's name, and the prefix of its version of SOAP."""

_HEAD = (
    '<?xml version="1.0" encoding="utf-8"?>\n'
    '<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:s="http://www.w3.org/2001/XMLSchema"'
    ' xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:soap12="http://schemas.xmlsoap.org/wsdl/soap12/"'
    f' xmlns:tns="{NAMESPACE}" targetNamespace="{NAMESPACE}">\n'
)


def wsdl(service: str, url: str) -> str:
    """The WSDL of ``SMS`` or ``MMS``, to be called at this URL. Raises `KeyError`."""
    operations = OPERATIONS[service]
    parts = [
        _HEAD,
        _types(operations),
        *map(_messages, operations),
        _port_type(service, operations),
        *(_binding(service, ending, prefix, operations) for ending, prefix in _BINDINGS.items()),
        _service(service, url),
        "</wsdl:definitions>\n",
    ]
    return "".join(parts)


def help_page(service: str) -> str:
    """The page that ASMX shows to a browser. Raises `KeyError`."""
    rows = "".join(f"<li>{escape(name)}</li>" for name in OPERATIONS[service])
    return f'<html><body><h1>{service}</h1><ul>{rows}</ul><a href="?WSDL">Service Description</a></body></html>'


def _types(operations: Mapping[str, Iterable[str]]) -> str:
    elements = ""
    for name, arguments in operations.items():
        elements += _element(name, arguments) + _element(f"{name}Response", [f"{name}Result"])
    schema = f'<s:schema elementFormDefault="qualified" targetNamespace="{NAMESPACE}">\n{elements}</s:schema>'
    return f"<wsdl:types>{schema}</wsdl:types>\n"


def _element(name: str, fields: Iterable[str]) -> str:
    inner = "".join(f'<s:element minOccurs="0" maxOccurs="1" name="{field}" type="s:string"/>' for field in fields)
    return f'<s:element name="{name}"><s:complexType><s:sequence>{inner}</s:sequence></s:complexType></s:element>\n'


def _messages(name: str) -> str:
    return (
        f'<wsdl:message name="{name}SoapIn"><wsdl:part name="parameters" element="tns:{name}"/></wsdl:message>\n'
        f'<wsdl:message name="{name}SoapOut"><wsdl:part name="parameters" element="tns:{name}Response"/></wsdl:message>\n'
    )


def _port_type(service: str, operations: Iterable[str]) -> str:
    inner = "".join(
        f'<wsdl:operation name="{name}"><wsdl:input message="tns:{name}SoapIn"/>'
        f'<wsdl:output message="tns:{name}SoapOut"/></wsdl:operation>\n'
        for name in operations
    )
    return f'<wsdl:portType name="{service}Soap">\n{inner}</wsdl:portType>\n'


def _binding(service: str, ending: str, prefix: str, operations: Iterable[str]) -> str:
    body = f'<{prefix}:body use="literal"/>'
    inner = "".join(
        f'<wsdl:operation name="{name}"><{prefix}:operation soapAction="{NAMESPACE}{name}" style="document"/>'
        f"<wsdl:input>{body}</wsdl:input><wsdl:output>{body}</wsdl:output></wsdl:operation>\n"
        for name in operations
    )
    transport = f'<{prefix}:binding transport="http://schemas.xmlsoap.org/soap/http"/>'
    return f'<wsdl:binding name="{service}{ending}" type="tns:{service}Soap">\n{transport}\n{inner}</wsdl:binding>\n'


def _service(service: str, url: str) -> str:
    ports = "".join(
        f'<wsdl:port name="{service}{ending}" binding="tns:{service}{ending}">'
        f"<{prefix}:address location={quoteattr(url)}/></wsdl:port>\n"
        for ending, prefix in _BINDINGS.items()
    )
    return f'<wsdl:service name="{service}">\n{ports}</wsdl:service>\n'
