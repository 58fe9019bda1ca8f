"""The sandbox's page as a person uses it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

import sms_core
from sms_core.testing import Draft
from sms_core_sandbox import Sandbox

LONG = "親愛的客戶您好，您訂購的商品已於今日出貨。如需查詢物流進度，請至會員中心輸入訂單編號。若有任何問題，歡迎來電客服專線，我們很樂意為您服務。感謝您的購買！"


@pytest.fixture
def send(box: Sandbox) -> Iterator[Callable[[str, str], object]]:
    """Send as an application does, in a thread of its own: Playwright keeps an event loop in this one."""
    with sms_core.connect(box.dsn("every8d", retries=0)) as sms, ThreadPoolExecutor(1) as elsewhere:
        yield lambda text, to: elsewhere.submit(sms.send, text, to=to).result(timeout=20)


def test_a_message_arrives_live(look: Any, send: Any) -> None:
    page = look("/", locale="zh-TW")
    assert page.get_by_text("還沒有簡訊").is_visible()
    send("【互動資通】您的驗證碼是 482913", "0912345678")
    page.locator("a.phone", has_text="482913").wait_for()
    page.locator("a.phone").click()
    send(LONG, "0912345678")
    page.locator(".bubble", has_text="感謝您的購買").wait_for()
    assert page.locator(".bubble .seam").count() == 1
    page.locator(".bubble .status.good", has_text="已送達").nth(1).wait_for()
    look.keep(page, "conversation-zh")


def test_a_reply_reaches_the_application_s_receiver(look: Any, send: Any, box: Sandbox) -> None:
    heard: list[str] = []
    came = threading.Event()

    class Receiver(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()
            if "SM=%E5%A5%BD%E7%9A%84" in self.path:
                came.set()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            box.callback_url = f"http://127.0.0.1:{server.server_port}/sms"
            send("會議改到三點", "0912345678")
            page = look("/phones/+886912345678")
            page.get_by_label("Reply as this phone").fill("好的")
            page.get_by_role("button", name="Reply", exact=True).click()
            assert came.wait(10), heard
            page.locator(".reply-bubble", has_text="好的").wait_for()
            assert page.get_by_label("Reply as this phone").input_value() == ""
        finally:
            server.shutdown()
            thread.join()


def test_a_message_is_failed_by_one_click_and_its_details_tell_of_it(look: Any, send: Any) -> None:
    send("hello", "0900000900")
    page = look("/phones/+886900000900")
    page.get_by_role("button", name="Expire").click()
    page.locator(".bubble .status", has_text="expired").wait_for()
    page.get_by_role("link", name="Details").click()
    history = page.locator(".history li")
    history.nth(2).wait_for()
    assert [text.split()[0] for text in history.all_inner_texts()] == ["scheduled", "sent", "expired"]
    assert "SendSMS.ashx" in page.locator("#details pre").first.inner_text()
    assert "sandbox-password" not in page.content()
    look.keep(page, "details-en")


def test_a_fault_is_switched_on_and_a_client_sees_it(look: Any, send: Any) -> None:
    page = look("/faults")
    page.get_by_label("Kind").select_option("429")
    page.get_by_label("Only requests with").fill("SnedSMS")
    page.get_by_role("button", name="Switch on").click()
    page.get_by_role("alert").filter(has_text="SnedSMS").wait_for()
    page.get_by_label("Only requests with").fill("SendSMS")
    page.get_by_role("button", name="Switch on").click()
    page.locator(".switches li", has_text="429").wait_for()
    with pytest.raises(sms_core.RateLimited):
        send("hello", "0912345678")
    page.locator("tbody tr", has_text="not carried out").wait_for()
    page.locator(".switches li").wait_for(state="detached")
    look.errors.clear()  # the browser's own word on the refusal
    look.keep(page, "faults-en")


def test_with_the_keyboard_alone(look: Any, send: Any, box: Sandbox) -> None:
    for number in ("0912345678", "0987654321"):
        send(f"to {number}", number)
    page = look("/")
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "To the content"
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.locator("h1", has_text="0912345678").wait_for()
    page.locator("#live.on").wait_for()
    page.keyboard.press("r")
    page.keyboard.type("ok")
    page.keyboard.press("Enter")
    page.locator(".reply-bubble", has_text="ok").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("to 0987")
    page.locator("a.phone").nth(1).wait_for(state="detached")
    assert page.locator("a.phone").inner_text().startswith("0987654321")


def test_dark_on_a_phone_s_width(look: Any, send: Any) -> None:
    send(LONG, "0912345678")
    page = look("/", width=390, height=780, color_scheme="dark", locale="zh-TW")
    assert not page.locator(".conversation").is_visible()
    page.locator("a.phone").click()
    page.locator(".bubble").wait_for()
    assert not page.locator(".list").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 23, 22)"
    look.keep(page, "narrow-dark-zh")
    page.get_by_role("link", name="返回").click()
    page.locator("a.phone").wait_for()


def test_language_and_look_are_remembered(look: Any) -> None:
    page = look("/accounts")
    page.get_by_role("link", name="繁體中文").click()
    page.locator("h1", has_text="帳號").wait_for()
    page.get_by_role("link", name="外觀: 深色").click()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.goto(page.url.replace("accounts", "faults"))
    assert page.locator("h1").inner_text() == "故障"
    look.keep(page, "faults-dark-zh")


def test_pages_of_many_phones(look: Any, box: Sandbox) -> None:
    drafts = [Draft(f"+8869{index:08}", f"text {index}") for index in range(1, 501)]
    box.exchange.of("every8d").submit("sandbox", drafts, face="every8d")
    page = look("/")
    assert page.locator("a.phone").count() == 50
    for count in (100, 150):
        page.locator("[data-scroll=phones]").evaluate("element => element.scrollTop = element.scrollHeight")
        page.locator("a.phone").nth(count - 1).wait_for()
    box.exchange.of("every8d").submit("sandbox", [Draft("+886987654321", "newest")], face="every8d")
    page.get_by_role("button", name="New messages above").click()
    page.locator("a.phone", has_text="newest").wait_for()


def test_the_picture_of_the_readme(look: Any, send: Any, box: Sandbox) -> None:
    exchange = box.exchange.of("every8d")
    for index, (text, name) in enumerate(
        [("會議改到三點", "陳小姐"), ("您的包裹已送達超商", ""), ("Your table is ready", "")]
    ):
        exchange.submit("sandbox", [Draft(f"+88691100020{index}", text, name=name)], face="every8d")
    exchange.submit("sandbox", [Draft("+886911000903", "繳費提醒：本期帳單已產生")], face="every8d")
    send(LONG, "0912345678")
    box.exchange.reply("+886912345678", "好的，謝謝！")
    send("【互動資通】您的驗證碼是 482913，十分鐘內有效。", "0912345678")
    page = look("/phones/+886912345678")
    page.get_by_role("link", name="Details").last.click()
    page.locator(".code", has_text="482913").wait_for()
    page.locator("#live.on").wait_for()
    look.keep(page, "readme")
