"""URLs in a text, as a person's telephone finds them: with and without a scheme, short ones, domains alone.

A host is labels parted by dots whose last one is a top-level domain of IANA's list. Full-width letters and dots count
as in a browser (RFC 3490 §3.1); ``。`` is the Chinese full stop too, so it parts labels only between ASCII letters or
digits. Chinese text mostly has no blanks around a URL (``請上shop.example.tw查詢``), so a label is of one script, and
what follows the host is ASCII. An address of e-mail is no URL.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import cache
from importlib import resources

from attrs import field, frozen

from sms_core_policy.folding import Folded, fold, half_width, seen

_CJK = (
    "\u3005-\u3007\u3041-\u3096\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff"
)
_LETTER = rf"[^\W_{_CJK}]"
_LETTERS = rf"{_LETTER}(?:(?:{_LETTER}|[-_]){{0,61}}{_LETTER})?"
_CJK_LETTERS = rf"[{_CJK}]{{1,63}}"
_LABEL = rf"(?:{_LETTERS}|{_CJK_LETTERS})"
_DOT = r"(?:\.|(?<=[A-Za-z0-9])。(?=[A-Za-z0-9]))"

_LABELS = re.compile(_LABEL)
_STARTS_CJK = re.compile(f"[{_CJK}]")
_OF_USER = r"""[!"$-.0->@\[\]-~A-Z]"""
"""Of ASCII what may stand before the ``@``: all but blanks and what ends a host."""
_URL = re.compile(
    rf"(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9+-]{{0,20}}://(?:{_OF_USER}{{0,200}}@)?"
    rf"(?P<host>{_LABEL}(?:{_DOT}{_LABEL})*|\[[0-9A-Fa-f:.]{{2,45}}\]|[^\s/?#:@\\]{{1,100}})"
)
"""After a scheme anything is a host, an emoji too. User and password go up to the last ``@``, and ``\\`` ends a host as
``/`` does (WHATWG URL, authority state)."""
_ADDRESS = re.compile(r"(?<![\w.])(?P<host>\d{1,3}(?:\.\d{1,3}){3})(?=[:/])", re.ASCII)
_DOMAIN = re.compile(rf"(?P<host>(?:(?<!{_LETTER}){_LETTERS}|{_CJK_LETTERS})(?:{_DOT}{_LABEL})+)")
_PORT = re.compile(r":\d{1,5}", re.ASCII)
_TAIL = re.compile(r"[/?#][!#-;=?-Z\[\]_a-z~]*")
"""Path, query and fragment (RFC 3986 §2), with ``%``; no quotes, angle brackets, ``\\``, ``^`` or ``|``."""
_PUNCTUATION = frozenset(".,;:!?'*")
"""At the end of a URL they belong to the sentence."""
_LONGEST_CHINESE_DOMAIN = 5


@frozen
class Link:
    """A URL as it stands in a text, in ``text[start:end]``.

    ``host`` is as a browser asks for it: in lower case, Punycode (``xn--…``) where it is not ASCII. ``tail`` is what
    follows host and port; it may hold a secret, so `shown` leaves it out.
    """

    start: int
    end: int
    written: str
    host: str
    port: str = ""
    tail: str = field(default="", repr=False)

    @property
    def shown(self) -> str:
        """Host and port, and whether anything follows."""
        more = "/…" if len(self.tail) > 1 else ""
        return f"{self.host}{self.port}{more}"


def find_links(text: str) -> list[Link]:
    """The URLs of a text, in their order. Takes time in proportion to the text's length."""
    folded = fold(text, [half_width, seen])  # a browser passes over what nobody sees (UTS 46, "ignored")
    found = sorted(_hosts(folded.text))
    starts = {start for start, _, _ in found}
    links: list[Link] = []
    end = 0
    for start, host_start, host_end in found:
        if start >= end:  # not within the one before, as the host of a URL with a scheme is
            link, end = _link(folded, start, host_start, host_end, starts)
            links.append(link)
    return links


def _hosts(text: str) -> Iterator[tuple[int, int, int]]:
    """Where URLs begin, and where their hosts begin and end."""
    for url in (*_URL.finditer(text), *_ADDRESS.finditer(text)):
        yield url.start(), url.start("host"), url.end("host")
    for domain in _DOMAIN.finditer(text):
        end = _end_of_domain(domain)
        if end and not _is_mail(text, domain.start(), end):
            yield domain.start(), domain.start(), end


def _end_of_domain(domain: re.Match[str]) -> int:
    """Where the longest domain ends that these labels begin with; 0 where they hold none."""
    labels = list(_LABELS.finditer(domain[0]))
    if labels[0][0].lower() == "www":
        return domain.end()
    for label in reversed(labels[1:]):
        length = _length_of_top_level_domain(label[0])
        if length:
            return domain.start() + label.start() + length
    return 0


def _length_of_top_level_domain(label: str) -> int:
    """How long the top-level domain is that a label is; a Chinese one may have more text after it, without a blank."""
    known = top_level_domains()
    head = label.partition("_")[0]
    if head.lower() in known:
        return len(head)
    if _STARTS_CJK.match(label):
        for length in range(_LONGEST_CHINESE_DOMAIN, 1, -1):
            if label[:length] in known:
                return length
    return 0


def _is_mail(text: str, start: int, end: int) -> bool:
    """Whether this is a side of an address of e-mail. What has a path after it is a URL all the same."""
    if text.startswith("@", end):
        return True
    return text[max(start - 1, 0) : start] == "@" and not text.startswith(("/", ":", "?"), end)


def _link(folded: Folded, start: int, host_start: int, host_end: int, starts: Collection[int]) -> tuple[Link, int]:
    """The URL, and where it ends in the folded text."""
    port = _PORT.match(folded.text, host_end)
    if port and folded.original[folded.places[host_end]] != ":":  # a full-width one is the sentence's
        port = None
    after_port = port.end() if port else host_end
    end = _end_of_tail(folded, after_port, starts)
    first, last = folded.places[start], folded.places[end - 1]
    link = Link(
        start=first,
        end=last + 1,
        written=folded.original[first : last + 1],
        host=browser_host(folded.text[host_start:host_end]),
        port=folded.text[host_end:after_port],
        tail=folded.text[after_port:end],
    )
    return link, end


def _end_of_tail(folded: Folded, start: int, starts: Collection[int]) -> int:
    """Where a path ends: before a full-width mark, which is the sentence's, and without punctuation at its end.

    ``starts`` are where URLs begin: a ``,`` or ``;`` before one parts the two.
    """
    tail = _TAIL.match(folded.text, start)
    if tail is None:
        return start
    end = start
    while end < tail.end() and _is_of_url(folded.original[folded.places[end]]):
        if folded.text[end] in ",;" and end + 1 in starts:
            break
        end += 1
    opened = {")": "(" in tail[0], "]": "[" in tail[0]}
    while end > start:
        last = folded.text[end - 1]
        if last not in _PUNCTUATION and opened.get(last, True):
            break
        end -= 1
    return end


def _is_of_url(written: str) -> bool:
    return written.isascii() or written == "／" or half_width(written).isalnum()


def browser_host(host: str) -> str:
    """The name that a browser asks for: lower case, and Punycode for what is not ASCII."""
    labels = host.replace("。", ".").lower().split(".")
    return ".".join(_punycode(label) for label in labels)


def _punycode(label: str) -> str:
    if label.isascii():
        return label
    try:
        return label.encode("idna").decode()
    except UnicodeError:  # no name that could be registered; it stays one of its own
        return label


@cache
def top_level_domains() -> frozenset[str]:
    """IANA's list (https://data.iana.org/TLD/tlds-alpha-by-domain.txt, 2026-11-17), in lower case, both spellings."""
    names = resources.files("sms_core_policy").joinpath("top_level_domains.txt").read_text(encoding="utf-8").split()
    return frozenset(names) | {_punycode(name) for name in names}
