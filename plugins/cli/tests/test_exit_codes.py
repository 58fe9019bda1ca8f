"""The two tables behind the exit codes."""

from __future__ import annotations

import pytest

import sms_core
from sms_core import SendResult, SmsError
from sms_core_cli import exit_codes
from sms_core_cli.campaign import RowOutcome

A, R, U, N, H, D = (
    RowOutcome.ACCEPTED,
    RowOutcome.REFUSED,
    RowOutcome.UNKNOWN,
    RowOutcome.NOT_SENT,
    RowOutcome.REFUSED_HERE,
    RowOutcome.DUPLICATE,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (sms_core.ConfigurationError("x"), 2),
        (sms_core.InvalidMessage("text", "x"), 2),
        (sms_core.Unsupported("p", "media"), 2),
        (sms_core.NotSent("x", SendResult(())), 3),
        (sms_core.InsufficientCredit(), 3),
        (sms_core.TransportError("x", sent=True), 3),
        (sms_core.MalformedResponse("x"), 3),
        (sms_core.OutcomeUnknown("x", SendResult(())), 4),
        (sms_core.PartiallySent("x", SendResult(())), 5),
    ],
)
def test_of_error(error: SmsError, code: int) -> None:
    assert exit_codes.of_error(error) == code


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ([A], 0),
        ([A, D], 0),
        ([A, H], 5),
        ([A, R], 5),
        ([A, N], 5),
        ([H], 3),
        ([R, N], 3),
        ([U, A, R], 4),
        ([U], 4),
    ],
)
def test_of_campaign(outcomes: list[RowOutcome], code: int) -> None:
    assert exit_codes.of_campaign(outcomes) == code
