"""The platform's prices; an account has one purse for both APIs."""

from __future__ import annotations

from decimal import Decimal

from sms_core.provider import Tariff

TARIFF = Tariff(
    steps=(70, 134, 201, 268, 333),  # SOAP document, 1.2; the HTTP one has no prices for texts
    international_factor=3,
    mms=((50 * 1024, Decimal(3)), (300 * 1024, Decimal(5))),  # HTTP document, table 3-2-1; the SOAP one has none
    doubts=("the price table is of the SOAP document of 2020 and does not tell Latin texts from Chinese ones",),
)
MMS_SIZE = 300 * 1024
"""Bytes of picture and text together (HTTP 3.1, SOAP 5.1)."""
MMS_TEXT = 4000
MMS_SUBJECT_OTHER = 15
"""Characters of a subject that is not ASCII alone."""
RECIPIENTS = 500
"""In one request. The documents set no limit; a smaller request leaves fewer outcomes open if its answer is lost."""
