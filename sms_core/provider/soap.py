"""SOAP 1.1 and 1.2: a call in its envelope, and the text that came back in one.

For document/literal services with string arguments and a string result, as .NET's ASMX makes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from attrs import frozen

from sms_core.errors import MalformedResponse, VendorError, VendorUnavailable
from sms_core.http import Request, Response
from sms_core.provider.responses import decode, raise_for_status
from sms_core.provider.xml_dicts import parse_xml, write_xml

SoapVersion = Literal["1.1", "1.2"]


@frozen
class _Wire:
    namespace: str
    content_type: str
    has_action: bool


_WIRES: dict[SoapVersion, _Wire] = {
    "1.1": _Wire("http://schemas.xmlsoap.org/soap/envelope/", "text/xml; charset=utf-8", has_action=True),
    # The action would be a parameter of the content type, and is optional (SOAP 1.2 part 2, 6.5.3).
    "1.2": _Wire("http://www.w3.org/2003/05/soap-envelope", "application/soap+xml; charset=utf-8", has_action=False),
}


def soap_request(
    url: str, operation: str, arguments: Mapping[str, str], *, namespace: str, version: SoapVersion = "1.1"
) -> Request:
    """The POST that calls an operation. ``namespace`` is the service's, with its slash at the end."""
    wire = _WIRES[version]
    call = {operation: {"@xmlns": namespace, **arguments}}
    envelope = {"soap:Envelope": {"@xmlns:soap": wire.namespace, "soap:Body": call}}
    headers = {"content-type": wire.content_type}
    if wire.has_action:
        headers["soapaction"] = f'"{namespace}{operation}"'
    return Request("POST", url, headers, write_xml(envelope))


def soap_result(response: Response, operation: str) -> str:
    """The text of ``<operation>Result``, "" where it is empty or null.

    Raises the error that a fault means (SOAP 1.1, 4.4.1; SOAP 1.2, 5.4.6): `VendorError` where the caller's message
    was wrong and nothing was done, `VendorUnavailable` where the server failed and may have done some of it. Raises as
    `raise_for_status` does for what is no envelope, and `MalformedResponse`.
    """
    try:
        document = parse_xml(decode(response.body))
    except MalformedResponse:
        raise_for_status(response)
        raise
    body = _child(_child(document, "Envelope"), "Body")
    fault = _child(body, "Fault")
    if fault:
        raise _error_of(fault)
    raise_for_status(response)
    if not _has(body, f"{operation}Response"):
        raise MalformedResponse(f"no {operation}Response")
    answer = _child(body, f"{operation}Response")
    result = _child(answer, f"{operation}Result")
    if not isinstance(answer, Mapping | None) or _has(answer, "#text") or not _is_text(result):
        raise MalformedResponse(f"{operation}Result is no text")
    return _text(result)


_CALLERS_FAULTS = frozenset({"client", "sender", "versionmismatch", "mustunderstand", "dataencodingunknown"})


def _error_of(fault: Any) -> VendorError:
    """1.1 has faultcode and faultstring, 1.2 Code/Value and Reason/Text; codes may have a prefix and a suffix."""
    code = _text(_child(fault, "faultcode")) or _text(_child(_child(fault, "Code"), "Value"))
    words = _text(_child(fault, "faultstring")) or _text(_child(_child(fault, "Reason"), "Text"))
    kind = code.rpartition(":")[2].partition(".")[0]
    if kind.lower() in _CALLERS_FAULTS:
        return VendorError("the service could not read the call", code=kind, vendor_text=words)
    return VendorUnavailable(
        "the service failed on the call", code=kind or "Fault", vendor_text=words, retry=True, maybe_taken=True
    )


def _child(element: Any, name: str) -> Any:
    """What an element holds under a local name, whatever prefix stands before it; None where that is nothing."""
    if not isinstance(element, Mapping):
        return None
    for key, value in element.items():
        if key.rpartition(":")[2] == name:
            return value
    return None


def _has(element: Any, name: str) -> bool:
    return isinstance(element, Mapping) and any(key.rpartition(":")[2] == name for key in element)


def _is_text(element: Any) -> bool:
    """Whether an element is there once at most, and holds nothing but text."""
    if isinstance(element, Mapping):
        return all(key.startswith(("@", "#")) for key in element)
    return isinstance(element, str | None)


def _text(element: Any) -> str:
    if isinstance(element, Mapping):  # one with attributes
        element = element.get("#text")
    if not isinstance(element, str):
        return ""
    return element
