"""The application, which listens to what vendors push."""

from django.apps import AppConfig


class TextsConfig(AppConfig):
    """Connects the handlers to the signals."""

    name = "texts"

    def ready(self) -> None:
        """Import the handlers, which connects them."""
        from texts import handlers  # noqa: F401, PLC0415 - the models are loaded by now
