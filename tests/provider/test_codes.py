from __future__ import annotations

import pytest

from sms_core import AuthenticationFailed, ContentRefused, DeliveryStatus, VendorError, VendorUnavailable
from sms_core.provider import SMPP_STATES, RefusalCode, refusal_error

TABLE = {
    "-1": RefusalCode(ContentRefused, "內容有誤"),
    "-2": RefusalCode(VendorUnavailable, "busy", retry=True),
    "-3": RefusalCode(AuthenticationFailed, "帳號已封鎖", reason="the account is blocked"),
}


def test_a_code_of_the_table_is_its_error_with_the_tables_words() -> None:
    error = refusal_error(TABLE, "-1")
    assert type(error) is ContentRefused
    assert (error.code, error.vendor_text, error.retry, str(error)) == ("-1", "內容有誤", False, "-1 內容有誤")
    assert refusal_error(TABLE, "-2").retry


def test_the_words_of_the_answer_go_first() -> None:
    assert refusal_error(TABLE, "-1", "別的").vendor_text == "別的"


def test_a_reason_is_told_before_the_vendors_words() -> None:
    assert str(refusal_error(TABLE, "-3")) == "the account is blocked: -3 帳號已封鎖"
    assert refusal_error(TABLE, "-3", "x").reason == "the account is blocked"


@pytest.mark.parametrize("kind", [VendorError, AuthenticationFailed])
def test_any_other_code_is_kept_in_the_error_of_the_unknown(kind: type[VendorError]) -> None:
    error = refusal_error(TABLE, "4711", "某個錯誤", kind)
    assert type(error) is kind
    assert (error.code, error.vendor_text, error.retry) == ("4711", "某個錯誤", False)


def test_without_a_word_an_unknown_code_is_a_plain_refusal() -> None:
    error = refusal_error({}, "7")
    assert type(error) is VendorError
    assert str(error) == "7"


def test_numbers_in_the_vendors_words_are_masked_in_the_text_of_the_error() -> None:
    assert "0900000001" not in str(refusal_error(TABLE, "-1", "號碼 0900000001 有誤"))


def test_the_states_of_smpp() -> None:
    """SMPP 3.4, 5.2.28: seven final states, and the one of a message on its way."""
    final = {state for state, status in SMPP_STATES.items() if status.is_final}
    assert final == {"DELIVRD", "EXPIRED", "DELETED", "UNDELIV", "REJECTD"}
    assert SMPP_STATES["ENROUTE"] is DeliveryStatus.SENT
    assert all(len(state) == 7 for state in SMPP_STATES)
