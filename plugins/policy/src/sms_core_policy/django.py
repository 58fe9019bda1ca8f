"""A form of Django's that asks for a one-time code. It needs Django, and is imported by who has it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from sms_core import InvalidMessage, RecipientRefused, SmsError
from sms_core_policy.codes import OneTimeCodes, Ticket, Verdict
from sms_core_policy.errors import LimitReached

WORDS = {
    "wrong": _("This code is wrong."),
    "expired": _("This code is not valid any more. Ask for another one."),
    "too_many": _("Too many wrong codes. Ask for another one later."),
    "later": _("Too many codes were asked for. Try again later."),
    "number": _("No code can be sent to this number."),
    "failed": _("This does not work now. Try again later."),
}
"""What a form says, in your project's translation; ```error_words`` of a form has others."""


class CodeInput(forms.TextInput):
    """A field that a browser lets stand empty, so that a button beside it can ask for a code first."""

    def use_required_attribute(self, initial: Any) -> bool:
        """Never: the form itself says that it is missing."""
        del initial
        return False


class OneTimeCodeMixin(forms.Form):
    """A form with a number and the code that was sent to it; valid where the code is right, which uses it up.

    Set ``codes``, a `OneTimeCodes`, and in ``error_words`` what is to be said otherwise than in `WORDS`. `send_code` sends one to the number that was typed, for the view's first step; a form
    with the code alone may have the number as ``initial``.
    """

    codes: OneTimeCodes
    purpose = "login"
    error_words = WORDS

    number = forms.CharField(
        label=_("Number"), max_length=30, widget=forms.TextInput({"type": "tel", "autocomplete": "tel"})
    )
    code = forms.CharField(
        label=_("Code"),
        max_length=20,
        widget=CodeInput({"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )

    def send_code(self, number: str, *, ip: str = "") -> Ticket:
        """Send a code. Raises `ValidationError` with words for the person."""
        try:
            return self.codes.start(number, self.purpose, ip=ip)
        except LimitReached as error:
            raise self._error("later") from error
        except SmsError as error:
            raise self._refused(error) from error

    def clean(self) -> dict[str, Any]:
        """Check the code, where all other fields are right: a try is not spent on a form that fails anyway."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        try:
            checked = self.codes.check(cleaned["number"], self.purpose, cleaned["code"])
        except SmsError as error:
            raise self._refused(error) from error
        if checked.verdict is not Verdict.RIGHT:
            self.add_error("code", self._error(checked.verdict.value))
        return cleaned

    def _refused(self, error: SmsError) -> ValidationError:
        """Whose fault it is: the number's alone where that was refused."""
        return self._error("number" if isinstance(error, InvalidMessage | RecipientRefused) else "failed")

    def _error(self, code: str) -> ValidationError:
        return ValidationError({**WORDS, **self.error_words}[code], code)
