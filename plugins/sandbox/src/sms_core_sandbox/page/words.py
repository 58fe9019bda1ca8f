"""The page's words in its languages."""

from __future__ import annotations

import re
from decimal import Decimal

LANGUAGES = {"en": "English", "zh-TW": "繁體中文"}
DEFAULT = "en"

# Each key in English and in 繁體中文.
_WORDS: dict[str, tuple[str, str]] = {
    "title": ("SMS sandbox", "簡訊沙盒"),
    "nothing_leaves": ("Nothing here leaves this machine.", "這裡的簡訊不會真的送出。"),
    "to_content": ("To the content", "跳到內容"),
    "phones": ("Phones", "手機"),
    "faults": ("Faults", "故障"),
    "accounts": ("Accounts", "帳號"),
    "requests": ("Requests", "請求"),
    "live": ("live", "即時"),
    "not_live": ("not connected", "未連線"),
    "language": ("Language", "語言"),
    "theme": ("Appearance", "外觀"),
    "auto": ("System", "跟隨系統"),
    "light": ("Light", "淺色"),
    "dark": ("Dark", "深色"),
    "search": ("Search the texts", "搜尋內容"),
    "number": ("Number", "門號"),
    "vendor": ("Vendor", "業者"),
    "every_vendor": ("Every vendor", "所有業者"),
    "status": ("Status", "狀態"),
    "every_status": ("Every status", "所有狀態"),
    "batch": ("Batch", "批次"),
    "filters": ("Filters", "篩選"),
    "clear": ("Clear", "清除"),
    "no_phones": ("No messages yet", "還沒有簡訊"),
    "no_phones_hint": (
        "Send one with a DSN of the sandbox, and it shows up here by itself.",
        "用沙盒的 DSN 送一則，就會自動出現在這裡。",
    ),
    "nothing_fits": ("Nothing fits these filters", "沒有符合條件的簡訊"),
    "choose": ("Choose a phone", "選擇一支手機"),
    "choose_hint": ("Its conversation opens here.", "對話會顯示在這裡。"),
    "messages": ("messages", "則簡訊"),
    "newer": ("New messages above", "上方有新簡訊"),
    "more": ("More", "載入更多"),
    "earlier": ("Earlier messages", "較早的簡訊"),
    "back": ("Back", "返回"),
    "reply_as": ("Reply as this phone", "以這支手機回覆"),
    "reply": ("Reply", "回覆"),
    "deliver": ("Deliver", "送達"),
    "fail": ("Fail", "失敗"),
    "expire": ("Expire", "逾時"),
    "push_again": ("Push again", "再推送"),
    "details": ("Details", "詳細"),
    "close": ("Close", "關閉"),
    "segment": ("segment", "分段"),
    "segments": ("segments", "段"),
    "picture": ("Picture", "圖片"),
    "subject": ("Subject", "主旨"),
    "name": ("Name", "姓名"),
    "user": ("User", "使用者"),
    "reference": ("Reference", "參考碼"),
    "cost": ("Cost", "費用"),
    "behaviour": ("Behaviour", "行為"),
    "history": ("History", "歷程"),
    "pushes": ("Pushes", "推送"),
    "no_pushes": ("Nothing was pushed for this message.", "這則簡訊沒有推送過。"),
    "attempt": ("attempt", "第幾次"),
    "taken": ("acknowledged", "已確認"),
    "not_taken": ("not acknowledged", "未確認"),
    "request": ("Request", "請求"),
    "answer": ("Answer", "回應"),
    "decoded": ("Fields, decoded", "解碼後的欄位"),
    "no_request": ("The request is not kept.", "沒有保留這個請求。"),
    "no_requests": ("No requests yet", "還沒有請求"),
    "code": ("Code", "驗證碼"),
    "kind": ("Kind", "種類"),
    "match": ("Only requests with", "只對含有此字的請求"),
    "match_hint": ("a part of the path or SOAPAction", "路徑或 SOAPAction 的一部分"),
    "times": ("Times", "次數"),
    "times_hint": ("empty: until switched off", "留空：直到關閉"),
    "seconds": ("Seconds", "秒數"),
    "after": ("After messages", "幾則之後"),
    "switch_on": ("Switch on", "開啟"),
    "switch_off": ("Switch off", "關閉"),
    "all_off": ("All off", "全部關閉"),
    "no_faults": ("No fault is switched on.", "目前沒有開啟的故障。"),
    "what_each_did": ("What each did", "各故障的作用"),
    "no_effects": ("No request has met a fault yet.", "還沒有請求遇到故障。"),
    "acts": ("carried out", "已執行"),
    "acts_not": ("not carried out", "未執行"),
    "used": ("used", "已用"),
    "left": ("left", "剩餘"),
    "without_end": ("until switched off", "直到關閉"),
    "no_answer": ("no answer", "沒有回應"),
    "time": ("Time", "時間"),
    "accepted_n": ("messages taken", "則已收下"),
    "summary": ("Summary", "總覽"),
    "sent": ("Sent", "已送"),
    "delivered_n": ("Delivered", "送達"),
    "failed_n": ("Failed", "失敗"),
    "waiting_n": ("On the way", "處理中"),
    "spent": ("Spent", "花費"),
    "credit": ("Credit", "餘額"),
    "set_credit": ("Set", "設定"),
    "blocked": ("blocked after wrong passwords", "密碼錯誤過多，已鎖定"),
    "points": ("points", "點"),
    "one_point": ("point", "點"),
    "checked": ("Taiwan's carriers check the texts", "電信業者檢查簡訊內容"),
    "unchecked": ("the carriers let every text through", "電信業者不檢查內容"),
    "names": ("Approved sender names", "核准的發送者名稱"),
    "links": ("Registered links", "登記的網址"),
    "telephones": ("Registered telephone numbers", "登記的電話"),
    "a_line_each": ("one on each line", "每行一個"),
    "international": ("may send abroad", "可發送國際簡訊"),
    "domestic": ("may not send abroad", "不可發送國際簡訊"),
    "clock": ("Clock", "時鐘"),
    "minute": ("+ 1 minute", "+ 1 分鐘"),
    "hour": ("+ 1 hour", "+ 1 小時"),
    "day": ("+ 1 day", "+ 1 天"),
    "callback": ("Pushes go to", "推送到"),
    "nowhere": ("nowhere but where a send itself says", "只推送到發送時指定的網址"),
    "save": ("Save", "儲存"),
    "reset": ("Forget everything", "全部清除"),
    "reset_sure": ("Forget all messages, faults and logins?", "要清除所有簡訊、故障與登入嗎？"),
    "sessions": ("End all logins", "結束所有登入"),
    "control_api": ("Control API", "控制 API"),
    "no report: this send named no URL": (
        "no report: this send named no URL",
        "不會回報：這次發送沒有指定網址",
    ),
    # statuses, by their values
    "accepted": ("accepted", "已收下"),
    "scheduled": ("scheduled", "預約中"),
    "sent_status": ("sent", "已送出"),
    "delivered": ("delivered", "已送達"),
    "expired": ("expired", "逾時"),
    "undeliverable": ("undeliverable", "無法送達"),
    "rejected": ("rejected", "被拒"),
    "blocked_status": ("blocked", "被封鎖"),
    "cancelled": ("cancelled", "已取消"),
    "no_credit": ("no credit", "餘額不足"),
    "failed": ("failed", "失敗"),
    "unknown": ("unknown", "不明"),
    "waiting": ("on the way", "處理中"),
    "any_failed": ("any failure", "任何失敗"),
    # kinds of faults
    "drop_before": ("the connection closes before the request is read", "讀取請求前斷線"),
    "drop_after": ("the connection closes after it was carried out", "執行後斷線"),
    "slow": ("the answer is late", "回應很慢"),
    "late": ("carried out and answered late", "延後執行與回應"),
    "429": ("too many requests", "請求過多"),
    "403": ("an edge refuses", "被閘道拒絕"),
    "500": ("the server fails", "伺服器錯誤"),
    "502": ("a gateway fails after it was carried out", "執行後閘道錯誤"),
    "html200": ("a proxy's page instead of an answer", "代理網頁取代回應"),
    "half": ("half an answer, then the connection closes", "回應一半後斷線"),
    "half_text": ("half an answer", "只有一半的回應"),
    "garbage": ("bytes that mean nothing", "無意義的位元組"),
    "wrong_charset": ("the answer in another charset", "回應使用錯誤的編碼"),
    "out_of_credit": ("the points run out", "點數用完"),
}
# Notes that name something. What of a text broke the carriers' rules comes first in the pattern that fits.
_NOTES = (
    (r"dropped by the carriers: the text names no approved sender", r"被電信業者攔下：內容沒有核准的發送者名稱"),
    (r"dropped by the carriers: the telephone number (.+) is not registered", r"被電信業者攔下：電話 \1 沒有登記"),
    (r"dropped by the carriers: (.+) is not registered", r"被電信業者攔下：網址 \1 沒有登記"),
)
_SPECIAL = {"sent": "sent_status", "blocked": "blocked_status"}
"""Statuses whose values are other words' keys too."""
_ONE = {"points": "one_point"}
"""Units of which one is called otherwise."""


def word(language: str, key: str) -> str:
    """A word in a language; the key itself where there is none."""
    english, chinese = _WORDS.get(key, (key, key))
    return chinese if language == "zh-TW" else english


def note_word(language: str, note: str) -> str:
    """A note of a message in a language; as it is where it is not known."""
    if language != "zh-TW":
        return note
    for pattern, chinese in _NOTES:
        if found := re.fullmatch(pattern, note):
            return found.expand(chinese)
    return word(language, note)


def status_word(language: str, status: str) -> str:
    """A status in a language."""
    return word(language, _SPECIAL.get(status, status))


def unit_word(language: str, unit: str, amount: Decimal | str | None) -> str:
    """A unit beside an amount of it, in a language."""
    is_one = amount is not None and Decimal(amount) == 1
    return word(language, _ONE.get(unit, unit) if is_one else unit)


def language_of(cookie: str, accepted: str) -> str:
    """The language of a request: the one that was chosen, else the first of the browser's that there is."""
    if cookie in LANGUAGES:
        return cookie
    for wanted in accepted.split(","):
        name = wanted.partition(";")[0].strip().lower()
        if name.startswith("zh"):
            return "zh-TW"
        if name.startswith("en"):
            return "en"
    return DEFAULT
