"""A form of Django's that asks for a one-time code. It needs Django, and is imported by who has it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from sms_core import SmsError
from sms_core_policy.codes import OneTimeCodes, Ticket, Verdict
from sms_core_policy.errors import LimitReached

WORDS = {
    "wrong": "This code is wrong.",
    "expired": "This code is not valid any more. Ask for another one.",
    "too_many": "Too many wrong codes. Ask for another one later.",
    "later": "Too many codes were asked for. Try again later.",
    "number": "No code can be sent to this number.",
    "failed": "No code can be sent now. Try again.",
}
"""What a form says; ``error_words`` of a form has others, such as translations."""


class OneTimeCodeMixin(forms.Form):
    """A form with a number and the code that was sent to it; valid where the code is right, which uses it up.

    Set ``codes``, a `OneTimeCodes`. `send_code` sends one to the number that was typed, for the view's first step; a form
    with the code alone may have the number as ``initial``.
    """

    codes: OneTimeCodes
    purpose = "login"
    error_words = WORDS

    number = forms.CharField(max_length=30)
    code = forms.CharField(
        max_length=20, widget=forms.TextInput({"autocomplete": "one-time-code", "inputmode": "numeric"})
    )

    def send_code(self, number: str, *, ip: str = "") -> Ticket:
        """Send a code. Raises `ValidationError` with words for the person."""
        try:
            return self.codes.start(number, self.purpose, ip=ip)
        except LimitReached as error:
            raise self._error("later") from error
        except SmsError as error:
            raise self._error("failed" if error.retry else "number") from error

    def clean(self) -> dict[str, Any]:
        """Check the code, where all other fields are right: a try is not spent on a form that fails anyway."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        try:
            checked = self.codes.check(cleaned["number"], self.purpose, cleaned["code"])
        except SmsError as error:
            raise self._error("failed" if error.retry else "number") from error
        if checked.verdict is not Verdict.RIGHT:
            self.add_error("code", self._error(checked.verdict.value))
        return cleaned

    def _error(self, code: str) -> ValidationError:
        return ValidationError(self.error_words[code], code)
