from __future__ import annotations

import pytest

from sms_core import DeliveryStatus
from sms_core.testing import behaviour_named, behaviour_of, behaviour_rows, behaviours


def test_any_other_ending_is_delivered() -> None:
    for number in ("+886900000001", "0900000123", "+12025550100", "+819000000000"):
        assert behaviour_of(number).status is DeliveryStatus.DELIVERED
        assert not behaviour_of(number).late


def test_the_last_three_digits_decide_in_any_form() -> None:
    assert {
        behaviour_of(number).name for number in ("0900000903", "+886900000903", " 886900000903 ", "+12025550903")
    } == {"no_such_number"}


def test_endings_and_names_are_distinct() -> None:
    endings = [behaviour.ending for behaviour in behaviours.TABLE if behaviour.ending]
    assert len(set(endings)) == len(endings)
    assert len({behaviour.name for behaviour in behaviours.TABLE}) == len(behaviours.TABLE)


@pytest.mark.parametrize("row", behaviour_rows(), ids=lambda row: row[1])
def test_the_page_of_the_table_shows_what_the_code_does(row: tuple[str, str, str, str]) -> None:
    ending, name, status, meaning = row
    line = next(line for line in (behaviours.__doc__ or "").splitlines() if line.split()[1:2] == [name])
    assert line.split()[0] == ending
    assert line.split()[2].strip("`") == status
    assert line.endswith(meaning)
    assert behaviour_named(name).meaning == meaning


def test_every_kind_of_end_is_in_the_table() -> None:
    ends = {behaviour.status for behaviour in behaviours.TABLE}
    status = DeliveryStatus
    assert {
        status.DELIVERED,
        status.EXPIRED,
        status.UNDELIVERABLE,
        status.REJECTED,
        status.BLOCKED,
        status.FAILED,
    } < ends
    assert None in ends


def test_an_unknown_name() -> None:
    with pytest.raises(KeyError):
        behaviour_named("nonsense")
