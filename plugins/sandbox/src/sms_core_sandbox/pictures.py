"""What kind of picture some bytes are."""

from __future__ import annotations

_SIGNATURES = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"GIF8": "image/gif",
    b"BM": "image/bmp",
}


def media_type(content: bytes) -> str:
    """The media type of a picture that handsets show, by its first bytes; anything else is bytes and no more.

    So nothing that a sender calls a picture is a page or a script to a browser.
    """
    for signature, kind in _SIGNATURES.items():
        if content.startswith(signature):
            return kind
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return "application/octet-stream"
