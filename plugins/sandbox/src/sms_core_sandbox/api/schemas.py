"""The answers of the control API as JSON Schema."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
YES_OR_NO: Schema = {"type": "boolean"}
TIME: Schema = {"type": "string", "format": "date-time"}


def nullable(schema: Schema) -> Schema:
    """The same, or null."""
    return {**schema, "type": [schema["type"], "null"]}


def record(**properties: Schema) -> Schema:
    """An object with all of these."""
    return {"type": "object", "properties": properties, "required": [*properties]}


def rows(schema: Schema) -> Schema:
    """A list of these."""
    return {"type": "array", "items": schema}


MESSAGE = record(
    id=WHOLE,
    user=TEXT,
    face=TEXT,
    kind=TEXT,
    batch_id=TEXT,
    position=WHOLE,
    number=TEXT,
    name=TEXT,
    subject=TEXT,
    text=TEXT,
    reference=TEXT,
    cost=TEXT,
    status=TEXT,
    behaviour=TEXT,
    accepted_at=TIME,
    send_at=TIME,
    sent_at=nullable(TIME),
    done_at=nullable(TIME),
    has_picture=YES_OR_NO,
    notes=rows(TEXT),
)
PUSH = record(
    message=WHOLE,
    number=TEXT,
    face=TEXT,
    at=TIME,
    attempt=WHOLE,
    taken=YES_OR_NO,
    status=nullable(WHOLE),
    request=TEXT,
    response=TEXT,
    error=TEXT,
)
CALL = record(
    id=WHOLE,
    at=TIME,
    face=TEXT,
    method=TEXT,
    path=TEXT,
    request=TEXT,
    answer=TEXT,
    status=nullable(WHOLE),
    fault=TEXT,
    acts=YES_OR_NO,
    fields=rows(record(name=TEXT, value=TEXT)),
)
DETAILS = {
    **MESSAGE,
    "properties": {
        **MESSAGE["properties"],
        "history": rows(record(status=TEXT, at=TIME)),
        "pushes": rows(PUSH),
        "request": {"anyOf": [CALL, {"type": "null"}]},
    },
    "required": [*MESSAGE["required"], "history", "pushes", "request"],
}
RECEIVED = {
    **MESSAGE,
    "properties": {**MESSAGE["properties"], "code": nullable(TEXT)},
    "required": [*MESSAGE["required"], "code"],
}
PHONE = record(number=TEXT, place=WHOLE, total=WHOLE, last=MESSAGE)
REPLY = record(id=WHOLE, number=TEXT, text=TEXT, received_at=TIME, message=WHOLE)
APPROVED = record(names=rows(TEXT), links=rows(TEXT), telephones=rows(TEXT))
ACCOUNT = record(
    vendor=TEXT,
    user=TEXT,
    credit=TEXT,
    unit=TEXT,
    blocked=YES_OR_NO,
    international=YES_OR_NO,
    approved=nullable(APPROVED),
)
FAULT = record(
    id=WHOLE,
    kind=TEXT,
    match=nullable(TEXT),
    vendor=TEXT,
    times=nullable(WHOLE),
    left=nullable(WHOLE),
    used=WHOLE,
    acts=YES_OR_NO,
)
FAULTS = record(
    active=rows(FAULT),
    kinds={"type": "object", "additionalProperties": YES_OR_NO},
    operations={"type": "object", "additionalProperties": rows(TEXT)},
    applied=rows({**CALL, "properties": {**CALL["properties"], "taken": WHOLE}}),
)
SUMMARY = record(
    vendors=rows(
        record(vendor=TEXT, messages=WHOLE, delivered=WHOLE, failed=WHOLE, waiting=WHOLE, cost=TEXT, unit=TEXT)
    ),
    accounts=rows(ACCOUNT),
)
CALLBACK: Schema = {
    "type": "object",
    "properties": {"url": {"type": ["string", "null", "object"], "additionalProperties": TEXT}},
    "required": ["url"],
}
ERROR = record(error=TEXT)
EMPTY: Schema = {"type": "object"}
