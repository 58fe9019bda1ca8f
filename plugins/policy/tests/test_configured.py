"""Policies from a table of settings, and how they stand."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import sms_core
from sms_core import ConfigurationError
from sms_core_policy import (
    Duplicates,
    LimitReached,
    MemoryStore,
    OptOut,
    PolicyRefused,
    Rate,
    Standing,
    StoreUnavailable,
    Window,
    open_store,
    policies_from,
    standings_of,
)

A = "0900000001"
SENT = "【互動資通】您好"


def table_of(text: str) -> dict[str, Any]:
    return tomllib.loads(f"[policies]\n{text}")["policies"]


def rules_refused(sms: sms_core.Client, *texts: str) -> list[str]:
    found = []
    for text in texts:
        try:
            sms.send(text, to=A)
        except PolicyRefused as error:
            found.append(error.rule)
    return found


def test_the_table_of_an_account_gives_its_policies(tmp_path: Path) -> None:
    table = table_of(
        f"""
        store = "sqlite:///{tmp_path}/policy.db"
        taiwan = {{ senders = ["互動資通"], urls = ["https://shop.example.tw/"], phones = ["02-2345-6789"] }}
        budget = {{ per_day = 20, per_message = 2.5 }}
        rate = [{{ most = 3, within = "1h" }}, {{ most = 100, within = "1d", each = "all" }}]
        duplicates = {{ within = "10m" }}
        opt_out = {{ purpose = "offers", stop_words = ["NO"] }}
        allow_list = ["{A}"]
        """
    )
    with sms_core.connect("memory://configured", plugins=policies_from(table)) as sms:
        sms.send(SENT, to=A)
    with sms_core.connect("memory://configured", plugins=policies_from(table)) as sms:
        assert rules_refused(sms, SENT, "您好", f"{SENT} evil.tw", f"{SENT}{'字' * 300}") == [
            "duplicates",
            "taiwan-sender",
            "taiwan-url",
            "budget",
        ]
        with pytest.raises(PolicyRefused, match="is not among"):
            sms.send(SENT, to="0900000002")
        sms.send(f"{SENT}1", to=A)
        sms.send(f"{SENT}2", to=A)
        assert rules_refused(sms, f"{SENT}3") == ["rate"]


def test_a_redirect_is_a_number_and_one_window_needs_no_list() -> None:
    store = MemoryStore()
    plugins = policies_from({"redirect": A, "rate": {"most": 1, "within": 60}}, store=store)
    with sms_core.connect("memory://configured", plugins=plugins) as sms:
        assert sms.send("x", to="0900000002").outcomes[0].number == f"+886{A[1:]}"
        with pytest.raises(LimitReached):
            sms.send("y", to="0900000003")


def test_how_the_limits_stand_is_told_and_nothing_is_taken() -> None:
    store = MemoryStore()
    policies = policies_from(
        table_of(
            """
            taiwan = { senders = ["互動資通"] }
            budget = { per_day = 20, per_message = 5 }
            rate = [{ most = 3, within = "1h" }, { most = 100, within = "1d", each = "all" }]
            duplicates = {}
            opt_out = { purpose = "offers" }
            """
        ),
        store=store,
    )
    dsn = "memory://standing"
    with sms_core.connect(dsn, plugins=policies) as sms:
        sms.send(f"{SENT}{'字' * 80}", to=A)
    for _ in range(2):
        found = {(row.rule, row.words): row for row in standings_of(policies, dsn, number=A)}
        day = found["budget", "a day has 20 points"]
        assert (day.used, day.most, day.left) == (Decimal(2), Decimal(20), Decimal(18))
        assert day.until is not None
        assert timedelta() < day.until - datetime.now(UTC) <= timedelta(days=1)
        assert found["rate", "3 texts in 1 hour for each number"].left == 2
        assert found["rate", "100 texts in 1 day"].left == 99
    assert ("taiwan-sender", "strict: a text names one of 互動資通") in found
    assert ("opt-out", "+8869******01 did not ask to get no more texts (offers)") in found
    without_number = {row.words: row for row in standings_of(policies, dsn)}
    assert without_number["3 texts in 1 hour for each number"].left is None
    assert without_number["a message has 5 points"].left is None


def test_a_store_that_cannot_be_asked_is_the_problem_of_its_rules() -> None:
    class Broken(MemoryStore):
        def used(self, claims: object, now: object) -> list[int]:
            raise StoreUnavailable("nobody there")

    rate = Rate(Broken(), Window(3, timedelta(hours=1), "all"))
    (found,) = standings_of([rate, object()], "memory://standing")
    assert found == Standing("rate", "3 texts in 1 hour", problem="the limit rate cannot ask its store (nobody there)")


def test_a_store_is_asked_though_nothing_of_it_is_shown() -> None:
    class Broken(MemoryStore):
        def get(self, keys: object, now: object) -> dict[str, str]:
            raise StoreUnavailable("nobody there")

    found = standings_of([Duplicates(Broken()), OptOut(Broken(), "offers")], "memory://standing")
    assert ["nobody there" in standing.problem for standing in found] == [True, True]


def test_each_refusal_counts_once_for_its_recipient() -> None:
    (rules,) = policies_from({"taiwan": {"senders": ["互動資通"]}})
    duplicates = Duplicates(MemoryStore())
    with sms_core.connect("memory://counts", plugins=[rules, duplicates]) as sms:
        message = sms_core.Message(SENT, [A, "0900000002"])
        sms.send(message)
        assert list(sms.plan(message, skip_refused=True).refused) == [0, 1]
        for _ in range(2):
            with pytest.raises(PolicyRefused):
                sms.send("您好", to=A)
    assert duplicates.decisions() == {("duplicates", "passed"): 1, ("duplicates", "refused"): 2}
    assert rules.decisions() == {("taiwan-sender", "refused"): 2}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"taiwann": {}}, "there is no policy 'taiwann': it is one of allow_list"),
        ({"taiwan": []}, "taiwan is a table of settings"),
        ({"taiwan": {"senders": ["A"], "modus": "x"}}, "setting of taiwan 'modus'"),
        ({"taiwan": {"senders": [1]}}, "taiwan.senders is a list of texts"),
        ({"taiwan": {"senders": ["A"], "mode": "loud"}}, "mode"),
        ({"budget": {"per_day": 1}}, "budget counts in a store, and none is named"),
        ({"store": "memory", "budget": {"per_day": "many"}}, "needs a number"),
        ({"store": "memory", "rate": [{"most": 1}]}, "a window has room for 1 or more, and a length"),
        ({"store": "memory", "rate": "3 an hour"}, "rate is a list of windows"),
        ({"store": "memory", "duplicates": {"within": "long"}}, "such as 90s, 30m, 4h or 2d"),
        ({"store": "memory", "duplicates": {"within": ["1h"]}}, "is a text or a number"),
        ({"store": "memory", "without_store": "hope", "duplicates": {}}, "without_store"),
        ({"store": "mysql://h/d", "duplicates": {}}, "SqlStore"),
        ({"store": "redis://:pa55word@h/notanumber?db=x", "duplicates": {}}, "no store"),
        ({"redirect": ["0900000001"]}, "redirect is a number"),
        ({"store": "memory", "rate": []}, "Rate: a window is needed"),
        ({"store": "memory", "budget": {}}, "Budget: per_day"),
        ({"store": "memory", "budget": {"per_day": -1}}, "none below 0"),
        ({"allow_list": ["12"]}, "a number"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_named(table: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as refused:
        policies_from(table)
    assert "pa55word" not in str(refused.value)


def test_a_store_is_opened_by_its_place(tmp_path: Path) -> None:
    assert isinstance(open_store("memory"), MemoryStore)
    assert type(open_store(f"sqlite:///{tmp_path}/a.db")).__name__ == "SqlStore"
    assert type(open_store("redis://127.0.0.1:1/0")).__name__ == "RedisStore"
