"""The form for Django: right codes pass once, and what is wrong is said in words for a person."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

import sms_core
from sms_core.testing import memory_exchange
from sms_core_policy import MemoryStore, OneTimeCodes, Window

NUMBER = "0900000001"


@pytest.fixture
def form(clock: Any) -> Any:
    import django  # noqa: PLC0415 - as below
    from django.conf import settings  # noqa: PLC0415 - after all other tests were collected, which may have settings

    if not settings.configured:
        settings.configure(USE_I18N=False)
        django.setup()
    from sms_core_policy.django import OneTimeCodeMixin  # noqa: PLC0415 - needs the settings

    memory_exchange("form").reset()
    limits = [Window(2, timedelta(hours=1), "number")]
    one_time = OneTimeCodes(
        sms_core.connect("memory://form"),
        MemoryStore(),
        key="a key of the application",
        sender="互動資通",
        limits=limits,
        clock=clock,
    )

    class LoginForm(OneTimeCodeMixin):
        codes = one_time

    return LoginForm


def sent_code() -> str:
    return re.findall(r"\d{6}", memory_exchange("form").accepted[-1].text)[0]


def test_a_right_code_is_valid_once(form: Any) -> None:
    form().send_code(NUMBER, ip="192.0.2.1")
    assert form({"number": NUMBER, "code": sent_code()}).is_valid()
    again = form({"number": NUMBER, "code": sent_code()})
    assert again.errors == {"code": ["This code is not valid any more. Ask for another one."]}


def test_a_form_that_is_wrong_otherwise_costs_no_try(form: Any) -> None:
    form().send_code(NUMBER)
    for _ in range(9):
        assert not form({"number": "0" * 40, "code": sent_code()}).is_valid()
    wrong = form({"number": NUMBER, "code": f"{(int(sent_code()) + 1) % 10**6:06d}"})
    assert wrong.errors == {"code": ["This code is wrong."]}
    assert form({"number": NUMBER, "code": sent_code()}).is_valid()


def test_what_cannot_be_sent_is_said_in_words(form: Any, clock: Any) -> None:
    from django.core.exceptions import ValidationError  # noqa: PLC0415 - as above

    with pytest.raises(ValidationError, match="to this number"):
        form().send_code("12")
    assert form({"number": "12", "code": "1"}).non_field_errors() == ["No code can be sent to this number."]
    for _ in range(2):
        form().send_code(NUMBER)
        clock.move(timedelta(minutes=1))
    with pytest.raises(ValidationError, match="Try again later"):
        form().send_code(NUMBER)


def test_a_person_asks_for_a_code_and_types_it_in(form: Any) -> None:
    from django.http import HttpResponse  # noqa: PLC0415 - as above
    from django.test import Client, override_settings  # noqa: PLC0415 - as above
    from django.urls import path  # noqa: PLC0415 - as above

    def log_in(request: Any) -> Any:
        shown = form(request.POST or None)
        if "ask" in request.POST:
            form().send_code(request.POST["number"], ip=request.META["REMOTE_ADDR"])
        elif shown.is_valid():
            return HttpResponse("welcome")
        return HttpResponse(shown.as_p())

    with override_settings(ROOT_URLCONF=(path("", log_in),), MIDDLEWARE=[]):
        browser = Client()
        page = browser.get("/").content.decode()
        number, code = re.findall(r"<input[^>]*>", page)
        assert "required" in number
        assert 'type="tel"' in number
        assert "required" not in code, "a browser would not let the number be sent alone"
        browser.post("/", {"number": "0912 345 678", "code": "", "ask": "1"})
        wrong = browser.post("/", {"number": "0912 345 678", "code": "1"}).content.decode()
        assert "This code is wrong." in wrong
        assert browser.post("/", {"number": "0912345678", "code": sent_code()}).content == b"welcome"


def test_whose_fault_it_is_is_said(form: Any) -> None:
    from django.core.exceptions import ValidationError  # noqa: PLC0415 - as above

    memory_exchange("form").add_account("u", "p", 10)
    form.codes = OneTimeCodes(
        sms_core.connect("memory://u:wrong@form"), MemoryStore(), key="a key of the application", sender="互動資通"
    )
    form.error_words = {"failed": "Later."}
    with pytest.raises(ValidationError, match="Later"):
        form().send_code(NUMBER)
    with pytest.raises(ValidationError, match="to this number"):
        form().send_code("12")
