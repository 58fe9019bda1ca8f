from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_core import MalformedResponse
from sms_core.provider import cdata, forbidden_in, parse_tree, parse_xml

allowed = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff") | st.sampled_from(
    "\t\n\r\x7f\x85<>&]![CDAT"
)
texts = st.lists(allowed | st.sampled_from(["]]>", "]]", "<![CDATA[", "&#13;", "\r\n"])).map("".join)
either_parser = pytest.mark.parametrize("parse", [parse_xml, parse_tree])


def text_of(document: str) -> str:
    """What each of the parsers finds in the one element ``a``, which must be the same."""
    tree = parse_tree(document).text or ""
    nested = parse_xml(document)["a"] or ""
    assert tree.strip() == nested
    return nested


@given(texts)
def test_cdata_is_read_back_as_it_was(text: str) -> None:
    element = ET.fromstring(f"<a>{cdata(text)}</a>")
    assert (element.text or "") == text
    assert len(element) == 0


@given(texts)
def test_cdata_is_read_back_after_it_was_escaped_as_text_once_more(text: str) -> None:
    outer = ET.Element("b")
    outer.text = f"<a>{cdata(text)}</a>"
    # ElementTree writes a carriage return as it is; XML readers would make a line feed of it. cdata leaves none.
    again = ET.fromstring(ET.tostring(outer))
    assert (ET.fromstring(again.text or "").text or "") == text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("", "<![CDATA[]]>"),
        ("a<b>&c", "<![CDATA[a<b>&c]]>"),
        ("a]]>b", "<![CDATA[a]]]]><![CDATA[>b]]>"),
        ("a\r\nb", "<![CDATA[a]]>&#13;<![CDATA[\nb]]>"),
    ],
)
def test_how_cdata_is_written(text: str, written: str) -> None:
    assert cdata(text) == written


@given(st.text())
def test_what_is_forbidden_is_just_what_no_document_can_hold(text: str) -> None:
    found = forbidden_in(text)
    try:
        ET.fromstring(f"<a>{cdata(text)}</a>".encode())
    except (ET.ParseError, UnicodeEncodeError):
        assert found
        assert found in text
    else:
        assert not found


@pytest.mark.parametrize("point", [*range(32), 0xD800, 0xDFFF, 0xFFFE, 0xFFFF])
def test_the_first_forbidden_character_is_named(point: int) -> None:
    character = chr(point)
    expected = "" if character in "\t\n\r" else character
    assert forbidden_in(f"a{character}b\x00") == (expected or "\x00")
    assert forbidden_in(f"a{character}b") == expected


@pytest.mark.parametrize("character", ["\x7f", "\x85", "\ue000", "\ufffd", "\U0010ffff", "\U0001f600"])
def test_what_only_looks_forbidden_is_not(character: str) -> None:
    assert forbidden_in(character) == ""
    assert text_of(f"<a>x{character}x</a>") == f"x{character}x"


def test_nested_dicts_with_attributes_lists_and_empty_elements() -> None:
    document = "<a b='1'><c/> <d> x </d><e>1</e></a>"
    assert parse_xml(document) == {"a": {"@b": "1", "c": None, "d": "x", "e": "1"}}
    assert parse_xml(document, "e", "d") == {"a": {"@b": "1", "c": None, "d": ["x"], "e": ["1"]}}
    assert parse_xml("<a><e>1</e><e>2</e></a>")["a"] == {"e": ["1", "2"]}


def test_a_tree_keeps_its_blanks() -> None:
    tree = parse_tree("<a><b> x </b></a>")
    assert (tree.tag, tree.findtext("b")) == ("a", " x ")


@either_parser
@pytest.mark.parametrize(
    "declaration",
    [
        "",
        "\r\n ",
        '<?xml version="1.0" encoding="utf-8"?>',
        '<?xml version=" 1.0" encoding=" utf-8" ?>\r\n',
        '<?xml version="1.0" encoding="big5"?>',
        '<?xml version="1.0" encoding="no such charset"?>',
        '\ufeff<?xml version="1.0" encoding="utf-16"?>\n',
        "\ufeff",
        "\ufeff\n",
        '\n <?xml version="1.0"?>',
    ],
)
def test_no_declaration_is_believed(parse: Callable[[str], object], declaration: str) -> None:
    document = f"{declaration}<a>好</a>"
    parse(document)
    assert text_of(document) == "好"


@pytest.mark.parametrize("declaration", ["", '<?xml version="1.0"?>'])
def test_what_looks_like_a_declaration_within_the_document_stays(declaration: str) -> None:
    assert text_of(f'{declaration}<a><![CDATA[<?xml version="1.1"?>b]]></a>') == '<?xml version="1.1"?>b'


@pytest.mark.parametrize(
    ("inner", "text"),
    [
        ("a\x00b", "a\ufffdb"),
        ("a\x1bb\x0b", "a\ufffdb\ufffd"),
        ("a&#0;b", "a\ufffdb"),
        ("a&#x1b;b", "a\ufffdb"),
        ("a&#xFFFF;b", "a\ufffdb"),
        ("a&#xD800;b", "a\ufffdb"),
        ("a&#55296;b", "a\ufffdb"),
        ("a&#x110000;b", "a\ufffdb"),
        ("a&#1114112;b", "a\ufffdb"),
        ("a&#x41;&#66;&#x1;b", "aAB\ufffdb"),
        ("a\ud800b", "a\ufffdb"),
        ("a\uffffb", "a\ufffdb"),
        ("<![CDATA[a\x01b]]>", "a\ufffdb"),
    ],
)
def test_what_no_document_can_hold_is_replaced_and_loses_nothing_else(inner: str, text: str) -> None:
    assert text_of(f"<a>{inner}</a>") == text


@either_parser
@pytest.mark.parametrize(
    "document",
    [
        "",
        " \n",
        "hello",
        "<a>",
        "<a></b>",
        "<a/><b/>",
        "< a/>",
        "<a>&</a>",
        "<a>&undeclared;</a>",
        "<a>&#x;</a>",
        "<a b=1/>",
        "<a b='1' b='2'/>",
        "\x00",
        "\ufeff",
        '<?xml version="1.0"?>',
        '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        '<!DOCTYPE a [<!ENTITY x "y">]><a/>',
        '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
    ],
)
def test_what_is_no_document_or_declares_entities_is_refused(parse: Callable[[str], Any], document: str) -> None:
    with pytest.raises(MalformedResponse, match=r"not XML \(\w+\)"):
        parse(document)


def test_a_tree_takes_nothing_before_its_root_but_the_declaration() -> None:
    for before in ("<!DOCTYPE a>", "<!-- a -->", "<?pi?>", '<?xml version="1.0"?><?pi?>'):
        with pytest.raises(MalformedResponse, match="not XML"):
            parse_tree(f"{before}<a/>")


@either_parser
def test_a_document_of_any_depth_is_read(parse: Callable[[str], object]) -> None:
    assert parse("<a>" * 20_000 + "</a>" * 20_000) is not None


@either_parser
@given(
    st.text() | texts | st.lists(st.sampled_from(["<a>", "</a>", "<a", "/>", "&", ";", "<!", "]]>", "x"])).map("".join)
)
def test_whatever_comes_is_a_document_or_a_named_error(parse: Callable[[str], object], text: str) -> None:
    try:
        assert parse(text) is not None
    except MalformedResponse as error:
        assert str(error).startswith("not XML (")
