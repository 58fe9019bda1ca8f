"""X-Twilio-Signature: how Twilio proves that a push is its own.

Base64 of an HMAC over the URL and, for a form, each parameter's name and value, sorted, without separators. Source:
twilio.com/docs/usage/security, and the validator of Twilio's own SDK where that page is silent.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import urlsplit

from sms_core import CallbackRefused
from sms_core.provider import CallbackRequest

HEADER = "x-twilio-signature"
SETTINGS_HEADER = "x-twilio-webhooks-signature-settings"
"""Of a push that is signed with a SharedKey: ``key=…,algorithm=HMAC_SHA256``."""
BODY_HASH = "bodySHA256"
"""In the query of a push whose body is no form: the signature is then about the URL alone."""

HASHES = {"HMAC_SHA1": hashlib.sha1, "HMAC_SHA256": hashlib.sha256}
_STANDARD_PORTS = {"https": 443, "http": 80}


def check(request: CallbackRequest, urls: Iterable[str], key: str) -> dict[str, str]:
    """The fields of a push. Raises `CallbackRefused` (403) unless it was signed with ``key``, and for one of these URLs.

    They have no query: that of the request is a part of what was signed.
    """
    algorithm = _algorithm(request.headers.get(SETTINGS_HEADER, ""))
    query_fields, form = dict(request.query_pairs()), request.form_pairs()
    body_hash = query_fields.get(BODY_HASH)
    pairs = [] if body_hash else form
    if body_hash and not _same(hashlib.sha256(request.body).hexdigest(), body_hash):
        raise CallbackRefused("the body is not the one that was signed", 403)
    given = request.headers.get(HEADER, "")
    query = f"?{request.query}" if request.query else ""
    for url in urls:
        for spelling in _spellings(url):
            if _same(sign(spelling + query, pairs, key, algorithm), given):
                return query_fields | dict(form)
    hint = "is callback_url the address that Twilio calls, and the AuthToken this account's?"
    raise CallbackRefused(f"the signature is not Twilio's: {hint}", 403)


def sign(url: str, pairs: Iterable[tuple[str, str]], key: str, algorithm: str = "HMAC_SHA1") -> str:
    """The signature of a push. A value that comes twice under one name counts once."""
    text = url + "".join(name + value for name, value in sorted(set(pairs)))
    signed = text.encode("utf-8", "surrogatepass")  # a server may hand on bytes that are no UTF-8
    return b64encode(hmac.new(key.encode(), signed, HASHES[algorithm]).digest()).decode("ascii")


def _algorithm(settings: str) -> str:
    """The one that the settings name, ``key=…,algorithm=…``; without any it is HMAC_SHA1."""
    named = {}
    for setting in settings.split(","):
        name, _, value = setting.partition("=")
        named[name.strip()] = value.strip()
    algorithm = named.get("algorithm", "").upper() or "HMAC_SHA1"
    if algorithm not in HASHES:
        raise CallbackRefused("signed in a way that is not known here", 403)
    return algorithm


@lru_cache(maxsize=64)
def _spellings(url: str) -> tuple[str, str]:
    """The URL without and with its port: which of them Twilio signs is not always the same, says its SDK."""
    parts = urlsplit(url)
    scheme, _, rest = url.partition("://")
    bare = parts.netloc.removesuffix(f":{parts.port}")
    port = parts.port or _STANDARD_PORTS[parts.scheme]
    path = rest[len(parts.netloc) :]
    return f"{scheme}://{bare}{path}", f"{scheme}://{bare}:{port}{path}"


def _same(ours: str, given: str) -> bool:
    """In a time that tells nothing of how much of them is alike."""
    return hmac.compare_digest(ours.encode(), given.encode("utf-8", "replace"))
