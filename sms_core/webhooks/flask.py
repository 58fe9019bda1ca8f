"""A receiver as a Flask blueprint."""

from __future__ import annotations

import flask
from werkzeug.wrappers import Response

from sms_core.webhooks.receiver import Receiver

_METHODS = ["GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"]
"""All, so that the receiver is the one who refuses."""


def blueprint(receiver: Receiver, name: str = "sms") -> flask.Blueprint:
    """``app.register_blueprint(blueprint(receiver), url_prefix="/sms")`` takes pushes to ``/sms/<name>/<secret>``.

    ``name`` is the blueprint's own. Raises `ConfigurationError` if the handler is async.
    """
    made = flask.Blueprint(name, __name__)
    app = receiver.wsgi

    @made.route("/<path:rest>", methods=_METHODS, provide_automatic_options=False)
    def receive(rest: str) -> Response:
        return Response.from_app(app, {**flask.request.environ, "PATH_INFO": f"/{rest}"})

    return made
