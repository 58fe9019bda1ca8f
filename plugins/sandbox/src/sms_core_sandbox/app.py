"""The whole application of a sandbox: the page, the control API, and each face at its name."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.routing import Mount

from sms_core_sandbox.api import api_routes
from sms_core_sandbox.controlled import Controlled
from sms_core_sandbox.faulty import Faulty
from sms_core_sandbox.guard import Guard
from sms_core_sandbox.page import page_routes
from sms_core_sandbox.store import Recorder


def make_app(box: Controlled) -> Starlette:
    """The application. A face is for everybody, as its vendor is; the rest is guarded."""
    looking = Starlette(routes=[*api_routes(box), *page_routes(box)])
    guarded = Guard(looking, password=box.password, hosts=box.allowed_names)
    faces = [
        Mount(f"/{name}", app=Recorder(Faulty(face.app, name, box.faults, box.ending), name, box.store, box.clock))
        for name, face in box.faces.items()
    ]
    return Starlette(routes=[*faces, Mount("/", app=guarded)])
