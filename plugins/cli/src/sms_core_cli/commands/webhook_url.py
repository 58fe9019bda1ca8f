"""``sms webhook-url``: an address for a vendor to push to, with a secret in it."""

from __future__ import annotations

from urllib.parse import urlsplit

import click

from sms_core.dsn import is_loopback
from sms_core.errors import ConfigurationError
from sms_core.webhooks import new_secret
from sms_core.webhooks.guard import is_segment
from sms_core_cli.command import SmsCommand, json_option
from sms_core_cli.language import _
from sms_core_cli.output import note, show_json

SECRET_VARIABLE = "SMS_WEBHOOK_SECRET"  # noqa: S105 - a name


@click.command(
    "webhook-url",
    cls=SmsCommand,
    epilog="Example: sms webhook-url --base https://example.com/sms --name every8d",
)
@click.option("--base", required=True, metavar="URL", help="Where the receiver is mounted: https://example.com/sms.")
@click.option("--name", required=True, help="The client's name in the receiver, such as every8d.")
@click.option("--allow-plaintext", is_flag=True, help="Take an http:// address of another machine too.")
@json_option
def webhook_url(base: str, name: str, *, allow_plaintext: bool, as_json: bool) -> None:
    """Make an address for a vendor to push to, with a fresh secret in it."""
    base = _checked_base(base, allow_plaintext=allow_plaintext)
    if not is_segment(name):
        raise ConfigurationError("the name is part of a URL: letters, digits and - . _ ~ only")
    secret = new_secret()
    url = f"{base}/{name}/{secret}"
    if as_json:
        show_json({"url": url, "name": name, "secret": secret})
        return
    click.echo(url)
    note(
        _(
            "The last part is a secret: whoever knows it can forge reports. Set {variable} to it in the environment of "
            "the receiver, beside the earlier ones (apart by blanks) while they still count, and give the whole URL to "
            "the vendor alone.",
            variable=SECRET_VARIABLE,
        )
    )


def _checked_base(base: str, *, allow_plaintext: bool) -> str:
    """The base without a slash at its end. Raises `ConfigurationError`."""
    try:
        parts = urlsplit(base)
        host = parts.hostname or ""
    except ValueError:
        raise ConfigurationError("--base is no URL") from None
    if parts.scheme not in {"http", "https"} or not host:
        raise ConfigurationError("--base starts with https:// and a host")
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise ConfigurationError("--base has no user, query or fragment: the secret belongs into the path")
    if parts.scheme == "http" and not (allow_plaintext or is_loopback(host)):
        hint = "use https, or say --allow-plaintext"
        raise ConfigurationError(f"over plain HTTP to {host} the network could read secret, numbers and texts: {hint}")
    return base.rstrip("/")
