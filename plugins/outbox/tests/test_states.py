"""The tables of the states, line by line."""

from __future__ import annotations

import itertools

import pytest

from sms_core import (
    AuthenticationFailed,
    ContentRefused,
    InsufficientCredit,
    InvalidMessage,
    Outcome,
    RateLimited,
    RecipientRefused,
    SmsError,
    TransportError,
    VendorError,
    VendorUnavailable,
)
from sms_core_outbox import State
from sms_core_outbox.states import after_answer, verdict


@pytest.mark.parametrize(
    ("outcome", "error", "state", "pauses"),
    [
        (Outcome.ACCEPTED, None, State.ACCEPTED, False),
        (Outcome.NOT_SENT, TransportError("no connection", sent=False), State.READY, False),
        (Outcome.NOT_SENT, RateLimited(), State.READY, False),
        (Outcome.REFUSED, VendorUnavailable(), State.READY, False),
        (Outcome.REFUSED, VendorError(retry=True), State.READY, False),
        (Outcome.REFUSED, InsufficientCredit(), State.READY, True),
        (Outcome.NOT_SENT, AuthenticationFailed(), State.READY, True),
        (Outcome.REFUSED, RecipientRefused(), State.REFUSED, False),
        (Outcome.REFUSED, ContentRefused(), State.REFUSED, False),
        (Outcome.REFUSED, InvalidMessage("text", "is long"), State.REFUSED, False),
        (Outcome.NOT_SENT, InvalidMessage("send_at", "has passed"), State.REFUSED, False),
        (Outcome.UNKNOWN, TransportError("cut off", sent=True), State.UNKNOWN, False),
        (Outcome.UNKNOWN, InsufficientCredit(), State.UNKNOWN, True),
        (Outcome.UNKNOWN, None, State.UNKNOWN, False),
    ],
)
def test_what_an_attempt_makes_of_a_row(outcome: Outcome, error: SmsError | None, state: State, pauses: bool) -> None:
    found = verdict(outcome, error)
    assert (found.state, found.pauses) == (state, pauses)


def test_the_vendors_word_on_when_to_try_again() -> None:
    assert verdict(Outcome.NOT_SENT, RateLimited(retry_after=30.0)).retry_after == 30.0


@pytest.mark.parametrize(("current", "own", "is_replay"), list(itertools.product(State, [True, False], [True, False])))
def test_an_acceptance_overrides_every_state(current: State, own: bool, is_replay: bool) -> None:
    assert after_answer(current, State.ACCEPTED, own=own, is_replay=is_replay) is State.ACCEPTED


@pytest.mark.parametrize("answer", [State.READY, State.REFUSED, State.UNKNOWN])
@pytest.mark.parametrize("current", list(State))
def test_other_words_count_while_nothing_else_was_found_out(current: State, answer: State) -> None:
    open_yet = current in (State.SENDING, State.UNKNOWN)
    assert after_answer(current, answer, own=True, is_replay=False) is (answer if open_yet else None)
    assert after_answer(current, answer, own=True, is_replay=True) is (State.UNKNOWN if open_yet else None)
    assert after_answer(current, answer, own=False, is_replay=False) is None
