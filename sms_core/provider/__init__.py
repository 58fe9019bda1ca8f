"""All that a vendor's author needs, from one name.

::

    from sms_core.provider import Account, Operation, Request, Send, form_request, hookimpl

======================  =============================================================================
`hooks`                 the hooks to implement, and `hookimpl` that marks them
`info` `tariffs`        what a provider says of itself: capabilities, limits, prices
`account`               the account that it works for
`operations`            what it is asked to do
`options`               options that come as text, from a DSN or a command line
`requests` `responses`  requests in the usual shapes; what an HTTP answer says
`codes` `fields`        tables of refusals, points and counts
`times`                 Taipei's time
`json_answers`          JSON that vendors wrote, as typed values
`xml` `xml_dicts`       XML as a tree, and as nested dicts
`soap`                  SOAP
`template`              ``{name}`` placeholders, for vendors that fill them themselves
`steps` `provider`      the conversation, for vendors with a dance of their own
======================  =============================================================================
"""

from typing import TYPE_CHECKING

from sms_core.lazy import lazy_names

if TYPE_CHECKING:
    from sms_core.callbacks import (
        Callback,
        CallbackRequest,
        CallbackResponse,
        decoded_again,
        event_key,
        is_encoded,
    )
    from sms_core.http import Request, Response, public_url
    from sms_core.model import VendorOptions
    from sms_core.numbers import TAIWAN, from_vendor, is_taiwan, to_e164
    from sms_core.provider import template
    from sms_core.provider.account import Account, NoOptions
    from sms_core.provider.codes import NO_VERDICT, SMPP_STATES, RefusalCode, refusal_error
    from sms_core.provider.fields import points_or_none, to_count, to_points
    from sms_core.provider.hooks import PROJECT, REQUIRED, ProviderHooks, hookimpl, hookspec
    from sms_core.provider.info import Limits, MmsLimits, ProviderInfo, Replay, in_words
    from sms_core.provider.json_answers import parse_json, plain_text, structure_json
    from sms_core.provider.operations import (
        Cancel,
        Capability,
        Check,
        Destination,
        FindSent,
        GetBalance,
        GetInbound,
        GetReports,
        Login,
        Logout,
        Operation,
        Page,
        PagedOperation,
        Send,
        Sightings,
        options_of,
    )
    from sms_core.provider.options import option_names, read_options
    from sms_core.provider.outcomes import outcome_after
    from sms_core.provider.packages import known_packages
    from sms_core.provider.provider import Provider
    from sms_core.provider.requests import Fields, form_request, json_request, query_request
    from sms_core.provider.responses import answer_text, decode, raise_for_status, retry_after
    from sms_core.provider.soap import SoapVersion, soap_request, soap_result
    from sms_core.provider.steps import Attempt, Blocking, Flow, Session, Sleep, StartAttempt, Step
    from sms_core.provider.tariffs import SegmentTariff, Tariff
    from sms_core.provider.template import Placeholder
    from sms_core.provider.times import TAIPEI, format_time, parse_time, time_or_none
    from sms_core.provider.xml import cdata, forbidden_in, parse_tree
    from sms_core.provider.xml_dicts import parse_xml, write_xml

_NAMES_OF = {
    "sms_core.callbacks": (
        "Callback",
        "CallbackRequest",
        "CallbackResponse",
        "decoded_again",
        "event_key",
        "is_encoded",
    ),
    "sms_core.http": ("Request", "Response", "public_url"),
    "sms_core.model": ("VendorOptions",),
    "sms_core.numbers": ("TAIWAN", "from_vendor", "is_taiwan", "to_e164"),
    "sms_core.provider.account": ("Account", "NoOptions"),
    "sms_core.provider.codes": ("NO_VERDICT", "RefusalCode", "SMPP_STATES", "refusal_error"),
    "sms_core.provider.fields": ("points_or_none", "to_count", "to_points"),
    "sms_core.provider.hooks": ("PROJECT", "ProviderHooks", "REQUIRED", "hookimpl", "hookspec"),
    "sms_core.provider.info": ("Limits", "MmsLimits", "ProviderInfo", "Replay", "in_words"),
    "sms_core.provider.json_answers": ("parse_json", "plain_text", "structure_json"),
    "sms_core.provider.packages": ("known_packages",),
    "sms_core.provider.operations": (
        "Cancel",
        "Capability",
        "Check",
        "Destination",
        "FindSent",
        "GetBalance",
        "GetInbound",
        "GetReports",
        "Login",
        "Logout",
        "Operation",
        "Page",
        "PagedOperation",
        "Send",
        "Sightings",
        "options_of",
    ),
    "sms_core.provider.options": ("option_names", "read_options"),
    "sms_core.provider.outcomes": ("outcome_after",),
    "sms_core.provider.provider": ("Provider",),
    "sms_core.provider.requests": ("Fields", "form_request", "json_request", "query_request"),
    "sms_core.provider.responses": ("answer_text", "decode", "raise_for_status", "retry_after"),
    "sms_core.provider.soap": ("SoapVersion", "soap_request", "soap_result"),
    "sms_core.provider.steps": ("Attempt", "Blocking", "Flow", "Session", "Sleep", "StartAttempt", "Step"),
    "sms_core.provider.tariffs": ("SegmentTariff", "Tariff"),
    "sms_core.provider.template": ("Placeholder",),
    "sms_core.provider.times": ("TAIPEI", "format_time", "parse_time", "time_or_none"),
    "sms_core.provider.xml": ("cdata", "forbidden_in", "parse_tree"),
    "sms_core.provider.xml_dicts": ("parse_xml", "write_xml"),
}
"""The names by the module that is their home, which is imported with the first of them."""

if not TYPE_CHECKING:  # a type checker would take any name for one of the package's
    __getattr__, __dir__ = lazy_names(__name__, _NAMES_OF)

__all__ = [
    "NO_VERDICT",
    "PROJECT",
    "REQUIRED",
    "SMPP_STATES",
    "TAIPEI",
    "TAIWAN",
    "Account",
    "Attempt",
    "Blocking",
    "Callback",
    "CallbackRequest",
    "CallbackResponse",
    "Cancel",
    "Capability",
    "Check",
    "Destination",
    "Fields",
    "FindSent",
    "Flow",
    "GetBalance",
    "GetInbound",
    "GetReports",
    "Limits",
    "Login",
    "Logout",
    "MmsLimits",
    "NoOptions",
    "Operation",
    "Page",
    "PagedOperation",
    "Placeholder",
    "Provider",
    "ProviderHooks",
    "ProviderInfo",
    "RefusalCode",
    "Replay",
    "Request",
    "Response",
    "SegmentTariff",
    "Send",
    "Session",
    "Sightings",
    "Sleep",
    "SoapVersion",
    "StartAttempt",
    "Step",
    "Tariff",
    "VendorOptions",
    "answer_text",
    "cdata",
    "decode",
    "decoded_again",
    "event_key",
    "forbidden_in",
    "form_request",
    "format_time",
    "from_vendor",
    "hookimpl",
    "hookspec",
    "in_words",
    "is_encoded",
    "is_taiwan",
    "json_request",
    "known_packages",
    "option_names",
    "options_of",
    "outcome_after",
    "parse_json",
    "parse_time",
    "parse_tree",
    "parse_xml",
    "plain_text",
    "points_or_none",
    "public_url",
    "query_request",
    "raise_for_status",
    "read_options",
    "refusal_error",
    "retry_after",
    "soap_request",
    "soap_result",
    "structure_json",
    "template",
    "time_or_none",
    "to_count",
    "to_e164",
    "to_points",
    "write_xml",
]
