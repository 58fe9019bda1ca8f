from __future__ import annotations

from sms_core import AuthenticationFailed, ContentRefused, DeliveryStatus, Outcome, VendorError, VendorUnavailable
from sms_core.provider import SMPP_STATES, RefusalCode, outcome_after, refusal_error

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


def test_a_code_of_no_table_is_no_verdict() -> None:
    error = refusal_error(TABLE, "4711", "某個錯誤")
    assert type(error) is VendorError
    assert (error.code, error.vendor_text, error.retry, error.maybe_taken) == ("4711", "某個錯誤", False, True)
    assert str(error) == "a code that the vendor does not document: 4711 某個錯誤"
    assert outcome_after(error) is Outcome.UNKNOWN
    assert not refusal_error(TABLE, "-1").maybe_taken


def test_where_the_document_says_that_every_other_code_refuses_the_provider_says_so() -> None:
    others = RefusalCode(AuthenticationFailed, "the login's other codes")
    error = refusal_error({}, "7", others=others)
    assert type(error) is AuthenticationFailed
    assert (error.code, str(error)) == ("7", "7 the login's other codes")
    assert outcome_after(error) is Outcome.REFUSED


def test_numbers_in_the_vendors_words_are_masked_in_the_text_of_the_error() -> None:
    assert "0900000001" not in str(refusal_error(TABLE, "-1", "號碼 0900000001 有誤"))


def test_the_states_of_smpp() -> None:
    """SMPP 3.4, 5.2.28: seven final states, and the one of a message on its way."""
    final = {state for state, status in SMPP_STATES.items() if status.is_final}
    assert final == {"DELIVRD", "EXPIRED", "DELETED", "UNDELIV", "REJECTD"}
    assert SMPP_STATES["ENROUTE"] is DeliveryStatus.SENT
    assert all(len(state) == 7 for state in SMPP_STATES)
