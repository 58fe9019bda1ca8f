"""EVERY8D's codes. Request codes and delivery codes overlap (-1 … -10), so there are two tables."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

from sms_core import (
    AuthenticationFailed,
    ContentRefused,
    DeliveryStatus,
    NotFound,
    RecipientRefused,
    SessionExpired,
    VendorError,
    VendorUnavailable,
)
from sms_core.provider import Cancel, Login, Operation, RefusalCode, refusal_error

UNKNOWN_ERROR = "-99"
NO_CREDENTIALS = "-300"

# HTTP's document has -99 (table 2-3-8) and -28 (table 2-4-8); SOAP's has -97, -100, -101 and -999 (1.1), -99 and -301
# (1.2). The others were seen on the wire, or stand in older editions of the HTTP document.
REQUEST_CODES = {
    "-24": RefusalCode(ContentRefused, "The content is empty."),
    "-27": RefusalCode(RecipientRefused, "電話號碼不得為空"),
    "-28": RefusalCode(VendorError, "The sendTime format error: yyyyMMddHHmm"),
    "-41": RefusalCode(RecipientRefused, "no mobile."),
    "-97": RefusalCode(VendorUnavailable, "系統忙碌中，請稍後再試", retry=True),
    "-98": RefusalCode(RecipientRefused, "24 小時內重複發送一樣的內文"),
    UNKNOWN_ERROR: RefusalCode(VendorUnavailable, "發生不明錯誤"),
    "-100": RefusalCode(AuthenticationFailed, "無此帳號"),
    "-101": RefusalCode(AuthenticationFailed, "密碼錯誤"),
    NO_CREDENTIALS: RefusalCode(AuthenticationFailed, "帳號密碼不得為空值。"),
    "-301": RefusalCode(SessionExpired, "Session 資料不存在，請重新登入。"),
    "-303": RefusalCode(ContentRefused, "MMS: subject is empty"),
    "-304": RefusalCode(ContentRefused, "MMS: no picture"),
    "-305": RefusalCode(ContentRefused, "MMS: no picture type"),
    "-314": RefusalCode(ContentRefused, "MMS: picture is too large"),
    "-999": RefusalCode(
        AuthenticationFailed, "帳號已封鎖，請洽服務窗口。", reason="the account is blocked: ask EVERY8D"
    ),
}

# The 2017 and 2021 editions give these for the cancelling of a booking alone.
CANCEL_CODES = {
    "-3": RefusalCode(NotFound, "無法取得指定發送資料"),
    "-4": RefusalCode(VendorError, "發送資料為刪除狀態或已經送出"),
    "-8": RefusalCode(VendorUnavailable, "取消作業暫時無法進行", retry=True),
}


# A code that is in no table refuses too, since both documents say so of the answer, whatever its code. SOAP 1.2, 2.2, 2.3
# and 5.1: a CREDIT below zero 代表發送失敗，系統無法處理該命令. HTTP, tables 2-6-2 and 3-3-2: Status and Msg are the answer of
# a failure (失敗回傳：Status, Msg); tables 2-4-2, 2-5-2 and 3-4-2: a Result of false is one (失敗).
OTHERS = RefusalCode(VendorError)
# To a login every unknown no is one to the credentials: showing them again could block the account (after ten, SOAP 1.1).
OTHERS_TO_LOGIN = RefusalCode(AuthenticationFailed)


def error_of(operation: Operation[object], code: str, vendor_text: str, *, others: RefusalCode = OTHERS) -> VendorError:
    """The error that a request code is. One that is in no table is what ``others`` says, but to a login."""
    match operation:
        case Login():
            return refusal_error(REQUEST_CODES, code, vendor_text, others=OTHERS_TO_LOGIN)
        case Cancel():
            return refusal_error({**REQUEST_CODES, **CANCEL_CODES}, code, vendor_text, others=others)
        case _:
            return refusal_error(REQUEST_CODES, code, vendor_text, others=others)


Api = Literal["http", "soap"]


@frozen
class Status:
    """A delivery code. ``text`` is that of the HTTP document of 2025 (annex 1), ``soap_text`` that of SOAP's of 2020.

    ``soap`` is the status where that document gives the code another meaning.
    """

    status: DeliveryStatus
    text: str = ""
    soap_text: str = ""
    soap: DeliveryStatus | None = None


# The comments are the words of SOAP's edition of 2016 (3.1, 3.2), where it had the code.
STATUS_CODES = {
    "-10": Status(DeliveryStatus.UNDELIVERABLE, "受話方手機系統不支援 MMS，該訊息傳送失敗。"),
    "-8": Status(DeliveryStatus.REJECTED, "受話方手機號碼格式不符，該訊息傳送失敗。"),
    "-6": Status(DeliveryStatus.REJECTED, soap_text="DT(預計發送時間)格式錯誤，該訊息傳送失敗"),
    "-5": Status(
        DeliveryStatus.REJECTED,
        "Short Message 內容長度超過限制，該訊息傳送失敗。",
        "Short Message 內容長度超過限制，該訊息傳送失敗",
    ),
    "-4": Status(  # DT 格式錯誤或預計發送時間已過去 24 小時以上
        DeliveryStatus.EXPIRED,
        "訊息預計發送時間已逾期 24 小時以上，該訊息傳送失敗。",
        "訊息預計發送時間已逾期 24 小時以上，該訊息傳送失敗",
    ),
    "-3": Status(  # 無效門號
        DeliveryStatus.BLOCKED,
        "受話方手機號碼為互動黑名單，該訊息傳送失敗。",
        "受話方手機號碼錯誤或是簡訊黑名單，該訊息傳送失敗",
        soap=DeliveryStatus.REJECTED,
    ),
    "-2": Status(
        DeliveryStatus.REJECTED,
        "API 帳號或密碼錯誤，該訊息傳送失敗。",
        "API 帳號或密碼錯誤，該訊息傳送失敗",
    ),
    "-1": Status(DeliveryStatus.REJECTED, "參數錯誤，該訊息傳送失敗。", "參數錯誤，該訊息傳送失敗"),
    "0": Status(  # 已發送
        DeliveryStatus.SENT,
        "訊息已成功送達電信端，等待手機收訊中。",
        "訊息已成功傳送給電信端，電信基地台與受話方手機溝通中",
    ),
    "100": Status(DeliveryStatus.DELIVERED, "已成功送達手機。", "成功送達手機"),  # 發送成功
    "101": Status(  # 手機端因素未能送達
        DeliveryStatus.UNDELIVERABLE,
        "電信端回覆因收訊方手機關機、訊號不良、簡訊容量不足等異常原因，收訊失敗。",
        "電信端回覆因受話方手機關機/訊號不良/簡訊功能異常等原因，該訊息無法送達受話方手機",
    ),
    "102": Status(  # 電信終端設備異常未能送達
        DeliveryStatus.FAILED,
        "電信端回覆因網路系統、設備出現異常，收訊失敗。",
        "電信端回覆因網路系統/基地台設備異常等原因，該訊息無法送達受話方手機",
    ),
    "103": Status(  # 無此手機號碼
        DeliveryStatus.UNDELIVERABLE,
        "電信端回覆因收訊方手機門號錯誤、空號或停用中，收訊失敗。",
        "電信端回覆因受話方手機門號為空號或停用中，該訊息無法送達受話方手機",
    ),
    "104": Status(  # 電信終端設備異常未能送達
        DeliveryStatus.BLOCKED,
        "因本手機門號為電信端之黑名單，故傳送失敗。",
        "電信端回覆因受話方手機門號為電信黑名單，該訊息無法送達受話方手機",
    ),
    "105": Status(  # 電信終端設備異常未能送達
        DeliveryStatus.REJECTED,
        "電信端回覆經判斷因訊息內文含有敏感關鍵字進行阻擋，故傳送失敗。",
        "電信端回覆因受話方手機設備問題/手機出現未預期錯誤等原因，該訊息無法送達受話方手機",
        soap=DeliveryStatus.UNDELIVERABLE,
    ),
    "106": Status(  # 電信終端設備異常未能送達
        DeliveryStatus.REJECTED,
        "系統顯示經判斷因訊息內文含有敏感關鍵字進行阻擋，故傳送失敗。",
        "電信端回覆因系統傳送時發生非預期錯誤，該訊息無法送達受話方手機",
        soap=DeliveryStatus.FAILED,
    ),
    "107": Status(  # 逾時收訊
        DeliveryStatus.EXPIRED,
        soap_text="電信端回覆因受話方手機關機/訊號不良/簡訊功能異常等原因，該訊息無法送達受話方手機",
    ),
    "300": Status(DeliveryStatus.SCHEDULED, "預約簡訊。", "預約簡訊"),  # 預約簡訊
    "301": Status(DeliveryStatus.NO_CREDIT, "無額度(或額度不足)無法發送。"),  # 無額度(或額度不足)無法發送
    "303": Status(DeliveryStatus.CANCELLED, "取消預約。", "取消預約"),  # 取消簡訊
    "500": Status(  # 未開通國際簡訊，無法發送國際簡訊
        DeliveryStatus.REJECTED,
        "表該門號為國際門號，請至帳號設定開啟國際簡訊發送功能。",
        "表該門號為國際門號，請至系統設定開啟國際簡訊發送功能",
    ),
    "700": Status(DeliveryStatus.SENT, "已傳送。"),
    "888": Status(DeliveryStatus.UNKNOWN, soap_text="測試模式"),  # 測試模式; gone since 2020
}

REPLY = "999"
"""The STATUS of a push that carries a reply (HTTP 6.1.3, SOAP 3.1)."""


_NO_STATUS = Status(DeliveryStatus.UNKNOWN)


def status_of(code: str, api: Api) -> tuple[DeliveryStatus, str]:
    """The status and the vendor's text of a delivery code; ``UNKNOWN`` and "" for one that no edition has.

    Each API's own document goes first; the other's words serve where it has none.
    """
    row = STATUS_CODES.get(code, _NO_STATUS)
    if api == "soap":
        return row.soap or row.status, row.soap_text or row.text
    return row.status, row.text or row.soap_text
