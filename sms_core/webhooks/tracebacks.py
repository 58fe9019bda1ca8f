"""Tracebacks for the log: where an error happened, and what it says without the number and the text of the event."""

from __future__ import annotations

import traceback

from sms_core.masking import mask_numbers
from sms_core.model import InboundMessage
from sms_core.webhooks.events import Event

_HIDDEN = "…"
_SHORTEST_RAW = 4
"""Characters. Shorter fields of a vendor (``SMS``, ``1``) tell nothing and stand everywhere."""


def places(error: BaseException) -> str:
    """The places that an error passed, and not what it says."""
    return "".join([*traceback.format_tb(error.__traceback__), *getattr(error, "__notes__", ())])


def traceback_without(event: Event, error: BaseException) -> str:
    """The whole traceback of a handler's error, which may quote its event."""
    private = _private(event)
    return "".join(_hide(chunk, private) for chunk in traceback.format_exception(error))


def _hide(chunk: str, private: list[str]) -> str:
    if chunk.lstrip(" |+-").startswith('File "'):  # source code, which quotes no values
        return chunk
    for text in private:
        chunk = chunk.replace(text, _HIDDEN)
    return mask_numbers(chunk)


def _private(event: Event) -> list[str]:
    """What may not be shown of an event, as it is and as ``repr`` writes it; the longest first."""
    texts = {event.number}
    if isinstance(event, InboundMessage):
        texts.add(event.text)
        texts.update(value for value in event.raw.values() if len(value) >= _SHORTEST_RAW)
    forms = set()
    for text in texts:
        forms |= {text, repr(text)[1:-1], ascii(text)[1:-1]}
    return sorted((form for form in forms if form.strip()), key=len, reverse=True)
