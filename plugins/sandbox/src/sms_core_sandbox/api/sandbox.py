"""The control API's operations on the sandbox itself: faults, clock, accounts, pushes, requests."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import attrs

from sms_core.serialize import to_data
from sms_core.testing import Approved, behaviour_rows
from sms_core_sandbox.api import schemas
from sms_core_sandbox.api.fields import LARGEST, Arguments, Field
from sms_core_sandbox.api.operations import NotHere, Operation
from sms_core_sandbox.controlled import Controlled
from sms_core_sandbox.faults import KINDS, Fault, Switch

LONGEST_FAULT = 3600.0
MOST_APPROVED = 1000
"""Names, links or telephone numbers that one account has registered."""
UNCHANGED: Final = object()
"""Stands in for a field that was not given, where null says something."""
FAULT_FIELDS = (
    Field("kind", "string", "what goes wrong", required=True, choices=tuple(KINDS)),
    Field("match", "string", "a part of path or SOAPAction, in any case; null for every request", nullable=True),
    Field("vendor", "string", "the name of a vendor's face; nothing for each", default=""),
    Field(
        "times",
        "integer",
        "how many requests get it; null for all",
        nullable=True,
        default=1,
        minimum=1,
        maximum=LARGEST,
    ),
    Field("seconds", "number", "of `slow` and `late`", default=1.0, minimum=0, maximum=LONGEST_FAULT),
    Field("retry_after", "integer", "seconds that `429` asks for", default=1, minimum=0, maximum=LARGEST),
    Field("charset", "string", "of `wrong_charset`", default="utf-16"),
    Field("after", "integer", "messages before `out_of_credit`", default=0, minimum=0, maximum=LARGEST),
    Field("acts", "boolean", "whether the vendor carries the request out all the same", nullable=True),
)


def _faults(box: Controlled, _: Arguments) -> object:
    return {
        "active": [show_switch(switch) for switch in box.faults.switches],
        "kinds": KINDS,
        "operations": {face: [*known] for face, known in box.faults.operations.items()},
        "applied": box.views.calls(faulty_only=True),
    }


def show_switch(switch: Switch) -> dict[str, Any]:
    """A fault that is switched on."""
    fault = switch.fault
    return {
        "id": switch.number,
        "kind": fault.kind,
        "match": fault.match if isinstance(fault.match, str | None) else "(a function)",
        "vendor": fault.vendor,
        "times": fault.times,
        "left": switch.left,
        "used": switch.used,
        "acts": fault.acts,
    }


def switch_on(box: Controlled, arguments: Arguments) -> Switch:
    """Switch on the fault of `FAULT_FIELDS`. Raises `ValueError`."""
    settings = {name: value for name, value in arguments.items() if name != "acts"}
    _check_charset(settings["charset"])
    fault = Fault(**settings)
    if arguments["acts"] is not None:
        fault = attrs.evolve(fault, acts=arguments["acts"])
    return box.faults.switch_on(fault)


def _check_charset(charset: str) -> None:
    try:
        "".encode(charset)
    except (LookupError, ValueError):
        raise ValueError(f"charset: Python knows none that is called {charset!r}") from None


def _add_fault(box: Controlled, arguments: Arguments) -> object:
    return show_switch(switch_on(box, arguments))


def _remove_fault(box: Controlled, arguments: Arguments) -> object:
    try:
        box.faults.switch_off(arguments["id"])
    except LookupError as error:
        raise NotHere(str(error)) from error
    return _faults(box, {})


def _clear_faults(box: Controlled, _: Arguments) -> object:
    box.faults.clear()
    return _faults(box, {})


def _clock(box: Controlled, _: Arguments) -> object:
    return {"now": box.clock.now().isoformat()}


def _advance(box: Controlled, arguments: Arguments) -> object:
    box.clock.advance(arguments["advance"])
    return _clock(box, {})


def accounts(box: Controlled, _: Arguments) -> list[dict[str, Any]]:
    """Each vendor's users, their credit in its unit, and what they may send."""
    return [
        {
            "vendor": account.vendor,
            "user": account.user,
            "credit": str(account.credit),
            "unit": unit_of(box, account.vendor),
            "blocked": account.blocked,
            "international": account.international,
            "approved": None if account.approved is None else to_data(account.approved),
        }
        for account in box.exchange.accounts
    ]


def unit_of(box: Controlled, vendor: str) -> str:
    """What a vendor counts in."""
    return box.faces[vendor].unit if vendor in box.faces else "points"


def set_account(box: Controlled, arguments: Arguments) -> object:
    """Open an account, or change what one has and may. Raises `ValueError` and `KeyError`."""
    vendor, user = arguments["vendor"], arguments["user"]
    if vendor and vendor not in {account.vendor for account in box.exchange.accounts}:
        raise ValueError(f"there is no vendor {vendor!r} here")
    exchange = box.exchange.of(vendor)
    credit = None if arguments["credit"] is None else _points(arguments["credit"])
    if arguments["password"] is not None:
        exchange.add_account(user, arguments["password"], credit)
    elif credit is not None:
        exchange.set_credit(user, credit)
    if arguments["international"] is not None:
        exchange.set_international(user, allowed=arguments["international"])
    if arguments["approved"] is not UNCHANGED:
        exchange.set_approved(user, arguments["approved"])
    box.store.write_accounts()
    box.live.changed()
    return accounts(box, {})


def _points(written: str) -> Decimal:
    try:
        return Decimal(written)
    except InvalidOperation:
        raise ValueError("credit: a number expected") from None


def _callback(box: Controlled, _: Arguments) -> object:
    url = box.callback_url
    return {"url": dict(url) if isinstance(url, Mapping) else url}


def set_callback(box: Controlled, arguments: Arguments) -> object:
    """Say where to push. Raises `ValueError` for where that is not allowed."""
    url = arguments["url"]
    for named in url.values() if isinstance(url, dict) else filter(None, [url]):
        if not box.may_push_to(named):
            raise ValueError("pushes to this URL are not allowed: start the sandbox with --allow-callback HOST")
    box.callback_url = url
    return _callback(box, {})


class CallbackField(Field):
    """A URL for all vendors, an object of one for each, or null."""

    def schema(self) -> dict[str, Any]:
        """As JSON Schema."""
        return {"type": ["string", "null", "object"], "additionalProperties": {"type": "string"}}

    def check(self, value: Any) -> Any:
        """The value. Raises `ValueError`."""
        if value is None:
            return None
        urls = value.values() if isinstance(value, dict) else [value]
        text = Field(self.name, "string", self.meaning)
        for url in urls:
            text.check(url)
        return value


class ApprovedField(Field):
    """What is registered with the carriers, or null for an account whose texts they do not check."""

    def schema(self) -> dict[str, Any]:
        """As JSON Schema."""
        texts = {"type": "array", "maxItems": MOST_APPROVED, "items": self._text.schema() | {"minLength": 1}}
        properties = dict.fromkeys(attrs.fields_dict(Approved), texts)
        return {"type": ["object", "null"], "properties": properties, "additionalProperties": False}

    def check(self, value: Any) -> Any:
        """The value as an `Approved`, or None. Raises `ValueError`."""
        if value is None:
            return None
        known = [*attrs.fields_dict(Approved)]
        if not isinstance(value, dict) or not value.keys() <= {*known}:
            raise ValueError(f"{self.name}: an object of {', '.join(known)} expected, or null")
        return Approved(**{name: self._texts(name, texts) for name, texts in value.items()})

    @property
    def _text(self) -> Field:
        return Field(self.name, "string", self.meaning, longest=self.longest)

    def _texts(self, name: str, texts: Any) -> tuple[str, ...]:
        if not isinstance(texts, list) or len(texts) > MOST_APPROVED:
            raise ValueError(f"{self.name}: {name}: a list of at most {MOST_APPROVED} texts expected")
        # An empty name would be in every text.
        if "" in texts:
            raise ValueError(f"{self.name}: {name}: an empty text")
        return tuple(self._text.check(text) for text in texts)


class CreditField(Field):
    """An amount as a number, or as a text that keeps every digit."""

    def schema(self) -> dict[str, Any]:
        """As JSON Schema."""
        return {"type": ["string", "number", "null"], "maxLength": self.longest}

    def check(self, value: Any) -> Any:
        """The value as text. Raises `ValueError`."""
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return Field(self.name, "string", "", nullable=True, longest=self.longest).check(
            str(value) if is_number else value
        )


def _summary(box: Controlled, _: Arguments) -> object:
    return {
        "vendors": [{**total, "unit": unit_of(box, total["vendor"])} for total in box.views.summary()],
        "accounts": accounts(box, {}),
    }


def _call(box: Controlled, arguments: Arguments) -> object:
    try:
        return box.views.call(arguments["id"])
    except LookupError as error:
        raise NotHere(str(error)) from error


def _calls(box: Controlled, arguments: Arguments) -> object:
    return box.views.calls(before=arguments["before"], limit=arguments["limit"])


def _behaviours(_: Controlled, __: Arguments) -> object:
    names = ("ending", "name", "status", "meaning")
    return [dict(zip(names, row, strict=True)) for row in behaviour_rows()]


def _expire_sessions(box: Controlled, _: Arguments) -> object:
    box.exchange.expire_sessions()
    return {}


def _reset(box: Controlled, _: Arguments) -> object:
    box.reset()
    return {}


ACCOUNT_FIELDS = (
    Field("user", "string", "the name that the user logs in with", required=True, longest=200),
    Field("vendor", "string", "whose account it is; nothing for one at each vendor", default=""),
    Field(
        "password", "string", "opens an account with it, in the place of one of this name", nullable=True, longest=200
    ),
    CreditField("credit", "string", "in the vendor's own unit, as a number or a text", nullable=True, longest=60),
    Field("international", "boolean", "whether it may send abroad", nullable=True),
    ApprovedField(
        "approved",
        "object",
        "the names, links and telephone numbers that it has registered with Taiwan's carriers, who drop a text that"
        " breaks their rules; null has them check nothing",
        default=UNCHANGED,
        longest=1000,
    ),
)
_ID = Field("id", "integer", "its number", required=True, minimum=0, maximum=LARGEST)
_NOW = schemas.record(now=schemas.TIME)
_BEHAVIOUR = schemas.record(ending=schemas.TEXT, name=schemas.TEXT, status=schemas.TEXT, meaning=schemas.TEXT)

OPERATIONS = (
    Operation(
        "GET", "/faults", "The faults that are on, the kinds there are, and what each did.", _faults, schemas.FAULTS
    ),
    Operation("POST", "/faults", "Switch a fault on.", _add_fault, schemas.FAULT, body=FAULT_FIELDS),
    Operation("DELETE", "/faults", "Switch all faults off.", _clear_faults, schemas.FAULTS),
    Operation(
        "DELETE",
        "/faults/{id}",
        "Switch a fault off.",
        _remove_fault,
        schemas.FAULTS,
        in_path=(_ID,),
        may_miss=True,
    ),
    Operation("GET", "/clock", "The time in the sandbox.", _clock, _NOW),
    Operation(
        "POST",
        "/clock",
        "Move the clock forward.",
        _advance,
        _NOW,
        body=(Field("advance", "number", "seconds", required=True, minimum=0, maximum=1e9),),
    ),
    Operation(
        "GET", "/accounts", "Each vendor's users, their credit, what they may.", accounts, schemas.rows(schemas.ACCOUNT)
    ),
    Operation(
        "POST",
        "/accounts",
        "Open an account, or change what one has and may; what is not given stays.",
        set_account,
        schemas.rows(schemas.ACCOUNT),
        body=ACCOUNT_FIELDS,
    ),
    Operation("GET", "/callback", "Where reports and replies are pushed.", _callback, schemas.CALLBACK),
    Operation(
        "POST",
        "/callback",
        "Say where to push: one URL for all, an object of one for each vendor, or null for nowhere.",
        set_callback,
        schemas.CALLBACK,
        body=(CallbackField("url", "string", "where to push", required=True),),
    ),
    Operation(
        "GET", "/summary", "For each vendor what was sent, what became of it, and its cost.", _summary, schemas.SUMMARY
    ),
    Operation(
        "GET",
        "/pushes",
        "Every try to push, in order.",
        lambda box, _: box.views.attempts(),
        schemas.rows(schemas.PUSH),
    ),
    Operation(
        "GET", "/replies", "Every reply, in order.", lambda box, _: box.views.replies(), schemas.rows(schemas.REPLY)
    ),
    Operation(
        "GET",
        "/calls",
        "Requests to the vendors from the newest one back, as text without secrets.",
        _calls,
        schemas.rows(schemas.CALL),
        query=(
            Field("limit", "integer", "how many at most", default=50, minimum=1, maximum=1000),
            Field("before", "integer", "only those with a smaller id", minimum=0, maximum=LARGEST),
        ),
    ),
    Operation(
        "GET",
        "/calls/{id}",
        "A request to a vendor and its answer, and the ids of the messages that were taken of it.",
        _call,
        schemas.CALL,
        in_path=(_ID,),
        may_miss=True,
    ),
    Operation(
        "GET",
        "/behaviours",
        "How recipients behave, by the ending of their number.",
        _behaviours,
        schemas.rows(_BEHAVIOUR),
    ),
    Operation("POST", "/expire-sessions", "End every login.", _expire_sessions, schemas.EMPTY),
    Operation("POST", "/reset", "Forget messages, sessions, faults; accounts as at the start.", _reset, schemas.EMPTY),
)
