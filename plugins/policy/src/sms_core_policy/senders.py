"""Does a text name its sender, character for character; and if it nearly does, what is different."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from sms_core_policy.folding import Fold, fold, half_width, lower_case, simplified, without_blanks

DIFFERENCES: tuple[tuple[str, Fold], ...] = (
    ("width", half_width),
    ("case", lower_case),
    ("blanks", without_blanks),
    ("simplified characters", simplified),
)
"""How a name may differ and still be read as the same by a person. A carrier's machine reads another one."""


@frozen
class NearMiss:
    """A text writes ``written`` where ``approved`` was meant."""

    approved: str
    written: str
    differences: tuple[str, ...]


def near_miss(text: str, senders: Sequence[str]) -> NearMiss | None:
    """The first of the approved names that the text nearly holds; None where it holds nothing like them."""
    folds = [how for _, how in DIFFERENCES]
    folded = fold(text, folds)
    for approved in senders:
        wanted = fold(approved, folds).text
        start = folded.text.find(wanted)
        if start >= 0:
            written = folded.as_written(start, start + len(wanted))
            return NearMiss(approved, written, _differences(approved, written))
    return None


def _differences(approved: str, written: str) -> tuple[str, ...]:
    """The kinds that both together need to become equal: each that cannot be left out.

    Where either of two would do, as for a full-width blank, it is the first that does.
    """
    needed: list[str] = []
    enough: list[str] = []
    for name, fold_of_it in DIFFERENCES:
        others = [how for other, how in DIFFERENCES if other != name]
        if fold(approved, others).text != fold(written, others).text:
            needed.append(name)
        if fold(approved, [fold_of_it]).text == fold(written, [fold_of_it]).text:
            enough.append(name)
    return tuple(needed or enough[:1])
