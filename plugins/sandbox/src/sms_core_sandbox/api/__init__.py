"""The control API: JSON under ``/_sandbox/``, described by ``/_sandbox/openapi.json``."""

from sms_core_sandbox.api.app import api_routes

__all__ = ["api_routes"]
