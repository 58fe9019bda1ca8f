from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone

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
    ProviderInfo,
    Recipient,
    Unsupported,
    VendorOptions,
)
from sms_core._engine.plan import make_plan
from sms_core._engine.rendering import own_options
from sms_core.provider import Send, in_words, options_of

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
SECOND = timedelta(seconds=1)
ALL = frozenset(Capability)
JPG = Media(b"\xff\xd8\xff" + b"x" * 10, "jpg")


@attrs.frozen
class TinyOptions(VendorOptions):
    event_id: str = ""
    alike: bool = False
    picture: str = ""

    @property
    def needs_text(self) -> bool:
        return not self.picture

    @property
    def extra_characters(self) -> int:
        return 17 if self.event_id else 0

    @property
    def one_text_per_request(self) -> bool:
        return self.alike


@attrs.frozen
class OtherOptions(VendorOptions):
    @property
    def extra_characters(self) -> int:
        return 1000

    @property
    def one_text_per_request(self) -> bool:
        return True


MMS = MmsLimits(subject_ascii=39, subject_other=15, text=40, size=60, formats=("jpg", "jpeg", "png", "gif"))
INFO = ProviderInfo("tiny", "Tiny", ALL, Limits(3, text=30, mms=MMS), send_options=TinyOptions)


def without(*capabilities: Capability) -> ProviderInfo:
    return attrs.evolve(INFO, capabilities=ALL - set(capabilities))


def refusal(message: Message, info: ProviderInfo = INFO) -> InvalidMessage:
    with pytest.raises(InvalidMessage) as caught:
        make_plan(message, info, NOW)
    return caught.value


numbers = st.integers(0, 12).map(lambda number: f"09000000{number:02d}")
recipients = st.lists(
    st.builds(
        Recipient,
        numbers,
        text=st.one_of(st.none(), st.sampled_from(["a", "b"])),
        params=st.one_of(st.just({}), st.just({"name": "A"})),
        send_at=st.sampled_from([None, None, LATER]),
    ),
    min_size=1,
    max_size=20,
)


@given(recipients, st.integers(1, 5), st.booleans(), st.booleans(), st.sampled_from(["hello", "a"]))
def test_every_recipient_is_sent_once_or_named_as_a_duplicate(
    to: Sequence[Recipient], most: int, personal: bool, alike: bool, text: str
) -> None:
    info = attrs.evolve(INFO if personal else without(Capability.PERSONAL), limits=Limits(most))
    plan = make_plan(Message(text, to, reference="m", options=TinyOptions(alike=alike)), info, NOW)
    sent = [destination for part in plan.sends for destination in part.destinations]

    # Each distinct pair of number and text is in exactly one request, under a reference of its own.
    wanted = []
    for recipient in plan.message.to:
        own_text = text if recipient.text is None else recipient.text
        wanted.append(("+886" + recipient.number[1:], own_text))
    assert sorted((destination.number, destination.text) for destination in sent) == sorted(set(wanted))
    assert sorted(destination.reference for destination in sent) == sorted(
        destination.reference for destination in plan.destinations
    )
    assert len({destination.reference for destination in sent}) == len(sent)

    # The others are named, each with the earlier place that it repeats.
    left_out = {duplicate.position for duplicate in plan.duplicates}
    assert len(left_out) == len(plan.duplicates) == len(wanted) - len(sent)
    assert all(
        duplicate.of < duplicate.position and wanted[duplicate.of] == wanted[duplicate.position]
        for duplicate in plan.duplicates
    )
    assert not left_out & {duplicate.of for duplicate in plan.duplicates}

    # The destinations keep the message's order; requests keep to the limit, and to one text where they must. None holds a
    # number twice.
    assert [(destination.number, destination.text) for destination in plan.destinations] == list(dict.fromkeys(wanted))
    assert all(1 <= len(part.destinations) <= most for part in plan.sends)
    assert all(len({found.number for found in part.destinations}) == len(part.destinations) for part in plan.sends)
    if alike or not personal:
        for part in plan.sends:
            assert len({(destination.text, destination.send_at) for destination in part.destinations}) == 1
            assert part.one_text == part.destinations[0].text
    else:
        texts_of = Counter(destination.number for destination in sent)
        turns = Counter(turn for texts in texts_of.values() for turn in range(texts))
        assert len(plan.sends) == sum(-(-numbers // most) for numbers in turns.values())


def test_a_message_gets_a_reference_and_keeps_its_own() -> None:
    made_up = make_plan(Message("x", "0900000001"), INFO, NOW)
    assert made_up.message.reference
    assert made_up.destinations[0].reference == made_up.message.reference
    assert make_plan(Message("x", "0900000001"), INFO, NOW).message.reference != made_up.message.reference
    several = make_plan(
        Message("x", ["0900000001", Recipient("0900000002", reference="own")], reference="m"), INFO, NOW
    )
    assert [destination.reference for destination in several.destinations] == ["m-0", "own"]
    assert several.message.reference == "m"


@pytest.mark.parametrize("references", [("r", "r"), ("m-1", "")])
def test_references_are_unique(references: tuple[str, str]) -> None:
    to = [Recipient(f"090000000{place}", reference=reference) for place, reference in enumerate(references)]
    error = refusal(Message("x", to, reference="m"))
    assert error.field == "to[1].reference"
    assert "is that of to[0] too" in error.reason


def test_a_duplicate_s_reference_may_repeat() -> None:
    to = [Recipient("0900000001", reference="r"), Recipient("+886900000001", reference="r")]
    plan = make_plan(Message("x", to), INFO, NOW)
    assert [(duplicate.position, duplicate.of) for duplicate in plan.duplicates] == [(1, 0)]


def test_placeholders_are_filled_where_there_are_params() -> None:
    to = [
        Recipient("0900000001", params={"name": "A", "more": "B"}),
        Recipient("0900000002", text="own {name}", params={"name": "C"}),
    ]
    plan = make_plan(Message("hi {name}, {{}}", to), INFO, NOW)
    assert [destination.text for destination in plan.destinations] == ["hi A, {}", "own C"]
    assert [destination.params for destination in plan.destinations] == [{"name": "A", "more": "B"}, None]


def test_a_message_without_params_keeps_its_braces() -> None:
    plan = make_plan(Message("{name} {{ }", ["0900000001", Recipient("0900000002", text="{own} {")]), INFO, NOW)
    assert [destination.text for destination in plan.destinations] == ["{name} {{ }", "{own} {"]
    assert [destination.params for destination in plan.destinations] == [None, None]


def test_names_emails_and_times_travel() -> None:
    to = [Recipient("0900000001", "Ann", "ann@example.invalid", send_at=LATER + SECOND), Recipient("0900000002")]
    first, second = make_plan(Message("x", to, send_at=LATER), INFO, NOW).destinations
    assert (first.name, first.email, first.send_at) == ("Ann", "ann@example.invalid", LATER + SECOND)
    assert (second.name, second.email, second.send_at) == ("", "", LATER)


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("to[1].number", Message("x", ["0900000001", "0900"])),
        ("to[2].number", Message("x", ["0900000001", "0900000001", ""])),
        ("to[0].params", Message("{name}", Recipient("0900000001", params={"other": "A"}))),
        ("to[1].params", Message("{name}", [Recipient("0900000001", params={"name": "A"}), "0900000002"])),
        ("to[1].params", Message("x", ["0900000001", Recipient("0900000002", text="{name}", params={"a": "A"})])),
        ("text", Message("a { b", Recipient("0900000001", params={"name": "A"}))),
        ("to[0].text", Message("x", Recipient("0900000001", text="a { b", params={"name": "A"}))),
        ("text", Message(" \n", "0900000001")),
        ("text", Message("{name}", Recipient("0900000001", params={"name": " "}))),
        ("to[1].text", Message("x", ["0900000001", Recipient("0900000002", text="")])),
        ("text", Message("x" * 31, "0900000001")),
        ("text", Message("😀" * 16, "0900000001")),
        ("to[0].text", Message("x", Recipient("0900000001", text="x" * 31))),
        ("text", Message("half \ud83d", "0900000001")),
        ("send_at", Message("x", "0900000001", send_at=NOW)),
        ("send_at", Message("x", "0900000001", send_at=NOW - SECOND)),
        ("to[1].send_at", Message("x", ["0900000001", Recipient("0900000002", send_at=NOW - SECOND)])),
        ("subject", Message("x", "0900000001", subject="a" * 40, media=JPG)),
        ("subject", Message("x", "0900000001", subject="中" * 16, media=JPG)),
        ("subject", Message("x", "0900000001", subject="a" * 15 + "中", media=JPG)),
        ("media.format", Message("x", "0900000001", media=Media(b"BM", "bmp"))),
        ("media.content", Message("x", "0900000001", media=Media(b"GIF89a", "jpg"))),
        ("media.content", Message("x", "0900000001", media=Media(b"", "png"))),
        ("media.content", Message("x" * 10, "0900000001", media=Media(b"\xff\xd8\xff" + b"x" * 48, "jpg"))),
        ("text", Message("x" * 41, "0900000001", media=JPG)),
        ("to[1].number", Message("x", ["0900000001", "+12025550100"], media=JPG)),
    ],
)
def test_what_a_vendor_would_refuse_is_refused_here_by_its_place(field: str, message: Message) -> None:
    error = refusal(message)
    assert error.field == field
    assert str(error).startswith(f"{field}: ")


def test_a_refusal_shows_neither_number_nor_text() -> None:
    for message in (Message("seen by nobody", "09000000012"), Message("seen by nobody" * 3, "0900000001")):
        shown = str(refusal(message))
        assert "0900000001" not in shown
        assert "seen by nobody" not in shown


@pytest.mark.parametrize(
    "message",
    [
        Message("x" * 30, "0900000001"),
        Message("😀" * 15, "0900000001"),
        Message("", "0900000001", media=JPG),
        Message("x", "0900000001", subject="a" * 39, media=JPG),
        Message("x", "0900000001", subject="中" * 15, media=JPG),
        Message("x" * 40, "0900000001", media=JPG),
        Message("x" * 10, "0900000001", media=Media(b"\xff\xd8\xff" + b"x" * 47, "jpeg")),
        Message("x", "0900000001", media=Media(b"\x89PNG\r\n\x1a\n", "PNG")),
        Message("x", "0900000001", media=Media(b"GIF87a", "gif")),
        Message("x", "0900000001", send_at=NOW + SECOND),
        Message("x", "+12025550100"),
    ],
)
def test_what_is_just_within_the_limits_passes(message: Message) -> None:
    assert len(make_plan(message, INFO, NOW).sends) == 1


def test_the_past_is_told_across_zones_and_left_alone_for_what_was_sent_already() -> None:
    east = timezone(timedelta(hours=8))
    assert refusal(Message("x", "0900000001", send_at=NOW.astimezone(east))).field == "send_at"
    past = Message("x", Recipient("0900000001", send_at=NOW - SECOND), send_at=NOW - SECOND)
    assert make_plan(past, INFO).destinations[0].send_at == NOW - SECOND


@pytest.mark.parametrize(
    ("capability", "message"),
    [
        (Capability.SEND, Message("x", "0900000001")),
        (Capability.SUBJECT, Message("x", "0900000001", subject="s")),
        (Capability.SCHEDULE, Message("x", "0900000001", send_at=LATER)),
        (Capability.SCHEDULE, Message("x", Recipient("0900000001", send_at=LATER))),
        (Capability.VALIDITY, Message("x", "0900000001", validity=SECOND)),
        (Capability.EMAIL, Message("x", Recipient("0900000001", email="a@example.invalid"))),
        (Capability.MMS, Message("x", "0900000001", media=JPG)),
        (Capability.INTERNATIONAL, Message("x", "+12025550100")),
    ],
)
def test_what_a_vendor_cannot_do_is_refused_by_name(capability: Capability, message: Message) -> None:
    assert make_plan(message, INFO, NOW).sends
    with pytest.raises(Unsupported) as caught:
        make_plan(message, without(capability), NOW)
    assert (caught.value.provider, caught.value.capability) == ("tiny", capability.value)


def test_without_personal_texts_each_text_has_its_requests() -> None:
    to = [Recipient(f"09000000{place:02d}", text="ab"[place % 2]) for place in range(8)]
    plan = make_plan(Message("x", to), without(Capability.PERSONAL), NOW)
    assert [(part.one_text, len(part.destinations)) for part in plan.sends] == [("a", 3), ("a", 1), ("b", 3), ("b", 1)]


def test_an_mms_without_known_limits_is_the_vendor_s_to_judge() -> None:
    info = attrs.evolve(INFO, limits=Limits(3))
    assert make_plan(Message("", ["0900000001", "+12025550100"], media=Media(b"BM", "bmp")), info, NOW).sends


def test_an_mms_abroad_where_the_vendor_sends_it() -> None:
    info = attrs.evolve(INFO, limits=Limits(3, mms=attrs.evolve(MMS, international=True)))
    assert make_plan(Message("x", "+12025550100", media=JPG), info, NOW).sends


def test_each_vendor_picks_its_own_options() -> None:
    message = Message("x", "0900000001", options=(OtherOptions(), TinyOptions("1234")))
    assert own_options(message, INFO).extra_characters == 17
    assert own_options(Message("x", "0900000001", options=OtherOptions()), INFO).extra_characters == 0
    assert own_options(message, attrs.evolve(INFO, send_options=None)).extra_characters == 0
    assert options_of(message, TinyOptions).event_id == "1234"
    assert Send(message, ()).options(TinyOptions) == TinyOptions("1234")
    assert Send(Message("x", "1"), ()).options(TinyOptions) == TinyOptions()
    plan = make_plan(Message("x", ["0900000001", Recipient("0900000002", text="y")], options=OtherOptions()), INFO, NOW)
    assert len(plan.sends) == 1


def test_of_several_options_of_one_vendor_the_last_counts_and_only_that() -> None:
    message = Message("x", "0900000001", options=(TinyOptions("1", alike=True), TinyOptions("2")))
    assert options_of(message, TinyOptions).event_id == "2"
    assert own_options(message, INFO).extra_characters == 17


def test_different_texts_have_no_one_text() -> None:
    plan = make_plan(Message("x", ["0900000001", Recipient("0900000002", text="y")]), INFO, NOW)
    assert plan.sends[0].one_text is None


def test_a_booking_keeps_to_the_vendor_s_window() -> None:
    soonest, latest = timedelta(minutes=15), timedelta(days=35)
    info = attrs.evolve(INFO, limits=attrs.evolve(INFO.limits, soonest=soonest, latest=latest))
    for ahead, rule in ((soonest - SECOND, "books at least 15 minutes ahead"), (latest + SECOND, "at most 35 days")):
        error = refusal(Message("x", "0900000001", send_at=NOW + ahead), info)
        assert (error.field, rule in error.reason) == ("send_at", True)
        own = Recipient("0900000002", send_at=NOW + ahead)
        assert refusal(Message("x", ["0900000001", own]), info).field == "to[1].send_at"
    for ahead in (soonest, latest):
        assert make_plan(Message("x", "0900000001", send_at=NOW + ahead), info, NOW).sends
    assert make_plan(Message("x", "0900000001", send_at=LATER + latest), info).sends, "it was sent already"


def test_options_that_bring_what_is_to_be_sent_need_no_text() -> None:
    assert make_plan(Message("", "0900000001", options=TinyOptions(picture="https://h/1.png")), INFO, NOW).sends
    assert refusal(Message("", "0900000001", options=TinyOptions())).field == "text"


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(days=35), "35 days"),
        (timedelta(days=1), "1 day"),
        (timedelta(minutes=15), "15 minutes"),
        (timedelta(minutes=90), "90 minutes"),
        (timedelta(seconds=36000), "10 hours"),
        (timedelta(seconds=61), "61 seconds"),
        (timedelta(milliseconds=1500), "0:00:01.500000"),
    ],
)
def test_a_span_of_time_in_words(span: timedelta, words: str) -> None:
    assert in_words(span) == words
