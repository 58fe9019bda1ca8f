"""Policies from a table of settings, such as the one of an account in the command's file.

::

    [accounts.shop.policies]
    store = "sqlite:////var/lib/sms/policy.db"
    without_store = "refuse"
    taiwan = { senders = ["互動資通"], urls = ["https://shop.example.tw/"], phones = ["02-2345-6789"], mode = "strict" }
    budget = { per_day = 500, per_month = 5000, per_message = 100 }
    rate = [{ most = 3, within = "1h" }, { most = 1000, within = "1d", each = "all" }]
    duplicates = { within = "10m" }
    opt_out = { purpose = "offers", stop_words = ["STOP", "退訂"] }
    allow_list = ["0900000001"]
    redirect = "0900000001"
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, Literal, TypeVar

from attrs import field, frozen

from sms_core import ConfigurationError
from sms_core.provider import read_options
from sms_core_policy.limits import Budget, Duplicates, Rate, Window
from sms_core_policy.numbers import START_WORDS, STOP_WORDS, AllowList, OptOut, Redirect
from sms_core_policy.reserving import WithoutStore
from sms_core_policy.stores import MemoryStore, Store
from sms_core_policy.taiwan import Mode, TaiwanRules, UrlMatch

T = TypeVar("T")

MEMORY = "memory"
"""The store of this process, as text."""


@frozen
class _Shared:
    """What several policies are told."""

    store: Store | None
    without_store: WithoutStore

    def store_for(self, name: str) -> Store:
        if self.store is None:
            raise ConfigurationError(
                f"{name} counts in a store, and none is named: store = 'sqlite:////var/lib/sms/policy.db', or redis://…"
            )
        return self.store


@frozen
class _Settings:
    store: str = field(default="", repr=False)
    without_store: WithoutStore = "refuse"


@frozen
class _Taiwan:
    mode: Mode | None = None
    url_match: UrlMatch = "prefix"


@frozen
class _Budget:
    per_day: Decimal | None = None
    per_month: Decimal | None = None
    per_message: Decimal | None = None
    account: str = ""


@frozen
class _Window:
    most: int = 0
    within: timedelta = timedelta()
    each: Literal["number", "prefix", "purpose", "all"] = "number"
    digits: int = 5


@frozen
class _Duplicates:
    within: timedelta = timedelta(minutes=10)


@frozen
class _OptOut:
    purpose: str = "all"


def policies_from(table: Mapping[str, Any], *, store: Store | None = None) -> tuple[object, ...]:
    """The policies that a table names, as plugins of a client: ``connect(dsn, plugins=policies_from(table))``.

    The table's ``store`` is what `open_store` takes; ``store`` is one that is open already, and goes before it. Lengths of
    time are texts such as ``90s``, ``10m``, ``1h`` and ``2d``. Raises `ConfigurationError`, which names the setting.
    """
    unknown = set(table) - set(_MAKERS) - {"store", "without_store"}
    if unknown:
        known = ", ".join([*_MAKERS, "store", "without_store"])
        raise ConfigurationError(f"there is no policy {min(unknown)!r}: it is one of {known}")
    settings = _read(_Settings, {name: table[name] for name in ("store", "without_store") if name in table}, "policy")
    if store is None and settings.store:
        store = open_store(settings.store)
    shared = _Shared(store, settings.without_store)
    return tuple(make(table[name], shared) for name, make in _MAKERS.items() if name in table)


def open_store(place: str) -> Store:
    """The store at a place: ``memory``, ``redis://…``, or a database's URL. Raises `ConfigurationError`."""
    scheme = place.partition(":")[0]
    if scheme == MEMORY:
        return MemoryStore()
    is_redis = scheme in ("redis", "rediss", "valkey")
    try:
        if is_redis:
            from sms_core_policy.stores import RedisStore  # noqa: PLC0415 - an extra's

            return RedisStore(place)
        from sms_core_policy.stores import SqlStore  # noqa: PLC0415 - an extra's

        return SqlStore(place)
    except ModuleNotFoundError as error:
        extra = "redis" if is_redis else "sql"
        raise ConfigurationError(f"this store needs: pip install 'sms-core-policy[{extra}]'") from error
    except ValueError as error:  # redis-py's, of a URL with a word that it does not know; it may quote the password
        raise ConfigurationError(f"no store: {type(error).__name__} of its URL") from None


def _taiwan(table: Any, shared: _Shared) -> TaiwanRules:
    del shared
    given = _table("taiwan", table)
    lists = {name: _texts(f"taiwan.{name}", given.pop(name, [])) for name in ("senders", "urls", "phones")}
    settings = _read(_Taiwan, given, "setting of taiwan")
    return TaiwanRules(**lists, mode=settings.mode, url_match=settings.url_match)


def _budget(table: Any, shared: _Shared) -> Budget:
    settings = _read(_Budget, _table("budget", table), "setting of budget")
    return Budget(
        shared.store_for("budget"),
        per_day=settings.per_day,
        per_month=settings.per_month,
        per_message=settings.per_message,
        account=settings.account,
        without_store=shared.without_store,
    )


def _rate(tables: Any, shared: _Shared) -> Rate:
    several = [tables] if isinstance(tables, Mapping) else tables
    if not isinstance(several, list):
        raise ConfigurationError("rate is a list of windows: [{ most = 3, within = '1h' }]")
    windows: list[Window] = []
    for table in several:
        window = _read(_Window, _table("rate", table), "setting of rate")
        windows.append(Window(window.most, window.within, window.each, window.digits))
    return Rate(shared.store_for("rate"), *windows, without_store=shared.without_store)


def _duplicates(table: Any, shared: _Shared) -> Duplicates:
    settings = _read(_Duplicates, _table("duplicates", table), "setting of duplicates")
    return Duplicates(shared.store_for("duplicates"), settings.within, without_store=shared.without_store)


def _opt_out(table: Any, shared: _Shared) -> OptOut:
    given = _table("opt_out", table)
    stop_words = _texts("opt_out.stop_words", given.pop("stop_words", list(STOP_WORDS)))
    start_words = _texts("opt_out.start_words", given.pop("start_words", list(START_WORDS)))
    settings = _read(_OptOut, given, "setting of opt_out")
    store = shared.store_for("opt_out")
    return OptOut(store, settings.purpose, stop_words=stop_words, start_words=start_words)


def _allow_list(numbers: Any, shared: _Shared) -> AllowList:
    del shared
    return AllowList(_texts("allow_list", numbers))


def _redirect(number: Any, shared: _Shared) -> Redirect:
    del shared
    if not isinstance(number, str):
        raise ConfigurationError("redirect is a number: redirect = '0900000001'")
    return Redirect(number)


_MAKERS: Mapping[str, Callable[[Any, _Shared], object]] = {
    "allow_list": _allow_list,
    "opt_out": _opt_out,
    "taiwan": _taiwan,
    "duplicates": _duplicates,
    "rate": _rate,
    "budget": _budget,
    "redirect": _redirect,
}
"""Each policy by its name in a table."""


def _table(name: str, table: Any) -> dict[str, Any]:
    if not isinstance(table, Mapping):
        raise ConfigurationError(f"{name} is a table of settings: {name} = {{ … }}")
    return dict(table)


def _texts(name: str, texts: Any) -> list[str]:
    several: Iterable[Any] = [texts] if isinstance(texts, str) else texts
    if not isinstance(several, list) or not all(isinstance(text, str) for text in several):
        raise ConfigurationError(f"{name} is a list of texts: {name} = ['…']")
    return [str(text) for text in several]


def _read(kind: type[T], table: Mapping[str, Any], what: str) -> T:
    """The settings, their values as text: the core reads those of a DSN in the same way."""
    pairs: dict[str, str] = {}
    for name, value in table.items():
        if isinstance(value, Mapping | list):
            raise ConfigurationError(f"the {what} {name!r} is a text or a number")
        pairs[name] = str(value)
    return read_options(kind, pairs, what=what)
