"""No character is lost on the way: two texts that differ become different requests, or are refused."""

from __future__ import annotations

from collections.abc import Mapping

from sms_core.errors import InvalidMessage, Unsupported
from sms_core.http import Request
from sms_core_kit.checks.base import Checks
from sms_core_kit.checks.findings import Findings
from sms_core_kit.subject import Subject

CHARACTERS: Mapping[str, str] = {
    "a Chinese character": "字",
    "the ETEN characters of Big5": "碁銹裏墻恒粧嫺",
    "a character of HKSCS": "啫",
    "a simplified character": "简",
    "a character beyond the BMP": "𠮷",
    "kana and hangul": "あ한",
    "the euro sign": "€",
    "characters of two septets": "[]{}^~\\|",
    "a backtick": "`",
    "an emoji": "😀",
    "an emoji with a skin tone": "👍🏽",
    "a family of joined emoji": "👨‍👩‍👧‍👦",
    "a flag": "🇹🇼",
    "a composed letter": "é",
    "a letter and a combining mark": "e\u0301",
    "several combining marks": "o\u0302\u0323",
    "a no-break space": "\u00a0",
    "a line break": "\n",
    "what a form must escape": "a+b&c=d%20;",
    "what XML must escape": "<b>&amp;</b>",
    "what JSON must escape": '"\\u5b57"',
    "blanks at the end": "  ",
}
"""Characters that have been lost somewhere."""

_STAND_INS = ("", "?", "？", "□", "\ufffd", " ", "&#{0};", "\\u{0:04x}")
"""What has been put in the place of a character that an encoding lacks; ``{0}`` is its code point."""


def text_with(characters: str) -> str:
    """A text that has these characters in its middle and at its end."""
    return f"甲{characters}乙{characters}"


class CharacterChecks(Checks):
    """Unicode."""

    def test_no_character_is_lost(self) -> None:
        """The request is another one than for the same text with the characters replaced or left out."""
        findings = Findings()
        for name, characters in CHARACTERS.items():
            with findings.of(name):
                self._arrive(characters)
        findings.tell()

    def _arrive(self, characters: str) -> None:
        whole = _requests(self.subject, characters)
        if whole is None:
            return
        stand_ins = {stand_in.format(ord(characters[0])) for stand_in in _STAND_INS}
        replaced = {stand_in + characters[1:] for stand_in in stand_ins} - {characters}
        for text in sorted(replaced):
            assert whole != _requests(self.subject, text), f"{characters!r} is sent as {text!r} is"

    def test_no_two_texts_become_one_request(self) -> None:
        """Nothing is normalised: a letter with its mark is not the composed letter."""
        sent: dict[tuple[tuple[str, bytes], ...], str] = {}
        for name, characters in CHARACTERS.items():
            requests = _requests(self.subject, characters)
            if requests is None:
                continue
            key = tuple((request.url, request.body) for request in requests)
            assert key not in sent, f"these become the same request: {sent[key]}, and {name}"
            sent[key] = name


def _requests(subject: Subject, characters: str) -> list[Request] | None:
    """What the text becomes; None if it is refused here, as it may be."""
    try:
        return subject.requests_of(subject.message(text_with(characters)))
    except (InvalidMessage, Unsupported):
        return None
