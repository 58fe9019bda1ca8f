"""What Taiwan's carriers let through: texts that name an approved sender, with registered URLs and numbers alone.

Since 2025-11-01 a text without the sender's approved name is dropped, and since 2024-11-18 one with a URL or a telephone
number that was not registered; the vendor says yes all the same, and takes the points. The page "before you send" has the
sources.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Literal, get_args
from urllib.parse import unquote

from attrs import frozen

from sms_core import ConfigurationError, hookimpl
from sms_core.masking import mask
from sms_core.numbers import is_taiwan
from sms_core.provider import Destination
from sms_core_policy.counting import Counted
from sms_core_policy.errors import PolicyRefused
from sms_core_policy.links import Link, find_links
from sms_core_policy.phones import Phone, find_phones
from sms_core_policy.senders import near_miss
from sms_core_policy.standings import Standing, Whose

SENDER, URL, PHONE = "taiwan-sender", "taiwan-url", "taiwan-phone"
"""The names of the rules."""

Mode = Literal["strict", "warn"]
UrlMatch = Literal["host", "prefix", "exact"]

Texts = str | Iterable[str]


class TaiwanRules(Counted):
    """Checks texts to numbers of Taiwan before points are spent: ``connect(plugins=[TaiwanRules(senders=[…])])``.

    ``senders`` are the names that were approved, of which a text has to hold one, character for character. ``urls`` and
    ``phones`` are those that were registered; a text may hold no others. ``mode`` "strict" raises `PolicyRefused`,
    "warn" puts the same words among the warnings of `preview()`. Without ``senders`` it warns alone, once a message, that
    no sender is configured.

    ``url_match`` says which URLs are the same as a registered one. "prefix": the host and the port are, and the path
    begins with the registered path, up to a ``/``, ``?`` or ``#``. "host": host and port alone. "exact": all of it, as
    written. Scheme, case, width and Punycode of the host make no difference to the first two. A registered number with
    an extension is that extension alone; without one it is any.

    Numbers of other countries are not touched. Raises `ConfigurationError` for what is no name, URL or number.
    """

    def __init__(
        self,
        senders: Texts = (),
        urls: Texts = (),
        phones: Texts = (),
        *,
        mode: Mode | None = None,
        url_match: UrlMatch = "prefix",
    ) -> None:
        super().__init__()
        self.senders = tuple(_sender(name) for name in _several(senders))
        self._urls = tuple(_registered_url(url) for url in _several(urls))
        self._phones = tuple(_registered_phone(phone) for phone in _several(phones))
        self._is_configured = bool(self.senders or self._urls or self._phones)
        self.mode: Mode = mode or ("strict" if self._is_configured else "warn")
        if self.mode not in get_args(Mode):
            raise ConfigurationError(f"TaiwanRules: mode is 'strict' or 'warn', not {mode!r}")
        if url_match not in get_args(UrlMatch):
            raise ConfigurationError(f"TaiwanRules: url_match is 'host', 'prefix' or 'exact', not {url_match!r}")
        if self.mode == "strict" and not self.senders:
            raise ConfigurationError("TaiwanRules: strict needs senders=[…], the names that the carriers approved")
        self._is_same_url = _SAME_URL[url_match]

    def standings(self, whose: Whose) -> list[Standing]:
        """What each rule lets pass."""
        del whose
        sender = f"{self.mode}: a text names one of {', '.join(self.senders)}"
        if not self.senders:
            sender = "warn: no sender is configured, TaiwanRules(senders=[…])"
        if not self._is_configured:
            return [Standing(SENDER, sender)]
        return [
            Standing(SENDER, sender),
            Standing(URL, f"{self.mode}: registered URLs: {len(self._urls)}"),
            Standing(PHONE, f"{self.mode}: registered telephone numbers: {len(self._phones)}"),
        ]

    @hookimpl
    def sms_check(self, destinations: tuple[Destination, ...]) -> tuple[str, ...]:
        """Refuse or warn, as ``mode`` says."""
        judged: dict[str, list[_Finding]] = {}
        first: dict[str, tuple[Destination, _Finding]] = {}
        texts = 0
        for destination in destinations:
            if not is_taiwan(destination.number):
                continue
            text = destination.text
            if text not in judged:
                judged[text] = list(self._findings(text))
                texts += 1
            for finding in judged[text]:
                if self.mode == "strict":
                    self._decided.refuse(finding.rule, destination.reference)
                    raise PolicyRefused(finding.rule, destination.text_path, finding.words)
                first.setdefault(finding.rule, (destination, finding))
        return tuple(
            _warning(rule, destination, finding, _holds(judged.values(), rule), texts)
            for rule, (destination, finding) in first.items()
        )

    def _findings(self, text: str) -> Iterator[_Finding]:
        if not any(name in text for name in self.senders):
            yield _Finding(SENDER, self._no_sender(text))
        if not self._is_configured:
            return
        links = find_links(text)
        for link in links:
            if not any(self._is_same_url(registered, link) for registered in self._urls):
                yield _Finding(URL, self._unregistered(link))
        for phone in find_phones(text, [(link.start, link.end) for link in links]):
            if not any(_is_same_phone(registered, phone) for registered in self._phones):
                yield _Finding(PHONE, self._unregistered_number(phone))

    def _no_sender(self, text: str) -> str:
        if not self.senders:
            return "names no configured sender: carriers in Taiwan drop a text without one; TaiwanRules(senders=[…])"
        miss = near_miss(text, self.senders)
        if miss is None:
            names = ", ".join(repr(name) for name in self.senders)
            return f"names no approved sender: carriers in Taiwan drop it; it needs {names}, character for character"
        differences = " and ".join(miss.differences) or "how characters are composed"
        written = f"writes {miss.written!r} where {miss.approved!r} is approved"
        return f"{written}: they differ in {differences}, and carriers compare character for character"

    def _unregistered_number(self, phone: Phone) -> str:
        found = f"holds the number {mask(phone.written)} at character {phone.start + 1}, which is not registered"
        same_number = [registered for registered in self._phones if registered.number == phone.number]
        if not same_number:
            return found
        return f"{found}: of this number it is {' and '.join('#' + registered.extension for registered in same_number)}"

    def _unregistered(self, link: Link) -> str:
        found = f"holds the URL {link.shown} at character {link.start + 1}, which is not registered"
        same_host = [registered for registered in self._urls if registered.host == link.host]
        if not same_host:
            return found
        return f"{found}: of this host it is {' and '.join(registered.written for registered in same_host)}"


@frozen
class _Finding:
    """What is wrong with a text, and by which rule."""

    rule: str
    words: str


def _holds(judged: Iterable[list[_Finding]], rule: str) -> int:
    """How many texts a rule has something to say of."""
    return sum(any(finding.rule == rule for finding in findings) for findings in judged)


def _warning(rule: str, destination: Destination, finding: _Finding, count: int, texts: int) -> str:
    """One for each rule, however many texts it is about."""
    more = f"; so do {count} of {texts} texts" if count > 1 else ""
    return f"{destination.text_path}: {finding.words}{more} (rule {rule})"


def _several(texts: Texts) -> tuple[str, ...]:
    return (texts,) if isinstance(texts, str) else tuple(texts)


def _sender(name: str) -> str:
    if not name.strip() or name != name.strip():
        raise ConfigurationError(f"TaiwanRules: {name!r} is no sender's name: it is empty, or has blanks around it")
    return name


def _registered_url(url: str) -> Link:
    links = find_links(url)
    if len(links) != 1 or links[0].written != url:
        raise ConfigurationError(
            f"TaiwanRules: {url!r} is no URL: write it as registered, what is not ASCII in its path as %…"
        )
    return links[0]


def _registered_phone(phone: str) -> Phone:
    phones = find_phones(phone)
    if len(phones) != 1:
        raise ConfigurationError(f"TaiwanRules: {mask(phone)!r} is no telephone number with its area code")
    return phones[0]


def _is_same_phone(registered: Phone, found: Phone) -> bool:
    return registered.number == found.number and registered.extension in ("", found.extension)


def _is_same_host(registered: Link, found: Link) -> bool:
    return (registered.host, registered.port) == (found.host, found.port)


def _has_prefix(registered: Link, found: Link) -> bool:
    if not _is_same_host(registered, found):
        return False
    prefix = registered.tail or "/"
    tail = found.tail if found.tail.startswith("/") else f"/{found.tail}"
    if not tail.startswith(prefix):
        return False
    rest = tail.removeprefix(prefix)
    if ".." in unquote(rest).split("/"):  # a browser goes up from there
        return False
    return prefix.endswith("/") or rest == "" or rest[0] in "/?#"


def _is_exact(registered: Link, found: Link) -> bool:
    return registered.written == found.written


_SAME_URL: dict[UrlMatch, Callable[[Link, Link], bool]] = {
    "host": _is_same_host,
    "prefix": _has_prefix,
    "exact": _is_exact,
}
