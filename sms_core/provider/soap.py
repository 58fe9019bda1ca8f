"""SOAP 1.1 and 1.2: a call in its envelope, and the text that came back in one.

For document/literal services with string arguments and a string result, as .NET's ASMX makes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal
from xml.etree.ElementTree import Element

from attrs import frozen

from sms_core.errors import MalformedResponse, VendorError, VendorUnavailable
from sms_core.http import Request, Response
from sms_core.provider.responses import decode, raise_for_status
from sms_core.provider.xml import parse_tree

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
    written = [f"<{name}>{_escape(value)}</{name}>" for name, value in arguments.items()]
    quoted = _escape(namespace).replace('"', "&quot;")
    call = f'<{operation} xmlns="{quoted}">{"".join(written)}</{operation}>'
    envelope = f'<soap:Envelope xmlns:soap="{wire.namespace}"><soap:Body>{call}</soap:Body></soap:Envelope>'
    headers = {"content-type": wire.content_type}
    if wire.has_action:
        headers["soapaction"] = f'"{namespace}{operation}"'
    return Request("POST", url, headers, f'<?xml version="1.0" encoding="utf-8"?>\n{envelope}'.encode())


def soap_result(response: Response, operation: str) -> str:
    """The text of ``<operation>Result``, "" where it is empty or null.

    Raises the error that a fault means (SOAP 1.1, 4.4.1; SOAP 1.2, 5.4.6): `VendorError` where the caller's message
    was wrong and nothing was done, `VendorUnavailable` where the server failed and may have done some of it. Raises as
    `raise_for_status` does for what is no envelope, and `MalformedResponse`.
    """
    try:
        document = parse_tree(decode(response.body))
    except MalformedResponse:
        raise_for_status(response)
        raise
    body = None
    if _local_name(document) == "Envelope":
        body = _child(document, "Body")
    faults = _children(body, "Fault")
    if any(len(fault) or fault.attrib or _text(fault) for fault in faults):
        raise _error_of(_child(body, "Fault"))
    raise_for_status(response)
    answers = _children(body, f"{operation}Response")
    if not answers:
        raise MalformedResponse(f"no {operation}Response")
    results = _children(answers[0], f"{operation}Result")
    is_text = len(results) <= 1 and not any(len(result) for result in results)
    if len(answers) > 1 or _holds_text(answers[0]) or not is_text:
        raise MalformedResponse(f"{operation}Result is no text")
    return _text(results[0]) if results else ""


_CALLERS_FAULTS = frozenset({"client", "sender", "versionmismatch", "mustunderstand", "dataencodingunknown"})


def _error_of(fault: Element | None) -> VendorError:
    """1.1 has faultcode and faultstring, 1.2 Code/Value and Reason/Text; codes may have a prefix and a suffix."""
    code = _text(_child(fault, "faultcode")) or _text(_child(_child(fault, "Code"), "Value"))
    words = _text(_child(fault, "faultstring")) or _text(_child(_child(fault, "Reason"), "Text"))
    kind = code.rpartition(":")[2].partition(".")[0]
    if kind.lower() in _CALLERS_FAULTS:
        return VendorError("the service could not read the call", code=kind, vendor_text=words)
    return VendorUnavailable(
        "the service failed on the call", code=kind or "Fault", vendor_text=words, retry=True, maybe_taken=True
    )


def _local_name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _children(element: Element | None, name: str) -> list[Element]:
    """What an element holds under a local name, whatever its namespace."""
    if element is None:
        return []
    return [child for child in element if _local_name(child) == name]


def _child(element: Element | None, name: str) -> Element | None:
    """The same where it is there once; else None."""
    found = _children(element, name)
    return found[0] if len(found) == 1 else None


def _holds_text(element: Element) -> bool:
    """Whether an element holds text beside its children."""
    tails = [child.tail for child in element]
    return any(text and text.strip() for text in (element.text, *tails))


def _text(element: Element | None) -> str:
    """What stands in an element, stripped."""
    return (element.text or "").strip() if element is not None else ""


def _escape(text: str) -> str:
    """A text as the content of an element. A carriage return survives as a reference only (XML 1.0, 2.11)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
