"""The inbox page: what arrived on the pretended handsets, newest first."""

from __future__ import annotations

from html import escape

from sms_core.testing import Exchange, Reply, StoredMessage
from sms_core_sandbox.values import write_time

SHOWN = 200
"""How many messages the page shows."""
SECONDS = 2
"""How often the page loads itself again."""

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #ddd; padding: .4rem .6rem; text-align: left; vertical-align: top; }
td.text { white-space: pre-wrap; overflow-wrap: anywhere; }
.replied { background: #f0f7ff; }
"""
_TIME = "%m-%d %H:%M:%S"
_COLUMNS = ("Accepted", "Vendor", "Number", "Text", "State", "Batch", "Points")


def page(exchange: Exchange) -> str:
    """The page as HTML. Everything that a sender wrote is escaped."""
    messages = exchange.messages
    rows = [(message.accepted_at, _message_row(message)) for message in messages[-SHOWN:]]
    rows += [(reply.received_at, _reply_row(reply)) for reply in exchange.replies[-SHOWN:]]
    rows.sort(reverse=True)
    header = "".join(f"<th>{name}</th>" for name in _COLUMNS)
    body = "".join(row for _, row in rows[:SHOWN])
    credit = ", ".join(f"{account.user}: {account.credit} points" for account in exchange.accounts)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>SMS sandbox</title>'
        f'<meta http-equiv="refresh" content="{SECONDS}"><style>{_STYLE}</style></head><body>'
        f"<h1>SMS sandbox</h1><p>{len(messages)} messages. {escape(credit)}. Nothing here left this machine.</p>"
        f"<table><tr>{header}</tr>{body}</table></body></html>"
    )


def _message_row(message: StoredMessage) -> str:
    content = [message.subject, message.text, "[picture]" if message.media else ""]
    return _row(
        "",
        write_time(message.accepted_at, _TIME),
        message.face,
        f"{message.number} {message.name}".strip(),
        "\n".join(line for line in content if line),
        f"{message.status.value} ({message.behaviour.name})",
        message.batch_id,
        str(message.cost),
    )


def _reply_row(reply: Reply) -> str:
    return _row(
        "replied",
        write_time(reply.received_at, _TIME),
        reply.message.face,
        reply.message.number,
        reply.text,
        "reply",
        reply.message.batch_id,
        "",
    )


def _row(kind: str, *cells: str) -> str:
    """A row of the kind "" or "replied", with a cell for each of `_COLUMNS`."""
    columns = "".join(
        f'<td class="{name.lower()}">{escape(cell)}</td>' for name, cell in zip(_COLUMNS, cells, strict=True)
    )
    return f'<tr class="{kind}">{columns}</tr>'
