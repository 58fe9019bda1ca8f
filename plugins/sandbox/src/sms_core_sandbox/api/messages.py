"""The control API's operations on messages."""

from __future__ import annotations

import time

from starlette.responses import JSONResponse, Response

from sms_core.model import DeliveryStatus
from sms_core.numbers import to_e164
from sms_core.testing import Behaviour, StoredMessage, behaviour_ending, behaviour_named, behaviour_rows
from sms_core_sandbox.api import schemas
from sms_core_sandbox.api.fields import LARGEST, Arguments, Field
from sms_core_sandbox.api.operations import NotHere, Operation
from sms_core_sandbox.codes import find_code
from sms_core_sandbox.controlled import Controlled
from sms_core_sandbox.pictures import media_type
from sms_core_sandbox.store import Filter
from sms_core_sandbox.store.filters import GROUPS

LONGEST_WAIT = 120.0
"""Seconds that a long poll may last."""
LARGEST_PAGE = 10_000

NUMBER = Field("number", "string", "a telephone number in any form", required=True, longest=200)
STATUSES = ("", *(status.value for status in DeliveryStatus), *GROUPS)
FILTERS = (
    Field("number", "string", "a telephone number in any form, or a part of one", default="", longest=200),
    Field("text", "string", "a part of the subject or the text, in any case", default=""),
    Field("vendor", "string", "the name of a vendor's face", default=""),
    Field("status", "string", "a status, or one of the groups `waiting` and `failed`", default="", choices=STATUSES),
    Field("batch", "string", "a batch id", default=""),
)
ENDINGS = ("", *dict.fromkeys(row[2].lower() for row in behaviour_rows() if row[2] != "none"))
"""What a message can be made to end with."""
BEHAVIOURS = ("", *(row[1] for row in behaviour_rows() if row[2] != "none"))
ID = Field("id", "integer", "the message's id", required=True, minimum=0, maximum=LARGEST)
LIMIT = Field("limit", "integer", "how many at most; without it all", minimum=1, maximum=LARGEST_PAGE)
BEFORE = Field("before", "integer", "only those with a smaller id", minimum=0, maximum=LARGEST)
AFTER = Field("after", "integer", "only those with a larger id", default=0, minimum=0, maximum=LARGEST)


def wanted(arguments: Arguments) -> Filter:
    """The filter that the arguments of `FILTERS` are."""
    return Filter(**{field.name: arguments[field.name] for field in FILTERS})


def _list(box: Controlled, arguments: Arguments) -> object:
    newest_first = arguments["order"] == "newest"
    limit = arguments["limit"]
    found = box.views.messages(
        wanted(arguments),
        before=arguments["before"],
        after=arguments["after"],
        limit=limit,
        newest_first=newest_first,
    )
    headers = {"x-total-count": str(box.views.count(wanted(arguments)))}
    if limit is not None and len(found) == limit:
        headers["x-next"] = f"{'before' if newest_first else 'after'}={found[-1]['id']}"
    return JSONResponse(found, headers=headers)


def _one(box: Controlled, arguments: Arguments) -> object:
    try:
        return box.views.message(arguments["id"])
    except LookupError as error:
        raise NotHere(str(error)) from error


def _picture(box: Controlled, arguments: Arguments) -> object:
    try:
        content = box.views.picture(arguments["id"])
    except LookupError as error:
        raise NotHere(str(error)) from error
    return Response(content, media_type=media_type(content))


def _phones(box: Controlled, arguments: Arguments) -> object:
    return box.views.phones(wanted(arguments), before=arguments["before"], limit=arguments["limit"] or LARGEST_PAGE)


async def _wait(box: Controlled, arguments: Arguments) -> object:
    deadline = time.monotonic() + arguments["timeout"]
    number, text = to_e164(arguments["number"]), arguments["text"] or None
    while True:
        revision = box.live.revision
        received = box.inbox.take(number, text)
        if received is not None:
            serial = received.message.serial
            return {**box.views.message(serial), "code": find_code(received.text)}
        left = deadline - time.monotonic()
        if left <= 0 or box.ending.has_come:
            raise NotHere(box.inbox.explain(number, text, arguments["timeout"]))
        await box.live.wait(revision, left)


def _accepted(box: Controlled, _: Arguments) -> object:
    return [
        {"number": sent.number, "text": sent.text, "batch_id": sent.batch_id, "reference": sent.reference}
        for sent in box.exchange.accepted
    ]


def stored(box: Controlled, serial: int) -> StoredMessage:
    """The exchange's own message of this id. Raises `NotHere`."""
    try:
        place = box.views.message(serial)
        return box.exchange.message(place["batch_id"], place["position"])
    except LookupError as error:
        raise NotHere(f"there is no message {serial}") from error


def _ending(arguments: Arguments) -> Behaviour:
    if arguments["behaviour"]:
        return behaviour_named(arguments["behaviour"])
    if not arguments["status"]:
        raise ValueError("status or behaviour is missing")
    return behaviour_ending(DeliveryStatus(arguments["status"]))


def _set_status(box: Controlled, arguments: Arguments) -> object:
    message = stored(box, arguments["id"])
    box.exchange.finish(message.batch_id, message.position, _ending(arguments))
    return box.views.message(message.serial)


def _push_again(box: Controlled, arguments: Arguments) -> object:
    message = stored(box, arguments["id"])
    box.exchange.report_again(message.batch_id, message.position)
    return box.views.message(message.serial)


def _reply(box: Controlled, arguments: Arguments) -> object:
    reply = box.exchange.reply(to_e164(arguments["number"]), arguments["text"], arguments["batch_id"])
    return {
        "message": reply.message.serial,
        "batch_id": reply.message.batch_id,
        "text": reply.text,
        "received_at": reply.received_at.isoformat(),
    }


OPERATIONS = (
    Operation(
        "GET",
        "/messages",
        "The messages that fit, in order of submission. With a `limit`, the header `X-Next` has what gives the next page.",
        _list,
        schemas.rows(schemas.MESSAGE),
        query=(
            *FILTERS,
            LIMIT,
            BEFORE,
            AFTER,
            Field("order", "string", "which come first", default="oldest", choices=("oldest", "newest")),
        ),
    ),
    Operation(
        "GET",
        "/messages/{id}",
        "A message with its history, the request that it came in, and its pushes.",
        _one,
        schemas.DETAILS,
        in_path=(ID,),
        may_miss=True,
    ),
    Operation(
        "GET",
        "/messages/{id}/picture",
        "The picture of a message.",
        _picture,
        schemas.TEXT,
        in_path=(ID,),
        may_miss=True,
        media_type="image/*",
    ),
    Operation(
        "POST",
        "/messages/{id}/status",
        "End a message with a status, or as a recipient of this behaviour does; it is reported.",
        _set_status,
        schemas.DETAILS,
        in_path=(ID,),
        body=(
            Field("status", "string", "a final status", default="", choices=ENDINGS),
            Field("behaviour", "string", "a behaviour by its name", default="", choices=BEHAVIOURS),
        ),
        may_miss=True,
    ),
    Operation(
        "POST",
        "/messages/{id}/push",
        "Push the report of a message once more.",
        _push_again,
        schemas.DETAILS,
        in_path=(ID,),
        may_miss=True,
    ),
    Operation(
        "POST",
        "/wait",
        "Wait for the first text to this number that was not given yet; one that has arrived already counts.",
        _wait,
        {**schemas.DETAILS, "required": [*schemas.DETAILS["required"], "code"]},
        body=(
            NUMBER,
            Field("text", "string", "a part of the text; others are passed over", default=""),
            Field("timeout", "number", "seconds", default=10.0, minimum=0, maximum=LONGEST_WAIT),
        ),
        may_miss=True,
    ),
    Operation(
        "POST",
        "/reply",
        "Have a recipient write back, to the last message sent there or to the one of this batch.",
        _reply,
        schemas.record(message=schemas.WHOLE, batch_id=schemas.TEXT, text=schemas.TEXT, received_at=schemas.TIME),
        body=(
            NUMBER,
            Field("text", "string", "what is written", required=True),
            Field("batch_id", "string", "the batch of the message that is answered", default=""),
        ),
    ),
    Operation(
        "GET",
        "/phones",
        "The phones that got such messages, the one with the newest first.",
        _phones,
        schemas.rows(schemas.PHONE),
        query=(
            *FILTERS,
            LIMIT,
            Field("before", "integer", "only those with a smaller `place`", minimum=0, maximum=LARGEST),
        ),
    ),
    Operation(
        "GET",
        "/accepted",
        "What was really accepted, in order.",
        _accepted,
        schemas.rows(
            schemas.record(number=schemas.TEXT, text=schemas.TEXT, batch_id=schemas.TEXT, reference=schemas.TEXT)
        ),
    ),
)
