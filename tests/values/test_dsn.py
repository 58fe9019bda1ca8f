from __future__ import annotations

import traceback
from typing import Literal

import attrs
import pytest
from attrs import field, frozen
from hypothesis import given
from hypothesis import strategies as st

import sms_core
from sms_core import Capability, ConfigurationError, Limits, ProviderInfo
from sms_core._engine.connection import ConnectionOptions, account_of, split_options
from sms_core.dsn import Dsn, build, from_environment, is_loopback, parse
from sms_core.provider import Account, NoOptions

PASSWORD = "pa55-kept-to-itself"


@frozen
class TinyOptions:
    auth: Literal["token", "password"] = "token"
    pages: int = 1
    secret: str = field(default="", repr=False)
    from_: str = ""


INFO = ProviderInfo(
    "tiny", "Tiny", {Capability.SEND}, Limits(10), default_host="tiny.example", account_options=TinyOptions
)

texts = st.text(st.characters(exclude_categories=["Cs"]))


def account(dsn: str, info: ProviderInfo = INFO) -> Account:
    parsed = parse(dsn)
    return account_of(parsed, info, *split_options(parsed, info))


def error_of(dsn: str) -> str:
    """The whole traceback of the error, chained ones too, without the source lines that a test itself quotes."""
    with pytest.raises(ConfigurationError) as caught:
        account(dsn)
    shown = traceback.TracebackException.from_exception(caught.value)
    words: list[str] = []
    seen = [shown]
    while seen:
        one = seen.pop()
        words.extend(one.format_exception_only())
        seen.extend(filter(None, (one.__cause__, one.__context__ if not one.__suppress_context__ else None)))
    return "".join(words) + repr(caught.value)


@given(texts, texts, st.dictionaries(st.sampled_from(["secret", "proxy"]), texts))
def test_what_is_built_is_parsed_back(user: str, password: str, options: dict[str, str]) -> None:
    parsed = parse(build("tiny", user, password, "sms.example:8443/a/b", **options))
    assert parsed == Dsn("tiny", user, password, "sms.example", 8443, "/a/b", options)


@given(texts)
def test_no_password_is_in_a_repr(password: str) -> None:
    parsed = parse(build("tiny", "", f"<{password}>", "h"))
    assert f"<{password}>" not in repr(parsed)
    assert f"<{password}>" not in repr(account(build("tiny", "", f"<{password}>")))


@pytest.mark.parametrize(
    ("dsn", "expected"),
    [
        ("tiny://", Dsn("tiny")),
        ("TINY://u:p@Host", Dsn("tiny", "u", "p", "host")),
        ("  tiny://u@h/\n", Dsn("tiny", "u", "", "h")),
        ("tiny-soap://u:p@h:80/x/", Dsn("tiny-soap", "u", "p", "h", 80, "/x")),
        ("tiny_soap://u:p@h", Dsn("tiny_soap", "u", "p", "h")),
        (
            "tiny://u:p%40%3A%2F%3F%23@h?secret=a%26b&proxy=",
            Dsn("tiny", "u", "p@:/?#", "h", None, "", {"secret": "a&b", "proxy": ""}),
        ),
        ("tiny://u:%E5%AF%86@[2001:db8::1]:8080", Dsn("tiny", "u", "密", "2001:db8::1", 8080)),
    ],
)
def test_parse(dsn: str, expected: Dsn) -> None:
    assert parse(dsn) == expected


@pytest.mark.parametrize(
    ("dsn", "hint"),
    [
        ("", "starts with a provider's name"),
        ("tiny", "starts with a provider's name"),
        (f"tiny:u:{PASSWORD}@h", "starts with a provider's name"),
        (f"://u:{PASSWORD}@h", "starts with a provider's name"),
        (f"tiny://u:{PASSWORD}/x@h", "percent-encode"),
        (f"tiny://u:{PASSWORD}", "percent-encode"),
        (f"tiny://u:1/{PASSWORD}@h", "%2F"),
        (f"tiny://u:{PASSWORD}#x@h", "percent-encode"),
        (f"tiny://u:1#{PASSWORD}@h", "%23"),
        (f"tiny://u:1?{PASSWORD}@h", "%3F"),
        (f"tiny://u:{PASSWORD}%FF@h", "percent-encoded UTF-8"),
        (f"tiny://u:{PASSWORD}@h:https", "percent-encode"),
        (f"tiny://u:{PASSWORD}@h:99999", "percent-encode"),
        (f"tiny://u:{PASSWORD}@[::1", "percent-encode"),
        (f"tiny://u:{PASSWORD}@h?secret=1&secret=2", "twice"),
        (f"tiny://u:{PASSWORD}@h?secret", "has no '='"),
        (f"tiny://u:{PASSWORD}@h?secret=%FF", "percent-encoded UTF-8"),
        (f"tiny://u:{PASSWORD}@h?page=1", "did you mean 'pages'"),
        (f"tiny://u:{PASSWORD}@h?zzzz=1", "there are scheme, allow_plaintext"),
        (f"tiny://u:{PASSWORD}@h?auth=basic", "one of token, password"),
        (f"tiny://u:{PASSWORD}@h?scheme=ftp", "one of https, http"),
        (f"tiny://u:{PASSWORD}@h?pages=many", "'pages' needs a whole number"),
        (f"tiny://u:{PASSWORD}@h?retries=-1", "'retries' needs a number from 0 on"),
        (f"tiny://u:{PASSWORD}@h?batch_size=-1", "'batch_size' needs a number from 0 on"),
        (f"tiny://u:{PASSWORD}@h?max_text=-1", "'max_text' needs a number from 0 on"),
        (f"tiny://u:{PASSWORD}@h?connect_timeout=-1", "'connect_timeout' needs a number of seconds above 0"),
        (f"tiny://u:{PASSWORD}@h?deadline=0", "'deadline' needs a number of seconds above 0"),
        (f"tiny://u:{PASSWORD}@h?idle_timeout=-1", "'idle_timeout' needs a number of seconds above 0"),
        (f"tiny://u:{PASSWORD}@h?read_timeout=inf", "'read_timeout' needs a number"),
        (f"tiny://u:{PASSWORD}@h?read_timeout=nan", "'read_timeout' needs a number"),
        (f"tiny://u:{PASSWORD}@h?proxy={PASSWORD}", "'proxy' needs an http:// or https:// URL"),
        (f"tiny://u:{PASSWORD}@h?allow_plaintext=perhaps", "true or false"),
        (f"tiny://u:{PASSWORD}@h?scheme=http", "plain HTTP to h"),
        (f"tiny://u:{PASSWORD}@h?read_timeout={PASSWORD}", "'read_timeout' needs a number"),
    ],
)
def test_a_wrong_dsn_says_what_is_wrong_and_never_the_password(dsn: str, hint: str) -> None:
    shown = error_of(dsn)
    assert hint in shown
    assert PASSWORD not in shown


@pytest.mark.parametrize("dsn", [f"user:{PASSWORD}@https://tiny.example", f"tiny:user:{PASSWORD}@tiny://h"])
def test_a_password_that_stands_where_the_provider_should_be_is_not_shown(dsn: str) -> None:
    assert PASSWORD not in error_of(dsn)
    with pytest.raises(ConfigurationError) as caught:
        sms_core.connect(dsn)
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize("raw", ["pa55?kept=x", "1?kept-to-itself=x"])
def test_the_rest_of_a_password_with_an_unencoded_question_mark_is_not_shown(raw: str) -> None:
    assert "kept" not in error_of(f"tiny://u:{raw}@h")


@given(st.text(st.sampled_from("ab:/?#[]@%=&2F1"), max_size=12))
def test_any_text_after_the_provider_is_parsed_or_refused_by_name(rest: str) -> None:
    try:
        account(f"tiny://{rest}")
    except ConfigurationError:
        return


@given(st.text())
def test_any_text_is_parsed_or_refused_by_name(text: str) -> None:
    try:
        parse(text)
    except ConfigurationError:
        return


@pytest.mark.parametrize(
    ("dsn", "base_url"),
    [
        ("tiny://u:p@", "https://tiny.example"),
        ("tiny://u:p@new.example:8443/prepaid/", "https://new.example:8443/prepaid"),
        ("tiny://u:p@localhost?scheme=http", "http://localhost"),
        ("tiny://u:p@127.0.0.9:8080?scheme=http", "http://127.0.0.9:8080"),
        ("tiny://u:p@[::1]:8080?scheme=http", "http://[::1]:8080"),
        ("tiny://u:p@h?scheme=http&allow_plaintext=true", "http://h"),
        ("tiny://u:p@[2001:db8::1]/x", "https://[2001:db8::1]/x"),
    ],
)
def test_the_account_s_base_url(dsn: str, base_url: str) -> None:
    found = account(dsn)
    assert found.base_url == base_url
    assert (found.user, found.password) == ("u", "p")


@pytest.mark.parametrize("host", ["h", "10.0.0.1", "127.example", "localhost.example", "[::2]"])
def test_plain_http_elsewhere_needs_a_word(host: str) -> None:
    with pytest.raises(ConfigurationError, match="allow_plaintext=true"):
        account(f"tiny://u:p@{host}?scheme=http")
    assert account(f"tiny://u:p@{host}?scheme=http&allow_plaintext=yes").base_url == f"http://{host}"


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.255.0.1", True),
        ("::1", True),
        ("", False),
        ("128.0.0.1", False),
        ("sms.localhost", False),
    ],
)
def test_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_a_provider_without_a_default_host_needs_one() -> None:
    homeless = ProviderInfo("tiny", "Tiny", {Capability.SEND}, Limits(10))
    with pytest.raises(ConfigurationError, match="needs a host"):
        account("tiny://u:p@", homeless)
    assert account("tiny://u:p@h", homeless).options == NoOptions()


def test_a_default_host_may_have_a_port_which_is_not_that_of_another_host() -> None:
    info = ProviderInfo("tiny", "Tiny", {Capability.SEND}, Limits(10), default_host="tiny.invalid:7003")
    assert account("tiny://u:p@", info).base_url == "https://tiny.invalid:7003"
    assert account("tiny://u:p@other.invalid", info).base_url == "https://other.invalid"
    assert account("tiny://u:p@other.invalid:1/v2", info).base_url == "https://other.invalid:1/v2"


def test_a_provider_may_live_in_memory() -> None:
    inside = ProviderInfo("tiny", "Tiny", {Capability.SEND}, Limits(10), default_scheme="memory")
    assert account("tiny://", inside).base_url == "memory://"


def test_options_are_typed() -> None:
    parsed = parse(
        "tiny://u:p@h?auth=password&pages=7&read_timeout=2.5&close_session=1&batch_size=5&allow_plaintext=no"
    )
    connection, own = split_options(parsed, INFO)
    assert own == TinyOptions("password", 7)
    assert connection == ConnectionOptions(read_timeout=2.5, close_session=True, batch_size=5)
    assert account("tiny://u:p@h?pages=7").typed_options(TinyOptions).pages == 7


def test_an_option_of_the_vendor_s_may_be_negative_unless_its_class_forbids_it() -> None:
    assert account("tiny://u:p@h?pages=-1").options == TinyOptions(pages=-1)


@frozen
class UnreadableOptions:
    prices: dict[str, int] = field(factory=dict)


def test_a_type_that_no_text_can_be_read_as_is_told_whether_the_option_is_given_or_not() -> None:
    info = attrs.evolve(INFO, account_options=UnreadableOptions)
    with pytest.raises(ConfigurationError) as caught:
        account("tiny://u:p@h", info)
    assert str(caught.value) == (
        "UnreadableOptions.prices is no option: no text can be read as its type, dict[str, int]"
    )


def test_an_option_may_have_the_name_of_a_word_of_python() -> None:
    assert account("tiny://u:p@?from=shop").options == TinyOptions(from_="shop")
    with pytest.raises(ConfigurationError, match="did you mean 'from'"):
        account("tiny://u:p@?from_=shop")


def test_a_proxy_s_password_is_not_in_a_repr() -> None:
    parsed = parse(f"tiny://u:p@h?proxy=http%3A%2F%2Fme%3A{PASSWORD}%40proxy")
    assert PASSWORD not in repr(parsed)
    connection, _ = split_options(parsed, INFO)
    assert connection.proxy == f"http://me:{PASSWORD}@proxy"
    assert PASSWORD not in repr(connection)


def test_the_account_s_key_tells_credentials_apart_and_shows_none() -> None:
    keys = {account(f"tiny://{who}@h").key for who in ("u:p", "u:q", "v:p", "u:p", "u:p%1F")}
    assert len(keys) == 4
    assert account(f"tiny://u:{PASSWORD}@h").key.isalnum()
    assert PASSWORD not in account(f"tiny://u:{PASSWORD}@h").key


def test_the_environment_names_the_dsn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SMS_DSN", raising=False)
    with pytest.raises(ConfigurationError, match="SMS_DSN is not set"):
        from_environment()
    monkeypatch.setenv("SMS_DSN", "memory://u:p@")
    assert from_environment() == "memory://u:p@"
    with sms_core.connect() as sms:
        assert sms.info.name == "memory"


@pytest.mark.parametrize(
    "option", ["connect_timeout=0", "read_timeout=0", "proxy=proxy.example:3128", "proxy=socks5://proxy.example"]
)
def test_an_option_that_no_connection_can_be_made_with_is_refused_at_connect(option: str) -> None:
    with pytest.raises(ConfigurationError):
        sms_core.connect(f"memory://u:p@?{option}")
