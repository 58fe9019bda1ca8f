"""The page as HTML, and who may see it: without a browser."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import urllib3

from sms_core import ConfigurationError
from sms_core.testing import Approved, Draft
from sms_core_sandbox import Sandbox

PAGES = ["/", "/phones/%2B886900000908", "/faults", "/accounts", "/requests"]
MARKUP = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'{{7*7}}"


@pytest.fixture
def see(box: Sandbox, wire: Any) -> Any:
    def request(path: str, status: int = 200, **headers: str) -> str:
        answer = wire.pool.request("GET", f"{box.url}{path}", headers=headers, redirect=False)
        assert answer.status == status, answer.data
        return str(answer.data.decode())

    return request


@pytest.fixture
def post(box: Sandbox, wire: Any) -> Any:
    def request(path: str, headers: dict[str, str] | None = None, **fields: str) -> int:
        given = {"HX-Request": "true"} if headers is None else headers
        answer = wire.pool.request("POST", f"{box.url}{path}", fields=fields, encode_multipart=False, headers=given)
        return int(answer.status)

    return request


def test_a_conversation(wire: Any, see: Any) -> None:
    wire("SendSMS.ashx", MSG="哈囉" * 60, DEST="0900000908", SB="note")
    shown = see("/phones/%2B886900000908")
    for text in ("哈囉", "0900000908", "delivered", "好的，收到了。", "note", "every8d", "2 segments"):
        assert text in shown
    assert shown.count('class="seam"') == 1
    chinese = see("/phones/%2B886900000908", **{"Accept-Language": "zh-TW,zh;q=0.9"})
    assert "已送達" in chinese
    assert '<html lang="zh-TW"' in chinese


def test_one_point_is_no_points(wire: Any, see: Any) -> None:
    wire("SendSMS.ashx", MSG="A", DEST="0900000908")
    english, chinese = see("/accounts"), see("/accounts", **{"Accept-Language": "zh-TW"})
    assert ">1 point</td>" in english
    assert ">1 點</td>" in chinese


def test_everything_that_somebody_wrote_is_escaped(box: Sandbox, wire: Any, see: Any) -> None:
    exchange = box.exchange.of("every8d")
    exchange.add_account(MARKUP, "pw")
    draft = Draft("+886900000908", MARKUP, reference=MARKUP, name=MARKUP)
    exchange.submit(MARKUP, [draft], face="every8d", subject=MARKUP, batch_id=MARKUP)
    exchange.reply("+886900000908", MARKUP)
    wire.pool.request("POST", f"{wire.base}{MARKUP}", body=MARKUP.encode(), headers={"X-Markup": MARKUP})
    call = box.views.calls()[0]["id"]
    serial = exchange.messages[-1].serial
    box.callback_url = f"http://127.0.0.1:1/{MARKUP}"
    for page in [*PAGES, f"/messages/{serial}", f"/requests/{call}", "/?text=%3Cscript%3Ealert(1)%3C/script%3E"]:
        shown = see(page)
        assert "<script>alert" not in shown, page
        assert "<img src=x" not in shown, page


@pytest.mark.parametrize("page", PAGES)
def test_no_password_is_on_it(box: Sandbox, wire: Any, see: Any, page: str) -> None:
    wire("SendSMS.ashx", MSG="x", DEST="0900000908")
    assert "sandbox-password" not in see(page)


def test_actions(box: Sandbox, wire: Any, post: Any) -> None:
    wire("SendSMS.ashx", MSG="x", DEST="0900000900")
    (message,) = box.exchange.messages
    assert post(f"/_sandbox/page/messages/{message.serial}/finish", status="expired") == 204
    assert box.exchange.messages[0].status.value == "expired"
    assert post("/_sandbox/page/phones/+886900000900/reply", text="好") == 204
    assert [reply.text for reply in box.exchange.replies] == ["好"]
    assert post("/_sandbox/page/faults/on", kind="429", match="SendSMS", times="") == 204
    assert [(switch.fault.kind, switch.left) for switch in box.faults.switches] == [("429", None)]
    assert post("/_sandbox/page/faults/on", kind="429", match="SnedSMS") == 422
    assert post(f"/_sandbox/page/faults/{box.faults.switches[0].number}/off") == 204
    assert post("/_sandbox/page/credit", vendor="every8d", user="sandbox", credit="7") == 204
    assert [account.credit for account in box.exchange.accounts if account.user == "sandbox"] == [7]
    assert post("/_sandbox/page/reset") == 204
    assert box.exchange.messages == ()


def test_what_the_carriers_know_is_written_and_shown(box: Sandbox, wire: Any, see: Any, post: Any) -> None:
    rights = {"names": "互動資通\n E8D \n", "links": "", "telephones": "", "checked": "1"}
    assert post("/_sandbox/page/approved", vendor="every8d", user="sandbox", **rights) == 204
    (account,) = [account for account in box.exchange.accounts if account.user == "sandbox"]
    assert (account.approved, account.international) == (Approved(names=["互動資通", "E8D"]), False)
    assert "互動資通\nE8D</textarea>" in see("/accounts")
    assert "核准的發送者名稱" in see("/accounts", **{"Accept-Language": "zh-TW"})
    wire("SendSMS.ashx", MSG="E8D: call 02-2345-6789", DEST="0900000908")
    phone = "/phones/%2B886900000908"
    assert "the telephone number 02-2345-6789 is not registered" in see(phone)
    assert "電話 02-2345-6789 沒有登記" in see(phone, **{"Accept-Language": "zh-TW"})
    assert post("/_sandbox/page/approved", vendor="every8d", user="sandbox", international="1") == 204
    assert box.exchange.of("every8d").account("sandbox").approved is None


def test_a_form_is_shown_decoded_beside_the_raw_one(box: Sandbox, wire: Any, see: Any) -> None:
    wire("SendSMS.ashx?REPLYONCE=%AD%BB", MSG="哈囉 <b>&1", DEST="0900000908", PWD="a secret with blanks")
    (call,) = box.views.calls()
    fields = {field["name"]: field["value"] for field in call["fields"]}
    assert (fields["MSG"], fields["REPLYONCE"], fields["PWD"]) == ("哈囉 <b>&1", "香", "•••")
    shown = see(f"/requests/{call['id']}")
    assert "MSG=%E5%93%88%E5%9B%89" in shown
    assert "<dt>MSG</dt><dd>哈囉 &lt;b&gt;&amp;1</dd>" in shown
    assert "secret" not in shown
    wire("SendSMS.ashx", MSG="my password is sandbox-password", DEST="0900000908")
    assert "my password is •••" in see(f"/messages/{box.exchange.messages[-1].serial}")


class TestSafe:
    @pytest.mark.parametrize("path", [*PAGES, "/_sandbox/messages", "/_sandbox/events", "/_sandbox/page/phones"])
    def test_another_name_is_refused(self, see: Any, path: str) -> None:
        see(path, 421, Host="attacker.example")

    @pytest.mark.parametrize("host", ["127.0.0.1:1", "localhost:8025", "[::1]:8025", "box.localhost"])
    def test_its_own_names_are_not(self, see: Any, host: str) -> None:
        see("/faults", 200, Host=host)

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"HX-Request": "true", "Origin": "https://attacker.example"},
            {"HX-Request": "true", "Origin": "null"},
            {"HX-Request": "true", "Sec-Fetch-Site": "cross-site"},
        ],
    )
    def test_another_page_changes_nothing(self, box: Sandbox, wire: Any, post: Any, headers: dict[str, str]) -> None:
        wire("SendSMS.ashx", MSG="x", DEST="0900000001")
        assert post("/_sandbox/page/reset", headers=headers) in {400, 403}
        assert len(box.exchange.messages) == 1

    def test_a_browser_is_told_to_take_nothing_from_elsewhere(self, box: Sandbox, wire: Any) -> None:
        headers = wire.pool.request("GET", f"{box.url}/").headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"

    def test_the_way_back_stays_here(self, box: Sandbox, wire: Any) -> None:
        for back in ("//attacker.example", "https://attacker.example", "/\\attacker.example"):
            answer = wire.pool.request(
                "GET", f"{box.url}/_sandbox/page/prefer", fields={"theme": "dark", "back": back}, redirect=False
            )
            assert answer.headers["location"] == "/"

    def test_beyond_this_machine_a_password_is_needed(self) -> None:
        with pytest.raises(ConfigurationError, match="password"):
            Sandbox(host="0.0.0.0", faces=[])

    def test_with_a_password_and_an_allow_list(self) -> None:
        settings: dict[str, Any] = {"password": "open sesame", "allowed_callbacks": ["app.example"]}
        with Sandbox(host="0.0.0.0", faces=["every8d"], **settings) as box:
            base = f"http://127.0.0.1:{box.port}"
            assert urllib3.request("GET", f"{base}/").status == 401
            assert urllib3.request("GET", f"{base}/_sandbox/messages").status == 401
            wrong = urllib3.make_headers(basic_auth="x:open sesame!")
            assert urllib3.request("GET", f"{base}/", headers=wrong).status == 401
            right = urllib3.make_headers(basic_auth="x:open sesame")
            assert urllib3.request("GET", f"{base}/", headers=right).status == 200
            for url, status in (
                ("http://app.example/sms", 200),
                ("http://127.0.0.1:9/sms", 200),
                ("http://app.example@metadata.example/", 400),
                ("http://10.0.0.1/", 400),
            ):
                answer = urllib3.request("POST", f"{base}/_sandbox/callback", json={"url": url}, headers=right)
                assert answer.status == status, url
            assert urllib3.request("GET", f"{base}/every8d/API21/HTTP/GetCredit.ashx").status == 200

    def test_stopping_during_a_slow_fault_prints_nothing(self) -> None:
        program = """
import threading, urllib3
from sms_core_sandbox import Sandbox
with Sandbox(faces=["every8d"]) as box:
    for kind in ("slow", "late"):
        box.faults.add(kind, seconds=30)
    def ask():
        try:
            urllib3.request("GET", f"{box.url}/every8d/API21/HTTP/GetCredit.ashx", retries=False)
        except urllib3.exceptions.HTTPError:
            pass
    threads = [threading.Thread(target=ask) for _ in range(2)]
    events = urllib3.request("GET", f"{box.url}/_sandbox/events", preload_content=False)
    for thread in threads:
        thread.start()
    while len(box.faults.applied) < 2:
        pass
for thread in threads:
    thread.join()
"""
        ran = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, encoding="utf-8", timeout=60, check=True
        )
        assert (ran.stdout, ran.stderr) == ("", "")
