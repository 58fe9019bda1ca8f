"""Prices against a table like EVERY8D's: 70, 134, 201, 268, 333 characters are 1 to 5 points, threefold abroad."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_core import (
    Capability,
    InvalidMessage,
    Limits,
    Media,
    Message,
    MmsLimits,
    Preview,
    ProviderInfo,
    Recipient,
    Tariff,
    VendorOptions,
)
from sms_core._engine.plan import make_plan
from sms_core._engine.preview import make_preview
from sms_core.testing import FakeTransport
from sms_core.text import Encoding
from tests.support.tiny import Tiny, bind

NOW = datetime(2026, 1, 2, tzinfo=UTC)
STEPS = (70, 134, 201, 268, 333)
KB = 1024
TARIFF = Tariff(STEPS, 3, ((50 * KB, Decimal(3)), (300 * KB, Decimal(5))), ("a doubt",))


@attrs.frozen
class EventOptions(VendorOptions):
    event_id: str = ""

    @property
    def extra_characters(self) -> int:
        return 17 if self.event_id else 0


INFO = ProviderInfo(
    "tiny",
    "Tiny",
    frozenset(Capability),
    Limits(2, mms=MmsLimits(39, 15, 4000, 400 * KB, ("jpg",))),
    send_options=EventOptions,
    tariff=TARIFF,
)


def preview(message: Message, info: ProviderInfo = INFO) -> Preview:
    return make_preview(make_plan(message, info, NOW), info)


def picture(size: int) -> Media:
    return Media(b"\xff\xd8\xff" + bytes(size - 3), "jpg")


@pytest.mark.parametrize(
    ("characters", "points"),
    [
        (1, 1),
        (70, 1),
        (71, 2),
        (134, 2),
        (135, 3),
        (201, 3),
        (202, 4),
        (268, 4),
        (269, 5),
        (333, 5),
        (334, 6),
        (333 + 70, 6),
        (333 + 71, 7),
        (666, 10),
        (667, 11),
    ],
)
@pytest.mark.parametrize(("number", "factor"), [("0900000001", 1), ("+12025550100", 3)])
def test_points_of_a_text(characters: int, points: int, number: str, factor: int) -> None:
    for character in "a中":
        found = preview(Message(character * characters, number))
        assert found.points == points * factor
        assert found.recipients[0].characters == characters


def test_a_surrogate_pair_is_two_characters() -> None:
    assert preview(Message("😀" * 35, "0900000001")).points == 1
    assert preview(Message("😀" * 35 + "a", "0900000001")).points == 2


def test_what_the_vendor_adds_counts() -> None:
    found = preview(Message("a" * 54, "0900000001", options=EventOptions("1234")))
    assert found.points == 2
    assert (found.recipients[0].characters, found.recipients[0].segments) == (71, 1)
    assert preview(Message("a" * 53, "0900000001", options=EventOptions("1234"))).points == 1
    assert preview(Message("a" * 54, "0900000001", options=EventOptions())).points == 1


@pytest.mark.parametrize(
    ("size", "points"), [(3, 3), (50 * KB - 4, 3), (50 * KB - 3, 5), (300 * KB - 4, 5), (300 * KB - 3, None)]
)
def test_points_of_a_picture_with_its_text(size: int, points: int | None) -> None:
    found = preview(Message("中a", "0900000001", media=picture(size)))
    assert found.points == points
    assert found.segments == 1
    assert not any("longer" in warning for warning in found.warnings)


def test_the_whole_is_the_sum_of_its_recipients() -> None:
    to = [Recipient("0900000001"), Recipient("+12025550100"), Recipient("0900000002", text="中" * 71)]
    found = preview(Message("a" * 161, to))
    assert [row.points for row in found.recipients] == [3, 9, 2]
    assert [row.segments for row in found.recipients] == [2, 2, 2]
    assert [row.encoding for row in found.recipients] == [Encoding.GSM7, Encoding.GSM7, Encoding.UCS2]
    assert [row.number for row in found.recipients] == ["+886900000001", "+12025550100", "+886900000002"]
    assert found.points == 14
    assert (found.segments, found.requests) == (6, 2)


@given(st.lists(st.text(st.sampled_from("a中😀{"), min_size=1, max_size=400), min_size=1, max_size=5))
def test_points_never_fall_with_length(texts: list[str]) -> None:
    def points(text: str) -> Decimal:
        found = preview(Message(text, "0900000001")).points
        assert found is not None
        return found

    by_length = sorted(texts, key=lambda text: len(text.encode("utf-16-le")))
    assert [points(text) for text in by_length] == sorted(points(text) for text in texts)


def test_what_is_doubtful_is_said() -> None:
    warnings = preview(Message("a" * 400, ["0900000001", "0900 000 001", "+12025550100"])).warnings
    assert warnings[0] == "to[1] repeats to[0], number and text: it is sent once"
    assert warnings[1] == "a doubt"
    assert "longer than 333 characters" in warnings[2]
    assert "abroad takes several segments" in warnings[3]
    assert preview(Message("a", ["0900000001", "+12025550100"])).warnings == ("a doubt",)


def test_a_long_text_at_home_beside_a_short_one_abroad_is_not_doubtful() -> None:
    to = [Recipient("0900000001", text="a" * 200), Recipient("+12025550100")]
    assert preview(Message("short", to)).warnings == ("a doubt",)


def test_a_vendor_without_prices_has_no_points() -> None:
    found = preview(Message("a" * 400, ["0900000001", "0900000001"]), attrs.evolve(INFO, tariff=None))
    assert found.points is None
    assert found.recipients[0].points is None
    assert found.warnings == (
        "to[1] repeats to[0], number and text: it is sent once",
        "this vendor publishes no price table: the points are not known before the send",
    )


def test_a_repr_masks_numbers_and_hides_texts() -> None:
    shown = repr(preview(Message("seen by nobody", "0900000123")))
    assert "900000123" not in shown
    assert "seen by nobody" not in shown


def test_a_client_previews_without_a_network_and_refuses_as_a_send_does() -> None:
    network = FakeTransport([])
    with bind(network, Tiny(INFO), clock=lambda: NOW) as sms:
        assert sms.preview(Message("a", "0900000001")).points == 1
        with pytest.raises(InvalidMessage):
            sms.preview(Message("a", "0900000001", send_at=NOW))
    assert not network.requests
