"""How each operation of a recording is performed, and what it came to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define

from sms_core import Client
from sms_core.errors import SendError, SmsError
from sms_core.http import Request
from sms_core.model import Outcome, RecipientOutcome, SendResult
from sms_core_kit.recordings import Recording


class NoAnswerLeft(AssertionError):
    """The provider asked more than was recorded."""


@define
class Played:
    """What a recording came to: ``value`` or ``error``, and every request that was made."""

    requests: list[Request]
    value: Any = None
    error: SmsError | NoAnswerLeft | None = None

    @property
    def rows(self) -> tuple[RecipientOutcome, ...]:
        """The outcomes of a send, whether it succeeded or not."""
        result = self.error.result if isinstance(self.error, SendError) else self.value
        return result.outcomes if isinstance(result, SendResult) else ()


def perform(client: Client, recording: Recording, requests: list[Request]) -> Played:
    """Perform the recording's operation. ``requests`` is where the client's transport keeps them."""
    played = Played(requests)
    try:
        played.value = _PERFORM[recording.operation](client, recording)
    except (SmsError, NoAnswerLeft) as error:
        played.error = error
    return played


def _send(client: Client, recording: Recording) -> SendResult:
    assert recording.message is not None
    return client.send(recording.message)


def _preview(client: Client, recording: Recording) -> Any:
    assert recording.message is not None
    return client.preview(recording.message)


def _settle(client: Client, recording: Recording) -> SendResult:
    try:
        result = _send(client, recording)
    except SendError as error:
        arguments = recording.arguments
        return client.settle(error, known_batches=arguments.known_batches, replay=arguments.replay)
    raise NoAnswerLeft(f"a send that leaves an outcome open comes before settle(), and this one succeeded: {result!r}")


def _reports(client: Client, recording: Recording) -> Any:
    return list(client.reports(_batch(recording), mms=recording.arguments.mms))


def _inbound(client: Client, recording: Recording) -> Any:
    return list(client.inbound(_batch(recording)))


def _cancel(client: Client, recording: Recording) -> Any:
    return client.cancel(_batch(recording), mms=recording.arguments.mms)


def _log_out(client: Client, recording: Recording) -> None:
    del recording
    client.check()
    client.close()


def _batch(recording: Recording) -> str | SendResult:
    """The batch id, or the result of a send where the file names the recipients too."""
    arguments = recording.arguments
    batch_id = arguments.batch_id
    if not arguments.numbers:
        return batch_id
    rows = tuple(RecipientOutcome(number, Outcome.ACCEPTED, batch_id) for number in arguments.numbers)
    return SendResult(rows, len(rows), batches=(batch_id,))


_PERFORM: dict[str, Callable[[Client, Recording], Any]] = {
    "send": _send,
    "preview": _preview,
    "balance": lambda client, _: client.balance(),
    "check": lambda client, _: client.check(),
    "reports": _reports,
    "inbound": _inbound,
    "cancel": _cancel,
    "settle": _settle,
    "logout": _log_out,
}
"""By the name of an operation. ``settle`` sends first, ``logout`` logs in by `Client.check` first."""
