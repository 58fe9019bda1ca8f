"""A shop on PostgreSQL: its web processes put a text with each order, procrastinate's workers send.

::

    gunicorn --workers 2 scale_app:web
    procrastinate --app=scale_app.app worker
"""

from __future__ import annotations

import os

import flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from sms_core import Message
from sms_core_outbox import DatabaseUnavailable, Outbox
from sms_core_outbox.engines.procrastinate import Jobs

EACH_FIVE_SECONDS = "* * * * * */5"

outbox = Outbox(os.environ["SMS_OUTBOX"], accounts={"main": os.environ["SMS_DSN"]})
jobs = Jobs(outbox, rows=100, drain_every=EACH_FIVE_SECONDS, rescue_every=EACH_FIVE_SECONDS, dead_after=10.0)
app = jobs.make_app()
web = flask.Flask(__name__)


@web.post("/orders/<int:number>")
def order(number: int) -> tuple[dict[str, int], int]:
    """Take an order and store the text about it, both or neither. Asked again, it is one order and one text."""
    asked = flask.request.get_json()
    try:
        with outbox.engine.begin() as connection:
            insert = text("INSERT INTO shop_order (id) VALUES (:id) ON CONFLICT DO NOTHING")
            connection.execute(insert, {"id": number})
            jobs.put(Message(asked["text"], asked["to"]), key=f"order-{number}", connection=connection)
    except (DatabaseUnavailable, DBAPIError) as error:
        web.logger.warning("not taken: %s", type(error).__name__)
        return {"order": number}, 503
    return {"order": number}, 201


@web.get("/health")
def health() -> dict[str, int]:
    """Whether the web server answers."""
    return {}


def create() -> None:
    """Make all tables."""
    outbox.create()
    with app.open():
        app.schema_manager.apply_schema()
    with outbox.engine.begin() as connection:
        connection.execute(text("CREATE TABLE shop_order (id integer PRIMARY KEY)"))


if __name__ == "__main__":
    create()
