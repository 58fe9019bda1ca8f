"""What Twilio would refuse, or leave out without a word, refused before anything is sent."""

from __future__ import annotations

from datetime import timedelta

from sms_core import ConfigurationError, InvalidMessage, Message
from sms_core.provider import Account, Destination, in_words, options_of
from sms_core_twilio.options import AccountOptions, SendOptions

LONGEST_VALIDITY = timedelta(seconds=36000)  # Create a Message, ValidityPeriod


def prepare(account: Account, message: Message, destinations: tuple[Destination, ...]) -> None:
    """Raise `InvalidMessage`, naming the field, or `ConfigurationError` where no sender is named."""
    options = options_of(message, SendOptions)
    _check_sender(account, options, destinations)
    _check_template(options, destinations)
    validity = message.validity
    if validity is not None and (validity > LONGEST_VALIDITY or validity % timedelta(seconds=1)):
        raise InvalidMessage("validity", f"is whole seconds, {in_words(LONGEST_VALIDITY)} at most")


def _check_sender(account: Account, options: SendOptions, destinations: tuple[Destination, ...]) -> None:
    number, service = account.typed_options(AccountOptions).sender_of(options)
    if not number and not service:
        hint = "in the DSN, percent-encoded, or from_ or messaging_service in the SendOptions"
        raise ConfigurationError(f"Twilio needs a sender: from or messaging_service {hint}")
    if service:
        return
    for destination in destinations:
        if destination.send_at is not None:
            raise InvalidMessage("send_at", "needs a messaging_service: Twilio books nothing without one")
    if options.shorten_urls:
        raise InvalidMessage("options.shorten_urls", "needs a messaging_service")


def _check_template(options: SendOptions, destinations: tuple[Destination, ...]) -> None:
    if options.content_variables and not options.content_sid:
        raise InvalidMessage("options.content_variables", "are for a template: name its content_sid")
    if not options.content_sid:
        return
    for destination in destinations:
        if destination.text:
            raise InvalidMessage(
                destination.text_path, "beside a template is not sent: leave it empty, or content_sid out"
            )
