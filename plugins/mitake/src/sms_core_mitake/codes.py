"""Mitake's codes: 附錄一 (statuscode of a request), 附錄二 (states), the answers to a cancel."""

from __future__ import annotations

from sms_core import (
    AuthenticationFailed,
    ContentRefused,
    DeliveryStatus,
    InsufficientCredit,
    NotFound,
    RateLimited,
    RecipientRefused,
    VendorError,
    VendorUnavailable,
)
from sms_core.provider import SMPP_STATES, RefusalCode, refusal_error

TAKEN = frozenset("01234")
"""What an SMS that was taken is answered with; 3 is in older documents alone."""

# 附錄一. Where the user and password may be right and the vendor mends the matter on its side (f, h, k, p), it is no
# AuthenticationFailed, for a client remembers that one and asks no more.
REQUEST_CODES = {
    "*": RefusalCode(VendorUnavailable, "系統發生錯誤，請聯絡三竹資訊窗口人員", retry=True, maybe_taken=True),
    "a": RefusalCode(VendorUnavailable, "簡訊發送功能暫時停止服務，請稍候再試", retry=True),
    "b": RefusalCode(VendorUnavailable, "簡訊發送功能暫時停止服務，請稍候再試", retry=True),
    "c": RefusalCode(AuthenticationFailed, "請輸入帳號"),
    "d": RefusalCode(AuthenticationFailed, "請輸入密碼"),
    "e": RefusalCode(AuthenticationFailed, "帳號、密碼錯誤"),
    "f": RefusalCode(VendorError, "帳號已過期"),
    "h": RefusalCode(VendorError, "帳號已被停用"),
    "k": RefusalCode(
        VendorError, "無效的連線位址", reason="the vendor has to put this machine's IP on the account's list"
    ),
    "l": RefusalCode(RateLimited, "帳號已達到同時連線數上限", retry=True),
    "m": RefusalCode(AuthenticationFailed, "必須變更密碼，在變更密碼前，無法使用簡訊發送服務"),
    "n": RefusalCode(AuthenticationFailed, "密碼已逾期，在變更密碼前，將無法使用簡訊發送服務"),
    "p": RefusalCode(VendorError, "沒有權限使用外部Http程式", reason="the vendor has to open the API for this account"),
    "r": RefusalCode(VendorUnavailable, "系統暫停服務，請稍後再試", retry=True),
    "s": RefusalCode(InsufficientCredit, "帳務處理失敗，無法發送簡訊"),
    "t": RefusalCode(VendorError, "簡訊已過期"),
    "u": RefusalCode(ContentRefused, "簡訊內容不得為空白"),
    "v": RefusalCode(RecipientRefused, "無效的手機號碼"),
    "w": RefusalCode(VendorError, "查詢筆數超過上限"),
    "x": RefusalCode(VendorError, "發送檔案過大，無法發送簡訊"),
    "y": RefusalCode(VendorError, "參數錯誤"),
    "z": RefusalCode(NotFound, "查無資料"),
    # States of 附錄二: of an SMS that got no msgid, they say why.
    "5": RefusalCode(ContentRefused, "內容有錯誤"),
    "6": RefusalCode(RecipientRefused, "門號有錯誤"),
    "7": RefusalCode(RecipientRefused, "簡訊已停用"),
    "8": RefusalCode(VendorError, "逾時無送達"),
    "9": RefusalCode(VendorError, "預約已取消"),
}

WHOLE_REQUEST = frozenset(REQUEST_CODES) - frozenset("56789")
"""Those that refuse a request before it comes to any SMS."""

# 附錄二: statuscode of SmQuery, StatusFlag of a push.
FLAGS = {
    "0": (DeliveryStatus.SCHEDULED, "預約傳送中"),
    "1": (DeliveryStatus.SENT, "已送達業者"),
    "2": (DeliveryStatus.SENT, "已送達業者"),
    "3": (DeliveryStatus.SENT, "已送達業者"),
    "4": (DeliveryStatus.DELIVERED, "已送達手機"),
    "5": (DeliveryStatus.REJECTED, "內容有錯誤"),
    "6": (DeliveryStatus.UNDELIVERABLE, "門號有錯誤"),
    "7": (DeliveryStatus.UNDELIVERABLE, "簡訊已停用"),
    "8": (DeliveryStatus.EXPIRED, "逾時無送達"),
    "9": (DeliveryStatus.CANCELLED, "預約已取消"),
}

# statusstr of a push: the same states in fewer words.
STATES = {**SMPP_STATES, "SYNTAXE": DeliveryStatus.REJECTED}

CANCELLED = "9"
CANCEL_CODES = {
    "0": RefusalCode(VendorError, retry=True, reason="it was not cancelled: the vendor is busy, or it is going out"),
    "?": RefusalCode(NotFound),
    **{
        flag: RefusalCode(VendorError, words, reason="it is no booking any more")
        for flag, (_, words) in FLAGS.items()
        if flag not in {"0", CANCELLED}
    },
}


def error_of(code: str, vendor_text: str = "") -> VendorError:
    """The error that a statuscode is. One that 附錄一 and 附錄二 do not have is no verdict: neither speaks of others."""
    return refusal_error(REQUEST_CODES, code, vendor_text)


def cancel_error(code: str) -> VendorError:
    """The error that an answer to a cancel is."""
    return refusal_error(CANCEL_CODES, code)


def status_of(flag: str, state: str = "") -> tuple[DeliveryStatus, str]:
    """The status and the vendor's words for a state: by its flag, else by its ``statusstr``, else ``UNKNOWN``."""
    return FLAGS.get(flag) or (STATES.get(state.upper(), DeliveryStatus.UNKNOWN), state)
