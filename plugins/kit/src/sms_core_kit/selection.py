"""Which of its tests a class offers: not those of what a vendor does not have."""

from __future__ import annotations


def offer_test(suite: type, base: type, name: str, *, offered: bool) -> None:
    """Leave a test of ``base`` out of ``suite``, or take it in again where a class in between had left it out."""
    if not offered:
        setattr(suite, name, None)  # pytest collects no attribute that is None
    elif getattr(suite, name) is None:
        setattr(suite, name, vars(base)[name])
