"""Options from text: every type, every error."""

from __future__ import annotations

import enum
import traceback
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, NewType

import attrs
import pytest
from attrs import field, frozen
from hypothesis import given
from hypothesis import strategies as st

from sms_core import ConfigurationError, InvalidMessage
from sms_core.provider import TAIPEI, option_names, read_options

if TYPE_CHECKING:
    from ipaddress import IPv4Address

SECRET = "kept-secret-pa55"


class Speed(enum.Enum):
    SLOW = 1
    FAST = 20


class Colour(str, enum.Enum):  # noqa: UP042 - as older packages have them
    RED = "red"
    GREEN = "green"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Nickname(str):  # noqa: SLOT000 - as others may write one
    """A text of its own kind."""


Points = NewType("Points", int)


@frozen
class Options:
    text: str = "unset"
    key: bytes = b""
    flag: bool = False
    count: int = 0
    ratio: float = 0.0
    price: Decimal = Decimal(0)
    mode: Literal["", "token", "Password"] = ""
    version: Literal[1, 2] = 1
    speed: Speed = Speed.SLOW
    colour: Colour = Colour.RED
    level: Level = Level.LOW
    nickname: Nickname = Nickname()  # noqa: RUF009 - it is frozen
    points: Points = Points(0)
    quota: int | None = None
    title: str | None = None
    retain: bool | None = None
    either: int | Literal["auto"] = 0
    anything: str | int | None = None
    names: tuple[str, ...] = ()
    numbers: list[int] = field(factory=list)
    levels: frozenset[Level] = frozenset()
    sizes: Sequence[int | None] = ()
    plain: tuple = ()  # type: ignore[type-arg]
    some: tuple[int, ...] | None = None
    wait: timedelta = timedelta()
    start: datetime | None = None
    from_: str = ""


def read(**pairs: str) -> Options:
    """The options read from these texts."""
    return read_options(Options, {name.removesuffix("_"): text for name, text in pairs.items()})


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("text", " as it is ", " as it is "),
        ("text", "", ""),
        ("key", "密", "密".encode()),
        ("flag", "true", True),
        ("flag", "YES", True),
        ("flag", "On", True),
        ("flag", "1", True),
        ("flag", "False", False),
        ("flag", "no", False),
        ("flag", "off", False),
        ("flag", "0", False),
        ("count", "-7", -7),
        ("count", " 12 ", 12),
        ("ratio", "-2.5", -2.5),
        ("price", "-0.30", Decimal("-0.30")),
        ("mode", "token", "token"),
        ("mode", "TOKEN", "token"),
        ("mode", "password", "Password"),
        ("mode", "", ""),
        ("version", "2", 2),
        ("speed", "20", Speed.FAST),
        ("speed", "FAST", Speed.FAST),
        ("speed", "fast", Speed.FAST),
        ("colour", "green", Colour.GREEN),
        ("colour", "GREEN", Colour.GREEN),
        ("level", "2", Level.HIGH),
        ("level", "high", Level.HIGH),
        ("nickname", "Lin", Nickname("Lin")),
        ("points", "5", 5),
        ("quota", "5", 5),
        ("quota", "-5", -5),
        ("quota", "", None),
        ("title", "", ""),
        ("title", "x", "x"),
        ("retain", "no", False),
        ("retain", "", None),
        ("either", "3", 3),
        ("either", "AUTO", "auto"),
        ("anything", "3", 3),
        ("anything", "three", "three"),
        ("names", "", ()),
        ("names", "a", ("a",)),
        ("names", "a, b,c", ("a", "b", "c")),
        ("numbers", "1,-2", [1, -2]),
        ("levels", "1,high,LOW", frozenset(Level)),
        ("sizes", "1,,3", (1, None, 3)),
        ("plain", "a,b", ("a", "b")),
        ("some", "", ()),
        ("some", "1,2", (1, 2)),
        ("wait", "90s", timedelta(seconds=90)),
        ("wait", "30m", timedelta(minutes=30)),
        ("wait", "4h", timedelta(hours=4)),
        ("wait", "2d", timedelta(days=2)),
        ("wait", "1.5h", timedelta(minutes=90)),
        ("wait", "90", timedelta(seconds=90)),
        ("wait", "-1d", timedelta(days=-1)),
        ("start", "2026-12-31T09:00", datetime(2026, 12, 31, 9, tzinfo=TAIPEI)),
        ("start", "2026-12-31T09:00Z", datetime(2026, 12, 31, 9, tzinfo=UTC)),
        ("start", "2026-12-31T09:00+09:00", datetime(2026, 12, 31, 0, tzinfo=UTC)),
        ("start", "", None),
        ("from_", "shop", "shop"),
    ],
)
def test_a_text_is_the_value_of_the_field_s_type(name: str, text: str, value: object) -> None:
    found = getattr(read(**{name: text}), name)
    assert found == value
    assert type(found) is type(value)


texts = st.text(st.characters(exclude_categories=["Cs"]))
words = st.text(st.characters(categories=["L", "N"]), min_size=1)


EARLIEST = datetime(2, 1, 3)  # noqa: DTZ001 - hypothesis adds the zone
LATEST = datetime(9998, 12, 28)  # noqa: DTZ001 - the same


def in_seconds(span: timedelta) -> str:
    """A span as a number of seconds."""
    return str(span.total_seconds())


@pytest.mark.parametrize(
    ("name", "values", "write"),
    [
        ("text", texts, str),
        ("key", texts.map(str.encode), bytes.decode),
        ("flag", st.booleans(), str),
        ("count", st.integers(), str),
        ("ratio", st.floats(allow_nan=False, allow_infinity=False), repr),
        ("price", st.decimals(allow_nan=False, allow_infinity=False), str),
        ("version", st.sampled_from([1, 2]), str),
        ("speed", st.sampled_from(Speed), lambda member: member.name),
        ("level", st.sampled_from(Level), lambda member: str(member.value)),
        ("quota", st.integers() | st.none(), lambda value: "" if value is None else str(value)),
        ("names", st.lists(words).map(tuple), ",".join),
        ("numbers", st.lists(st.integers()), lambda values: ", ".join(map(str, values))),
        ("wait", st.integers(-(10**9), 10**9).map(lambda seconds: timedelta(seconds=seconds)), in_seconds),
        ("wait", st.integers(-9999, 9999).map(timedelta), lambda span: f"{span.days}d"),
        (
            "start",
            st.datetimes(EARLIEST, LATEST, timezones=st.just(timezone(timedelta(hours=-5)))),
            datetime.isoformat,
        ),
    ],
)
def test_what_is_written_as_text_is_read_back(
    name: str, values: st.SearchStrategy[Any], write: Callable[[Any], str]
) -> None:
    @given(values)
    def reads_back(value: object) -> None:
        assert getattr(read(**{name: write(value)}), name) == value

    reads_back()


@given(st.sampled_from([attribute.name for attribute in attrs.fields(Options)]), st.text())
def test_any_text_is_a_value_or_refused_by_name(name: str, text: str) -> None:
    try:
        read(**{name: text})
    except ConfigurationError as error:
        assert str(error).startswith(f"option {name.removesuffix('_')!r} ")


def refusal(kind: type[Any], pairs: Mapping[str, str], what: str = "option") -> str:
    """What is said of options that are wrong. No traceback of it holds the secret, the chained errors' neither."""
    with pytest.raises(ConfigurationError) as caught:
        read_options(kind, pairs, what=what)
    assert SECRET not in "".join(traceback.format_exception_only(caught.value))
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("flag", "is true or false"),
        ("count", "needs a whole number"),
        ("ratio", "needs a number"),
        ("price", "needs a number"),
        ("mode", "is one of token, Password"),
        ("version", "is one of 1, 2"),
        ("speed", "is one of 1, 20"),
        ("colour", "is one of red, green"),
        ("level", "is one of 1, 2"),
        ("points", "needs a whole number"),
        ("quota", "needs a whole number"),
        ("retain", "is true or false"),
        ("either", "needs a whole number or is one of auto"),
        ("numbers", "needs values separated by commas, and each needs a whole number"),
        ("levels", "needs values separated by commas, and each is one of 1, 2"),
        ("wait", "needs a length of time such as 90s, 30m, 4h or 2d"),
        ("start", "needs a time such as 2026-12-31T09:00, Taipei's unless it names a zone"),
    ],
)
def test_a_text_of_another_type_is_refused_with_what_would_be_right(name: str, rule: str) -> None:
    assert refusal(Options, {name: SECRET}, "DSN option") == f"DSN option {name!r} {rule}"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("count", "1.5"),
        ("count", ""),
        ("ratio", "inf"),
        ("ratio", "nan"),
        ("ratio", "1e999"),
        ("price", "Infinity"),
        ("price", "sNaN"),
        ("mode", "tok"),
        ("quota", "none"),
        ("numbers", "1,"),
        ("wait", ""),
        ("wait", "1w"),
        ("wait", "9999999999d"),
        ("start", "2026-13-01"),
        ("start", "0001-01-01T00:00+14:00"),
    ],
)
def test_a_text_that_only_looks_right_is_refused(name: str, text: str) -> None:
    assert refusal(Options, {name: text}).startswith(f"option {name!r} ")


def test_an_option_that_is_not_known_is_refused_with_the_one_that_was_meant() -> None:
    assert refusal(Options, {"cuont": SECRET}) == "there is no option 'cuont': did you mean 'count'?"
    assert refusal(Options, {"from_": SECRET}) == "there is no option 'from_': did you mean 'from'?"
    assert refusal(Options, {"zzzz": SECRET}).startswith("there is no option 'zzzz': there are text, key, flag, ")
    assert refusal(frozen(type("Nothing", (), {})), {"x": ""}) == "there is no option 'x': there are none"


def test_the_names_of_options_are_those_of_the_fields_but_for_words_of_python() -> None:
    names = [attribute.name for attribute in attrs.fields(Options)]
    assert option_names(Options) == (*names[:-1], "from")


@frozen
class Hidden:
    _token: str = ""
    made: int = field(init=False, default=1)


def test_a_field_is_named_as_its_argument_is() -> None:
    assert option_names(Hidden) == ("token",)
    assert read_options(Hidden, {"token": "x"}) == Hidden("x")
    assert refusal(Hidden, {"made": "2"}).startswith("there is no option 'made'")


@frozen
class Needed:
    first: str
    class_: int


def test_an_option_that_is_needed_is_missed_by_name() -> None:
    assert read_options(Needed, {"class": "1", "first": "a"}) == Needed("a", 1)
    assert refusal(Needed, {"first": SECRET}) == "option 'class' is missing"


# What a class says beyond its types


def odd(_: object, __: attrs.Attribute[int], value: int) -> None:
    """A validator that names nothing."""
    if value % 2 == 0:
        raise ValueError("has to be odd")


def named(_: object, attribute: attrs.Attribute[str], value: str) -> None:
    """A validator that names the option itself."""
    if value:
        raise ConfigurationError(f"DSN option {attribute.name!r} has to be empty")


def of_a_message(_: object, attribute: attrs.Attribute[str], value: str) -> None:
    """A validator of what a message cannot be sent with."""
    if value:
        raise InvalidMessage(f"options.{attribute.name}", "has to be empty")


def cleaned(text: str) -> str:
    """A converter that quotes what it refuses."""
    if text:
        raise ValueError(f"{text} is not clean")
    return text


@frozen
class Checked:
    retries: int = field(default=0, validator=attrs.validators.ge(0))
    below_: int = field(default=0, validator=attrs.validators.lt(3))
    odd: int = field(default=1, validator=odd)
    plan: str = field(
        default="a",
        validator=attrs.validators.in_(
            ("a", "kept"),
        ),
    )
    code: str = field(default="12", validator=attrs.validators.matches_re(r"\d\d"))
    short: str = field(default="", validator=attrs.validators.max_len(3))
    named: str = field(default="", validator=named)
    message: str = field(default="", validator=of_a_message)
    clean: str = field(default="", converter=cleaned)
    free: str = ""


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("retries", "-1", "DSN option 'retries' must be >= 0"),
        ("below", "3", "DSN option 'below' must be < 3"),
        ("odd", "4", "DSN option 'odd' has to be odd"),
        ("plan", SECRET, "DSN option 'plan' must be in ('a', 'kept')"),
        ("code", SECRET, r"DSN option 'code' must match regex '\\d\\d'"),
        ("short", SECRET, "DSN option 'short': Length of 'short' must be <= 3: 16"),
        ("named", SECRET, "DSN option 'named' has to be empty"),
        ("clean", SECRET, "DSN option 'clean' has a value that is not allowed"),
    ],
)
def test_what_a_validator_refuses_is_refused_by_the_option_s_name(name: str, text: str, said: str) -> None:
    assert refusal(Checked, {name: text, "free": "what it likes"}, "DSN option") == said


def test_what_a_message_cannot_be_sent_with_is_an_invalid_message() -> None:
    with pytest.raises(InvalidMessage, match=r"options\.message: has to be empty"):
        read_options(Checked, {"message": "x"})


@frozen
class Together:
    first: int = 0
    second: int = 0

    def __attrs_post_init__(self) -> None:
        if self.first > self.second:
            raise ValueError("cannot be that far apart")


def test_what_options_refuse_together_is_told_of_all_of_them() -> None:
    assert refusal(Together, {"first": "1", "second": "0"}) == "option 'first' or 'second' cannot be that far apart"


# Types that no text can be read as


class Foreign:
    """Of no use here."""


@frozen
class Unreadable:
    good: int = 0
    mapping: Mapping[str, int] = field(factory=dict)
    pairs: tuple[tuple[str, str], ...] = ()
    two: tuple[int, str] = (0, "")
    nested: Checked | None = None
    other: Foreign | None = None
    anything: Any = None
    mixed: int | Foreign = 0


@pytest.mark.parametrize("name", ["mapping", "pairs", "two", "nested", "other", "anything"])
def test_a_type_that_no_text_can_be_read_as_is_named_with_its_field(name: str) -> None:
    said = refusal(Unreadable, {name: SECRET})
    assert said.startswith(f"Unreadable.{name} is no option: no text can be read as its type, ")


def test_such_a_field_is_in_nobody_s_way() -> None:
    assert read_options(Unreadable, {"good": "1", "mixed": "2"}) == Unreadable(good=1, mixed=2)


def test_a_class_without_attrs_is_refused_by_name() -> None:
    assert refusal(Foreign, {}) == "Foreign is no attrs class, so no options can be read for it"


@frozen
class Late:
    x: IPv4Address | None = None


def test_a_type_that_is_imported_for_type_checkers_alone_is_told() -> None:
    with pytest.raises(ConfigurationError, match=r"^the types of Late cannot be read: name 'IPv4Address' is not defi"):
        read_options(Late, {"x": "1"})
