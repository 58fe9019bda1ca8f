"""The numbers of the document's sixteen countries: E.164 here, the vendor's form there (table of chapter 1, phone)."""

from __future__ import annotations

import re

from attrs import frozen

from sms_core.provider import from_vendor


@frozen
class Country:
    """One row of the table. ``written`` stands in the vendor's form where E.164 has ``prefix``.

    ``national`` is how many digits follow; ``first`` is what they begin with, where the form depends on it.
    """

    name: str
    prefix: str
    written: str
    national: tuple[int, ...]
    first: str = ""

    def takes(self, national: str) -> bool:
        """Whether these digits after the prefix have a length, and a beginning, of the table."""
        return len(national) in self.national and national.startswith(self.first)

    @property
    def rule(self) -> str:
        """The table's row in words."""
        lengths = " or ".join(str(length) for length in self.national)
        return f"{self.prefix} and {lengths} digits" + (f", the first of them {self.first}" if self.first else "")


# Taiwan's, China's and Hong Kong's numbers have no country code there, so a wrong one could pass for another
# country's; hence the first digits. 821 is what the document says for Korea.
COUNTRIES = (
    Country("Taiwan", "+886", "0", (9,), first="9"),
    Country("China", "+86", "", (11,), first="1"),
    Country("Hong Kong", "+852", "", (8,)),
    Country("Macau", "+853", "853", (8,)),
    Country("Japan", "+81", "81", (10,)),
    Country("Malaysia", "+60", "60", (9, 10)),
    Country("Vietnam", "+84", "84", (9, 10)),
    Country("Indonesia", "+62", "62", (10, 11)),
    Country("Thailand", "+66", "66", (9,)),
    Country("Australia", "+61", "61", (9,)),
    Country("Singapore", "+65", "65", (8,)),
    Country("the Philippines", "+63", "63", (10,)),
    Country("the United Arab Emirates", "+971", "971", (9,)),
    Country("Cambodia", "+855", "855", (8, 9)),
    Country("the United States", "+1", "001", (10,)),
    Country("Korea", "+82", "82", (9, 10), first="1"),
)

PREFIXES = tuple(country.prefix for country in COUNTRIES)

# +1 is the code of Canada and the Caribbean too, which the document does not name. Area codes of the North American
# Numbering Plan (nanpa.com) outside the United States and their territories.
_CANADA = (
    "204 226 236 249 250 257 263 289 306 343 354 365 367 368 382 403 416 418 428 431 437 438 450 460 468 474 506 514"
    " 519 548 579 581 584 587 600 604 613 622 639 647 672 683 705 709 742 753 778 780 782 807 819 825 867 873"
    " 879 902 905 942"
)
_CARIBBEAN = "242 246 264 268 284 345 441 473 649 658 664 721 758 767 784 809 829 849 868 869 876"
ABROAD_IN_NORTH_AMERICA = frozenset(f"{_CANADA} {_CARIBBEAN}".split())

_DIGITS = re.compile(r"\d+", re.ASCII)


def _country_of(number: str) -> Country | None:
    return next((country for country in COUNTRIES if number.startswith(country.prefix)), None)


def problem(number: str) -> str:
    """Why the vendor does not send to this E.164 number, in words that do not repeat it; "" if it does."""
    country = _country_of(number)
    if country is None:
        return f"is of a country that SMS-Get does not send to, only {', '.join(PREFIXES)}"
    national = number.removeprefix(country.prefix)
    if not country.takes(national):
        return f"is no number that SMS-Get takes for {country.name}: {country.rule}"
    if country.prefix == "+1" and national[:3] in ABROAD_IN_NORTH_AMERICA:
        return "is of Canada or the Caribbean: of the countries with +1 SMS-Get sends to the United States alone"
    return ""


def to_vendor(number: str) -> str:
    """The vendor's form of an E.164 number. Raises `ValueError`, in words, for one that it does not send to."""
    country = _country_of(number)
    if country is None or problem(number):
        raise ValueError(problem(number))
    return country.written + number.removeprefix(country.prefix)


def to_e164(number: str) -> str:
    """E.164 from the vendor's form. One that cannot be read comes back as it was, stripped."""
    stripped = number.strip()
    if _DIGITS.fullmatch(stripped):
        for country in COUNTRIES:
            national = stripped.removeprefix(country.written)
            if stripped.startswith(country.written) and country.takes(national):
                return country.prefix + national
    return from_vendor(stripped)
