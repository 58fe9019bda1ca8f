"""The inbox page: what arrived on the pretended handsets, newest first."""

from __future__ import annotations

from html import escape

from sms_core.provider import TAIPEI
from sms_core.testing import Exchange

SHOWN = 200
"""How many messages the page shows."""
SECONDS = 2
"""How often the page loads itself again."""

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #ddd; padding: .4rem .6rem; text-align: left; vertical-align: top; }
td.text { white-space: pre-wrap; overflow-wrap: anywhere; }
.delivered { color: #0a7d28; } .replied { background: #f0f7ff; }
"""
_COLUMNS = ("Accepted", "Vendor", "Number", "Text", "State", "Batch", "Points")


def page(exchange: Exchange) -> str:
    """The page as HTML. Everything that a sender wrote is escaped."""
    messages = exchange.messages
    rows: list[tuple[str, str]] = [
        (
            one.accepted_at.isoformat(),
            _row(
                "",
                one.accepted_at.astimezone(TAIPEI).strftime("%m-%d %H:%M:%S"),
                one.face,
                f"{one.number} {one.name}".strip(),
                "\n".join(filter(None, (one.subject, one.text, "[picture]" if one.media else ""))),
                f"{one.status.value} ({one.behaviour.name})",
                one.batch_id,
                str(one.cost),
            ),
        )
        for one in messages[-SHOWN:]
    ]
    rows.extend(
        (
            one.received_at.isoformat(),
            _row(
                "replied",
                one.received_at.astimezone(TAIPEI).strftime("%m-%d %H:%M:%S"),
                one.message.face,
                one.message.number,
                one.text,
                "reply",
                one.message.batch_id,
                "",
            ),
        )
        for one in exchange.replies[-SHOWN:]
    )
    rows.sort(reverse=True)
    credit = ", ".join(f"{one.user}: {one.credit} points" for one in exchange.accounts)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>SMS sandbox</title>'
        f'<meta http-equiv="refresh" content="{SECONDS}"><style>{_STYLE}</style></head><body>'
        f"<h1>SMS sandbox</h1><p>{len(messages)} messages. {escape(credit)}. Nothing here left this machine.</p>"
        f"<table><tr>{''.join(f'<th>{name}</th>' for name in _COLUMNS)}</tr>{''.join(row for _, row in rows[:SHOWN])}"
        f"</table></body></html>"
    )


def _row(kind: str, *cells: str) -> str:
    classes = ("", "", "", "text", "", "", "")
    columns = zip(classes, cells, strict=True)
    return f'<tr class="{kind}">' + "".join(f'<td class="{one}">{escape(cell)}</td>' for one, cell in columns) + "</tr>"
