"""How many texts and questions a second the accounts of an outbox may have: what the accounts' file says, and options."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sms_core.errors import ConfigurationError

if TYPE_CHECKING:
    from sms_core_outbox import Rate


def rates_of(noted: Mapping[str, Mapping[str, Any]], texts: Iterable[str], questions: Iterable[str]) -> dict[str, Rate]:
    """The rates of accounts, and within those of their purposes: an option's instead of the file's, number by number.

    Raises `ConfigurationError`.
    """
    from sms_core_outbox import Rate  # noqa: PLC0415 - whoever opens the outbox has said what to do if it is absent

    lanes: dict[str, dict[str, Rate]] = {}
    of_texts: dict[str, float] = {}
    of_questions: dict[str, float] = {}
    for name, rates in noted.items():
        if "rate" in rates:
            of_texts[name] = rates["rate"]
        if "questions" in rates:
            of_questions[name] = rates["questions"]
        for purpose, per_second in rates.get("lanes", {}).items():
            lanes.setdefault(name, {})[purpose] = Rate(per_second)
    for given in texts:
        place, per_second = _rate(given, "--rate")
        name, slash, purpose = place.partition("/")
        if slash and place not in noted:  # which may be one of several vendors, main/reserve
            lanes.setdefault(name, {})[purpose] = Rate(per_second)
        else:
            of_texts[place] = per_second
    for given in questions:
        name, per_second = _rate(given, "--questions")
        of_questions[name] = per_second
    return {
        name: Rate(of_texts.get(name), questions_per_second=of_questions.get(name), lanes=lanes.get(name, {}))
        for name in {**lanes, **of_texts, **of_questions}
    }


def _rate(given: str, option: str) -> tuple[str, float]:
    name, _equals, number = given.rpartition("=")
    try:
        return name, float(number)
    except ValueError:
        raise ConfigurationError(f"{option} needs an account's name, = and a number a second") from None
