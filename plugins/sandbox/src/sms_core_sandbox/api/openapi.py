"""The control API as an OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sms_core_sandbox.api import schemas
from sms_core_sandbox.api.fields import Field, object_schema
from sms_core_sandbox.api.operations import Operation

DESCRIPTION = (
    "Look into the SMS sandbox, and make things happen in it. What is wrong with a request is said in `error`, with status "
    "400; a body has the content type `application/json`. Message ids grow in the order of submission."
)


def document(operations: Iterable[Operation]) -> dict[str, Any]:
    """OpenAPI 3.1 of these operations."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "SMS sandbox", "version": "1", "description": DESCRIPTION},
        "servers": [{"url": "/_sandbox"}],
        "paths": paths,
        "components": {"securitySchemes": {"password": {"type": "http", "scheme": "basic"}}},
    }


def _operation(operation: Operation) -> dict[str, Any]:
    parameters = [_parameter(field, "path") for field in operation.in_path]
    parameters += [_parameter(field, "query") for field in operation.query]
    described: dict[str, Any] = {
        "summary": operation.summary,
        "operationId": f"{operation.method.lower()}{operation.path.replace('/', '_').replace('{', '').replace('}', '')}",
        "parameters": parameters,
        "responses": _responses(operation),
    }
    if operation.method == "POST":
        schema = object_schema(operation.body)
        is_required = any(field.required for field in operation.body)
        described["requestBody"] = {"required": is_required, "content": {"application/json": {"schema": schema}}}
    return described


def _parameter(field: Field, where: str) -> dict[str, Any]:
    return {
        "name": field.name,
        "in": where,
        "required": field.required,
        "description": field.meaning,
        "schema": field.schema(),
    }


def _responses(operation: Operation) -> dict[str, Any]:
    responses = {
        "200": {"description": "done", "content": {operation.media_type: {"schema": operation.gives}}},
        "400": _error("the request is wrong, or cannot be done"),
    }
    if operation.may_miss:
        responses["404"] = _error("there is nothing of this id, or nothing came")
    return responses


def _error(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schemas.ERROR}}}
