"""EVERY8D's codes. Request codes and delivery codes overlap (-1 … -10), so there are two tables."""

from __future__ import annotations

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
from sms_core.operations import Cancel, Login, Operation


@frozen
class Refusal:
    """What a request code means. ``text`` is the vendor's where a document or a recorded answer has one."""

    error: type[VendorError]
    text: str
    retry: bool = False


# The document itself has -99 (table 2-3-8) and -28 (table 2-4-8). The others were seen on the wire, or stand in
# older editions and the SOAP document of the same platform.
REQUEST_CODES = {
    "-24": Refusal(ContentRefused, "The content is empty."),
    "-27": Refusal(RecipientRefused, "電話號碼不得為空"),
    "-28": Refusal(VendorError, "The sendTime format error: yyyyMMddHHmm"),
    "-41": Refusal(RecipientRefused, "no mobile."),
    "-97": Refusal(VendorUnavailable, "系統忙碌中，請稍後再試", retry=True),
    "-98": Refusal(RecipientRefused, "24 小時內重複發送一樣的內文"),
    "-99": Refusal(VendorUnavailable, "發生不明錯誤"),
    "-100": Refusal(AuthenticationFailed, "無此帳號"),
    "-101": Refusal(AuthenticationFailed, "密碼錯誤"),
    "-300": Refusal(AuthenticationFailed, "帳號密碼不得為空值。"),
    "-301": Refusal(SessionExpired, "Session 資料不存在，請重新登入。"),
    "-303": Refusal(ContentRefused, "MMS: subject is empty"),
    "-304": Refusal(ContentRefused, "MMS: no picture"),
    "-305": Refusal(ContentRefused, "MMS: no picture type"),
    "-314": Refusal(ContentRefused, "MMS: picture is too large"),
    "-999": Refusal(AuthenticationFailed, "帳號已封鎖，請洽服務窗口。"),
}

# The 2017 and 2021 editions give these for the cancelling of a booking alone.
CANCEL_CODES = {
    "-3": Refusal(NotFound, "無法取得指定發送資料"),
    "-4": Refusal(VendorError, "發送資料為刪除狀態或已經送出"),
    "-8": Refusal(VendorUnavailable, "取消作業暫時無法進行", retry=True),
}


def error_of(operation: Operation[object], code: str, vendor_text: str) -> VendorError:
    """The error that a request code is; an unknown code is kept in a plain `VendorError`.

    To a login every unknown no is a refusal: trying it again could block the account (after ten, SOAP 1.1).
    """
    unknown = Refusal(AuthenticationFailed if isinstance(operation, Login) else VendorError, "")
    codes = {**REQUEST_CODES, **CANCEL_CODES} if isinstance(operation, Cancel) else REQUEST_CODES
    refusal = codes.get(code, unknown)
    return refusal.error(code=code, vendor_text=vendor_text or refusal.text, retry=refusal.retry)


# 附件一 of the document; 107 and 888 stood in earlier editions, -6 in that of 2020 for SOAP.
STATUS_CODES = {
    "-10": (DeliveryStatus.UNDELIVERABLE, "受話方手機系統不支援 MMS，該訊息傳送失敗。"),
    "-8": (DeliveryStatus.REJECTED, "受話方手機號碼格式不符，該訊息傳送失敗。"),
    "-6": (DeliveryStatus.REJECTED, "DT(預計發送時間)格式錯誤，該訊息傳送失敗"),
    "-5": (DeliveryStatus.REJECTED, "Short Message 內容長度超過限制，該訊息傳送失敗。"),
    "-4": (DeliveryStatus.EXPIRED, "訊息預計發送時間已逾期 24 小時以上，該訊息傳送失敗。"),
    "-3": (DeliveryStatus.BLOCKED, "受話方手機號碼為互動黑名單，該訊息傳送失敗。"),
    "-2": (DeliveryStatus.REJECTED, "API 帳號或密碼錯誤，該訊息傳送失敗。"),
    "-1": (DeliveryStatus.REJECTED, "參數錯誤，該訊息傳送失敗。"),
    "0": (DeliveryStatus.SENT, "訊息已成功送達電信端，等待手機收訊中。"),
    "100": (DeliveryStatus.DELIVERED, "已成功送達手機。"),
    "101": (
        DeliveryStatus.UNDELIVERABLE,
        "電信端回覆因收訊方手機關機、訊號不良、簡訊容量不足等異常原因，收訊失敗。",
    ),
    "102": (DeliveryStatus.FAILED, "電信端回覆因網路系統、設備出現異常，收訊失敗。"),
    "103": (DeliveryStatus.UNDELIVERABLE, "電信端回覆因收訊方手機門號錯誤、空號或停用中，收訊失敗。"),
    "104": (DeliveryStatus.BLOCKED, "因本手機門號為電信端之黑名單，故傳送失敗。"),
    "105": (DeliveryStatus.REJECTED, "電信端回覆經判斷因訊息內文含有敏感關鍵字進行阻擋，故傳送失敗。"),
    "106": (DeliveryStatus.REJECTED, "系統顯示經判斷因訊息內文含有敏感關鍵字進行阻擋，故傳送失敗。"),
    "107": (DeliveryStatus.EXPIRED, "逾時收訊"),
    "300": (DeliveryStatus.SCHEDULED, "預約簡訊。"),
    "301": (DeliveryStatus.NO_CREDIT, "無額度(或額度不足)無法發送。"),
    "303": (DeliveryStatus.CANCELLED, "取消預約。"),
    "500": (DeliveryStatus.REJECTED, "表該門號為國際門號，請至帳號設定開啟國際簡訊發送功能。"),
    "700": (DeliveryStatus.SENT, "已傳送。"),
    "888": (DeliveryStatus.UNKNOWN, "測試模式"),
}

REPLY = "999"
"""The STATUS of a push that carries a reply (6.1.3)."""


def status_of(code: str) -> tuple[DeliveryStatus, str]:
    """The status and the vendor's text of a delivery code; ``UNKNOWN`` and "" for one that no edition has."""
    return STATUS_CODES.get(code, (DeliveryStatus.UNKNOWN, ""))
