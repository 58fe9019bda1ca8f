"""The control API is what its OpenAPI document says."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from sms_core.testing import Draft
from sms_core_sandbox import Sandbox
from sms_core_sandbox.api.app import OPERATIONS

CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
]
ALL = [f"{operation.method} {operation.path}" for operation in OPERATIONS]


@pytest.fixture(scope="module")
def api(shared_box: Sandbox) -> Any:
    shared_box.exchange.of("every8d").submit("sandbox", [Draft("+886900000908", "x")], face="every8d")
    return schemathesis.openapi.from_url(f"{shared_box.url}/_sandbox/openapi.json")


@pytest.mark.parametrize("name", ALL)
def test_an_operation_keeps_to_the_document(api: Any, name: str) -> None:
    method, path = name.split()
    operation = api[path][method]

    @given(operation.as_strategy())
    @settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=[*HealthCheck])
    def check(case: Any) -> None:
        if isinstance(case.body, dict) and isinstance(case.body.get("timeout"), int | float):
            case.body["timeout"] = min(case.body["timeout"], 0)  # a long poll would take its time
        elif path == "/wait":
            return
        case.call_and_validate(checks=CHECKS)

    check()
