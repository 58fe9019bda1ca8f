"""The control API over HTTP: a route for each path, and what every request and answer have in common."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from sms_core_sandbox.api import messages, sandbox
from sms_core_sandbox.api.fields import Arguments, arguments_of, query_arguments
from sms_core_sandbox.api.openapi import document
from sms_core_sandbox.api.operations import NotHere, Operation
from sms_core_sandbox.controlled import Controlled

OPERATIONS: tuple[Operation, ...] = (*messages.OPERATIONS, *sandbox.OPERATIONS)
ROOT = "/_sandbox"
LONGEST_BODY = 1024 * 1024
"""Bytes of a request's body."""


def api_routes(box: Controlled) -> list[BaseRoute]:
    """The routes below ``/_sandbox``."""
    by_path: dict[str, dict[str, Operation]] = {}
    for operation in OPERATIONS:
        by_path.setdefault(operation.path, {})[operation.method] = operation
    described = document(OPERATIONS)

    async def openapi(_: Request) -> Response:
        return JSONResponse(described)

    async def events(_: Request) -> Response:
        return StreamingResponse(
            box.live.events(), media_type="text/event-stream", headers={"cache-control": "no-store"}
        )

    routes: list[BaseRoute] = [Route(f"{ROOT}/openapi.json", openapi), Route(f"{ROOT}/events", events)]
    for path, by_method in by_path.items():
        routes.append(Route(f"{ROOT}{path}", _endpoint(box, by_method), methods=[*by_method]))
    return routes


def _endpoint(box: Controlled, by_method: Mapping[str, Operation]) -> Any:
    async def endpoint(request: Request) -> Response:
        operation = by_method["GET" if request.method == "HEAD" else request.method]
        try:
            answer = await _carry_out(box, operation, await _arguments(operation, request))
        except NotHere as error:
            return _refused(404, str(error))
        except (LookupError, ValueError, ArithmeticError) as error:
            return _refused(400, _words(error))
        response = answer if isinstance(answer, Response) else JSONResponse(answer)
        response.headers["cache-control"] = "no-store"
        return response

    return endpoint


async def _carry_out(box: Controlled, operation: Operation, arguments: Arguments) -> object:
    if inspect.iscoroutinefunction(operation.answer):
        return await operation.answer(box, arguments)
    # In a thread: a question may look at every message, while vendors go on answering.
    return await run_in_threadpool(operation.answer, box, arguments)


async def _arguments(operation: Operation, request: Request) -> Arguments:
    arguments = query_arguments(operation.in_path, [(name, str(value)) for name, value in request.path_params.items()])
    arguments |= query_arguments(operation.query, request.query_params.multi_items())
    if operation.method == "POST":
        arguments |= arguments_of(operation.body, await _body(request))
    return arguments


async def _body(request: Request) -> dict[str, Any]:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise ValueError("the content type is application/json")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_BODY:
            raise ValueError(f"the body has at most {LONGEST_BODY} bytes")
    try:
        value = json.loads(bytes(body) or b"{}", parse_constant=_no_number)
    except RecursionError as error:
        raise ValueError("the body is nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError("the body is a JSON object")  # noqa: TRY004 - the one error for what it cannot read
    return value


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def _refused(status: int, words: str) -> JSONResponse:
    # Half a character of a message's own words cannot go out in UTF-8.
    return JSONResponse({"error": words.encode("utf-8", "replace").decode()}, status_code=status)


def _words(error: Exception) -> str:
    words = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    return words or type(error).__name__
