"""What the exit code of ``sms`` says. The tables are the whole of it."""

from __future__ import annotations

from collections.abc import Collection

from sms_core.errors import (
    ConfigurationError,
    InvalidMessage,
    OutcomeUnknown,
    PartiallySent,
    SmsError,
    Unsupported,
)
from sms_core.model import Outcome
from sms_core_cli.campaign.row_results import RowOutcome

DONE = 0
WRONG_USE = 2
"""The caller's fault; click's own code for it too."""
REFUSED = 3
"""The vendor, or the way to it, said no: surely nothing was sent."""
UNKNOWN = 4
"""At least one recipient may have been accepted."""
PARTLY_SENT = 5
"""Some were accepted, the others surely not."""

OF_ERRORS: tuple[tuple[type[SmsError], int], ...] = (
    (ConfigurationError, WRONG_USE),
    (InvalidMessage, WRONG_USE),
    (Unsupported, WRONG_USE),
    (OutcomeUnknown, UNKNOWN),
    (PartiallySent, PARTLY_SENT),
    (SmsError, REFUSED),
)
"""The first class that fits decides."""


def of_error(error: SmsError) -> int:
    """The exit code of an error."""
    return next(code for kind, code in OF_ERRORS if isinstance(error, kind))


def of_outcomes(outcomes: Collection[Outcome]) -> int:
    """The exit code of a send with these recipients' outcomes; the table of `of_campaign` holds for it too."""
    return of_campaign([RowOutcome.of(outcome) for outcome in outcomes])


def of_campaign(outcomes: Collection[RowOutcome]) -> int:
    """The exit code of a campaign with rows of these outcomes; a row that repeats another counts with that one.

    =====================================  ============
    any unknown                            4
    none accepted                          3
    some accepted and some not             5
    all accepted                           0
    =====================================  ============
    """
    found = set(outcomes) - {RowOutcome.DUPLICATE}
    if RowOutcome.UNKNOWN in found:
        return UNKNOWN
    if RowOutcome.ACCEPTED not in found:
        return REFUSED
    return PARTLY_SENT if len(found) > 1 else DONE
