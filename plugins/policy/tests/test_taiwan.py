"""Taiwan's carriers: which texts pass, and in which words the others are refused."""

from __future__ import annotations

import pytest

import sms_core
from sms_core import ConfigurationError, InvalidMessage, Message, Recipient
from sms_core.testing import memory_exchange
from sms_core_policy import PolicyRefused, TaiwanRules

DSN = "memory://taiwan-rules"
TAIWAN, ABROAD = "0900000001", "+12025550100"
RULES = TaiwanRules(
    senders=["互動資通", "ABC"],
    urls=["https://shop.example.tw/", "reurl.cc/Ab3"],
    phones=["02-2345-6789", "0800-123-456#1"],
)


def refusal(text: str, rules: TaiwanRules = RULES, to: str = TAIWAN) -> PolicyRefused | None:
    with sms_core.connect(DSN, plugins=[rules]) as sms:
        before = len(memory_exchange("taiwan-rules").accepted)
        try:
            sms.send(text, to=to)
        except PolicyRefused as error:
            assert len(memory_exchange("taiwan-rules").accepted) == before
            return error
        return None


@pytest.mark.parametrize(
    "text",
    [
        "【互動資通】您的驗證碼是 123456",
        "您好，互動資通通知您：https://shop.example.tw/sale?x=1",
        "ABC shop.example.tw",
        "ABC HTTP://SHOP.EXAMPLE.TW/a",
        "ABC reurl.cc/Ab3",
        "ABC reurl.cc/Ab3?utm=1",
        "ABC (02)2345-6789#123",
        "ABC +886-2-23456789",
        "ABC 0800123456 轉1",
    ],
)
def test_a_text_as_the_carriers_want_it_passes(text: str) -> None:
    assert refusal(text) is None


@pytest.mark.parametrize(
    ("text", "rule", "words"),
    [
        (
            "您的驗證碼是 123456",
            "taiwan-sender",
            "names no approved sender: carriers in Taiwan drop it; it needs '互動資通', 'ABC'",
        ),
        (
            "互动资通",
            "taiwan-sender",
            "writes '互动资通' where '互動資通' is approved: they differ in simplified characters",
        ),
        ("ＡＢＣ", "taiwan-sender", "writes 'ＡＢＣ' where 'ABC' is approved: they differ in width"),
        ("ABC https://evil.tw/login", "taiwan-url", "holds the URL evil.tw/… at character 5, which is not registered"),
        ("ABC evil。tw", "taiwan-url", "the URL evil.tw at character 5"),
        ("ABC shop.example.tw.evil.tw", "taiwan-url", "shop.example.tw.evil.tw"),
        ("ABC https://shop.example.tw:8443/", "taiwan-url", "shop.example.tw:8443"),
        ("ABC reurl.cc/Ab3x", "taiwan-url", "not registered: of this host it is reurl.cc/Ab3"),
        ("ABC reurl.cc/Ab3/../x", "taiwan-url", "reurl.cc"),
        ("ABC reurl.cc/Ab3/%2e%2e/x", "taiwan-url", "reurl.cc"),
        ("ABC 請撥02-2345-6780", "taiwan-phone", "at character 7, which is not registered"),
        ("ABC 0800-123-456", "taiwan-phone", "at character 5"),
        ("ABC 0912345678", "taiwan-phone", "0912****78"),
    ],
)
def test_any_other_is_refused_in_words_that_name_what_and_where(text: str, rule: str, words: str) -> None:
    error = refusal(text)
    assert error is not None
    assert (error.rule, error.field) == (rule, "text")
    assert words in str(error)
    assert str(error).endswith(f"(rule {rule})")


def test_numbers_in_an_error_are_masked_and_paths_left_out() -> None:
    assert "345678" not in str(refusal("ABC 0912345678"))
    assert "t0k3n" not in str(refusal("ABC evil.tw/?t0k3n"))


def test_other_countries_are_not_touched() -> None:
    assert refusal("no name, evil.tw", to=ABROAD) is None


def test_the_final_text_counts_and_each_recipient_stands_alone() -> None:
    to = [
        Recipient(TAIWAN, params={"who": "ABC"}),
        Recipient("0900000002", params={"who": "XYZ"}),
        Recipient(ABROAD, params={"who": "x"}),
    ]
    with sms_core.connect(DSN, plugins=[RULES]) as sms:
        plan = sms.plan(Message("{who} hello", to), skip_refused=True)
        assert [destination.position for destination in plan.rendered] == [0, 2]
        assert list(plan.refused) == [1]
        own = [Recipient(TAIWAN, text="ABC"), Recipient("0900000002", text="XYZ")]
        with pytest.raises(PolicyRefused) as refused:
            sms.send(Message("", own))
    assert refused.value.field == "to[1].text"


@pytest.mark.parametrize(
    ("match", "same", "other"),
    [
        ("host", ["https://x.tw/b", "x.tw", "http://X.TW/a/b"], ["y.tw/a", "x.tw:8443/a"]),
        ("prefix", ["https://x.tw/a", "x.tw/a/b", "x.tw/a?b", "x.tw/a#b"], ["x.tw", "x.tw/ab", "x.tw/b"]),
        ("exact", ["https://x.tw/a"], ["x.tw/a", "https://x.tw/a/", "http://x.tw/a", "https://X.tw/a"]),
    ],
)
def test_what_counts_as_the_same_url_can_be_set(match: str, same: list[str], other: list[str]) -> None:
    rules = TaiwanRules(senders="ABC", urls="https://x.tw/a", url_match=match)  # type: ignore[arg-type]
    assert [refusal(f"ABC {url}", rules) for url in same] == [None] * len(same)
    assert all(refusal(f"ABC {url}", rules) for url in other)


def test_internationalised_hosts_are_the_same_in_both_spellings() -> None:
    rules = TaiwanRules(senders=["ABC"], urls=["例子.台灣"])
    assert refusal("ABC xn--fsqu00a.xn--kpry57d/x", rules) is None


def test_warn_says_the_same_and_sends() -> None:
    rules = TaiwanRules(senders=["ABC"], mode="warn")
    to = [Recipient(f"09000000{place:02d}", text=f"{place} evil.tw") for place in range(20)]
    with sms_core.connect(DSN, plugins=[rules]) as sms:
        warnings = sms.preview(Message("", to)).warnings
        assert sms.send(Message("", to)).accepted == 20
    assert [warning for warning in warnings if "(rule" in warning] == [
        (
            "to[0].text: names no approved sender: carriers in Taiwan drop it; it needs 'ABC', character for character"
            "; so do 20 of 20 texts (rule taiwan-sender)"
        ),
        "to[0].text: holds the URL evil.tw at character 3, which is not registered; so do 20 of 20 texts (rule taiwan-url)",
    ]


def test_without_any_configuration_it_says_once_that_no_sender_is_configured() -> None:
    with sms_core.connect(DSN, plugins=[TaiwanRules()]) as sms:
        warnings = sms.preview(Message("evil.tw 0912345678", [TAIWAN, "0900000002"])).warnings
        assert sms.preview(Message("x", ABROAD)).warnings == tuple(w for w in warnings if "(rule" not in w)
    (ours,) = (warning for warning in warnings if "(rule" in warning)
    assert ours.startswith("text: names no configured sender")


@pytest.mark.parametrize(
    "wrong",
    [
        {"senders": [""]},
        {"senders": [" ABC"]},
        {"senders": ["ABC"], "urls": ["no url"]},
        {"senders": ["ABC"], "urls": ["https://x.tw/商品"]},
        {"senders": ["ABC"], "phones": ["2345-6789"]},
        {"senders": ["ABC"], "mode": "loud"},
        {"senders": ["ABC"], "url_match": "near"},
        {"mode": "strict"},
        {"urls": ["x.tw"]},
    ],
)
def test_a_configuration_that_cannot_be_meant_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match=r"^TaiwanRules: "):
        TaiwanRules(**wrong)  # type: ignore[arg-type]


def test_the_refusal_is_an_invalid_message_that_crosses_a_queue() -> None:
    error = refusal("x")
    assert isinstance(error, InvalidMessage)
    assert str(type(error)(*error.args)) == str(error)
