"""URLs, telephone numbers and nearly right names in texts: found wherever they stand, and nothing else is."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_core_policy.links import browser_host, find_links, top_level_domains
from sms_core_policy.phones import find_phones
from sms_core_policy.senders import near_miss

LINKS = {
    "https://shop.example.tw/a?b=c#d": ("shop.example.tw", "/a?b=c#d"),
    "http://shop.example.tw": ("shop.example.tw", ""),
    "HTTPS://Shop.Example.TW/A": ("shop.example.tw", "/A"),
    "shop.example.tw": ("shop.example.tw", ""),
    "www.shop.internal/x": ("www.shop.internal", "/x"),
    "reurl.cc/Ab3": ("reurl.cc", "/Ab3"),
    "lin.ee/x": ("lin.ee", "/x"),
    "shop．example．tw": ("shop.example.tw", ""),
    "shop。example。tw": ("shop.example.tw", ""),
    "ｓｈｏｐ｡ｔｗ／ａ": ("shop.tw", "/a"),
    "例子.台灣": ("xn--fsqu00a.xn--kpry57d", ""),
    "xn--fsqu00a.xn--kpry57d/": ("xn--fsqu00a.xn--kpry57d", "/"),
    "bücher.de": ("xn--bcher-kva.de", ""),
    "https://shop.example.tw@evil.tw/": ("evil.tw", "/"),
    "https://a:b@shop.example.tw@evil.tw": ("evil.tw", ""),
    "evil\u200b.t\u00adw": ("evil.tw", ""),
    "http://localhost/a": ("localhost", "/a"),
    "192.0.2.1/a": ("192.0.2.1", "/a"),
    "https://x.tw/a(b)": ("x.tw", "/a(b)"),
    "my_shop.example.tw/a": ("my_shop.example.tw", "/a"),
    "https://my_shop.example.tw": ("my_shop.example.tw", ""),
    "https://😀.tw/a": ("xn--e28h.tw", "/a"),
    "XN--FSQU00A.XN--KPRY57D": ("xn--fsqu00a.xn--kpry57d", ""),
}
NO_LINKS = [
    "您好。謝謝。再見",
    "3.5 折",
    "v1.2.3",
    "NT$1.200",
    "2026.11.27",
    "a@example.tw",
    "wait...what",
    "1.5GB",
    "",
]

PHONES = {
    "0800-123-456": "+886800123456",
    "0809123456": "+886809123456",
    "(02)2345-6789": "+886223456789",
    "(02) 2345 6789": "+886223456789",
    "02-23456789": "+886223456789",
    "037-123456": "+88637123456",
    "0836-12345": "+88683612345",
    "0912-345-678": "+886912345678",
    "0912345678": "+886912345678",
    "0912-34-56-78": "+886912345678",
    "+886-2-2345-6789": "+886223456789",
    "+886 (0)2 2345 6789": "+886223456789",
    "+886912345678": "+886912345678",
    "886912345678": "+886912345678",
    "002-886-2-2345-6789": "+886223456789",
    "０９１２－３４５－６７８": "+886912345678",
    "070-1010-1234": "+8867010101234",
    "+1 (202) 555-0100": "+12025550100",
    "（０２）２３４５－６７８９": "+886223456789",
    "(+886)912-345-678": "+886912345678",
    "0912\u200b345678": "+886912345678",
}
NO_PHONES = [
    "驗證碼 123456",
    "2026-11-27 02-03 04-05 06",
    "05-06 07-08 10",
    "AB0912345678",
    "12345678",
    "1922",
    "01234567890123456789",
]

BEFORE = st.sampled_from(["", "請上", "電洽 ", "網址:", "（", "您好，", "A "])
AFTER = st.sampled_from(["", "查詢", " 謝謝", "，請", "。", "）", "！", "\n"])


@given(st.sampled_from(sorted(LINKS)), BEFORE, AFTER)
def test_a_url_is_found_as_it_stands(url: str, before: str, after: str) -> None:
    if url == "例子.台灣":
        before = f"{before} "  # where a Chinese name begins in a Chinese sentence, nobody can tell
    (link,) = find_links(f"{before}{url}{after}")
    assert (link.start, link.written) == (len(before), url)
    assert (link.host, link.tail) == LINKS[url]


LABEL = st.text("abyz019-", min_size=1, max_size=12).map(lambda text: text.strip("-")).filter(bool)
DOTS = st.sampled_from([".", "．", "。"])


@given(st.lists(LABEL, min_size=1, max_size=4), st.sampled_from(["tw", "com", "cc", "ly", "shop"]), DOTS, BEFORE, AFTER)
def test_any_domain_is_found_whatever_its_dots(labels: list[str], last: str, dot: str, before: str, after: str) -> None:
    written = dot.join([*labels, last])
    (link,) = find_links(f"{before}{written}{after}")
    assert link.written == written
    assert link.host == browser_host(".".join([*labels, last]))


@given(st.text(max_size=200))
def test_what_is_found_is_a_piece_of_the_text(text: str) -> None:
    links = find_links(text)
    phones = find_phones(text, [(link.start, link.end) for link in links])
    pieces = sorted([(link.start, link.end) for link in links] + [(phone.start, phone.end) for phone in phones])
    for found in (*links, *phones):
        assert found.written == text[found.start : found.end]
        assert found.written
    for before, after in itertools.pairwise(pieces):
        assert before[1] <= after[0]


@pytest.mark.parametrize("text", NO_LINKS)
def test_what_is_no_url_is_none(text: str) -> None:
    assert find_links(text) == []


def test_a_link_shows_no_path_for_it_may_hold_a_secret() -> None:
    (link,) = find_links("https://shop.example.tw:8443/reset/s3cr3t?token=t0k3n")
    assert link.shown == "shop.example.tw:8443/…"
    assert "s3cr3t" not in link.shown + repr(link).replace(link.written, "")


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("http://evil.tw\\@shop.example.tw/", ["evil.tw", "shop.example.tw"]),
        ("shop.tw/a,evil.tw/b;https://x.tw,c", ["shop.tw", "evil.tw", "x.tw"]),
        ("shop.tw/@25.03,121.56,17z", ["shop.tw"]),
        ("https://shop.tw，或寫信a@b.tw", ["shop.tw"]),
        ("https://evil.tw#@shop.tw", ["evil.tw"]),
    ],
)
def test_each_host_is_found_that_a_browser_would_ask(text: str, hosts: list[str]) -> None:
    assert [link.host for link in find_links(text)] == hosts


def test_the_list_of_top_level_domains_has_both_spellings() -> None:
    assert {"tw", "com", "台灣", "xn--kpry57d"} <= top_level_domains()


EXTENSIONS = [
    "",
    "#12",
    "＃12",
    " # 12",
    " 分機：12",
    " ext. 12",
    "轉12",
    " 轉分機 12",
    " x12",
    "*12",
    ",內線12",
    "(#12)",
    " （分機 12）",
]


@given(st.sampled_from(sorted(PHONES)), BEFORE, AFTER, st.sampled_from(EXTENSIONS))
def test_a_number_is_found_as_it_stands(number: str, before: str, after: str, extension: str) -> None:
    before = before.replace("A ", "a number: ")
    (phone,) = find_phones(f"{before}{number}{extension}{after}")
    assert (phone.start, phone.written) == (len(before), number + extension)
    assert (phone.number, phone.extension) == (PHONES[number], "12" if extension else "")


SIGNIFICANT = st.sampled_from([("9", 8), ("70", 8), *((area, 7) for area in "2345678"), ("2", 8), ("800", 6)]).flatmap(
    lambda shape: st.integers(0, 10 ** shape[1] - 1).map(lambda rest: f"{shape[0]}{rest:0{shape[1]}d}")
)


@given(SIGNIFICANT, st.sampled_from(["0", "+886", "+886 ", "886-", "002-886-", "+886 (0)"]), st.data(), BEFORE, AFTER)
def test_any_number_of_taiwan_is_found_however_it_is_grouped(
    significant: str, front: str, data: st.DataObject, before: str, after: str
) -> None:
    separator = data.draw(st.sampled_from(["", "-", " ", "."]))
    first = data.draw(st.integers(3, 4))
    digits = separator.join([significant[:first], significant[first:]])
    written = data.draw(st.sampled_from([f"{front}{digits}", f"{front}{digits}".translate(FULL_WIDTH)]))
    (phone,) = find_phones(f"{before.replace('A ', 'a number: ')}{written}{after}")
    assert (phone.number, phone.written) == (f"+886{significant}", written)


FULL_WIDTH = {place: place + 0xFEE0 for place in range(ord("!"), ord("~") + 1)}


def test_a_port_and_a_number_after_a_url_are_told_apart() -> None:
    assert [(link.host, link.port) for link in find_links("官網shop.tw：02-2345-6789")] == [("shop.tw", "")]
    assert [(link.host, link.port) for link in find_links("shop.tw:8080/a")] == [("shop.tw", ":8080")]
    assert [link.host for link in find_links("evil.tw_x")] == ["evil.tw"]


@pytest.mark.parametrize("word", ["TEL", "tel:", "Call ", "Fax"])
def test_a_word_may_stand_right_before_a_number(word: str) -> None:
    assert [phone.number for phone in find_phones(f"{word}02-2345-6789")] == ["+886223456789"]


@pytest.mark.parametrize("text", NO_PHONES)
def test_what_is_no_telephone_number_is_none(text: str) -> None:
    assert find_phones(text) == []


def test_several_numbers_are_told_apart_and_those_in_urls_left_out() -> None:
    text = "0912-345-678 0800-123-456、02-2345-6789 https://x.tw/0912345678"
    links = find_links(text)
    found = [phone.number for phone in find_phones(text, [(link.start, link.end) for link in links])]
    assert found == ["+886912345678", "+886800123456", "+886223456789"]
    assert "345" not in repr(find_phones(text)[0])


@pytest.mark.parametrize(
    ("text", "sender", "written", "differences"),
    [
        ("【互动资通】您好", "互動資通", "互动资通", ("simplified characters",)),
        ("ＡＢＣ您好", "ABC", "ＡＢＣ", ("width",)),
        ("abc您好", "ABC", "abc", ("case",)),
        ("A B C您好", "ABC", "A B C", ("blanks",)),
        ("A\u3000B您好", "A B", "A\u3000B", ("width",)),
        ("A\u200bBC您好", "ABC", "A\u200bBC", ("blanks",)),
        ("您好ａｂ ｃ", "ABC", "ａｂ ｃ", ("width", "case", "blanks")),
        ("头发公司", "頭髮公司", "头发公司", ("simplified characters",)),
    ],
)
def test_a_name_that_is_nearly_right_is_shown_with_what_differs(
    text: str, sender: str, written: str, differences: tuple[str, ...]
) -> None:
    miss = near_miss(text, ["別家", sender])
    assert miss is not None
    assert (miss.approved, miss.written, miss.differences) == (sender, written, differences)


def test_another_name_is_no_near_miss() -> None:
    assert near_miss("互動通訊您好", ["互動資通"]) is None


SHAPES = [
    "a.",
    "a",
    "字",
    "0-",
    "0912-",
    "://",
    "http://a",
    "a@",
    "。a",
    "1.1.",
    "(02)",
    "+",
    "a.tw/",
    "x.tw/((",
    "#1",
    "字.",
    "9 ",
]


@pytest.mark.parametrize("shape", SHAPES)
def test_finding_takes_time_in_proportion_to_the_text(shape: str) -> None:
    def seconds(length: int) -> float:
        text = shape * (length // len(shape))
        began = time.process_time()
        find_phones(text, [(link.start, link.end) for link in find_links(text)])
        return time.process_time() - began

    many = min(seconds(10_000), seconds(10_000))  # a collection of garbage may fall into one of them
    assert many < 40 * seconds(1_000) + 0.1, "ten times the text, with room for noise; a square is 100 times"
