"""Error reports without DSNs.

``DEFAULT_EXCEPTION_REPORTER_FILTER = "sms_core_django.reporting.HideDsns"`` in the settings.
"""

from __future__ import annotations

import re

from django.views.debug import SafeExceptionReporterFilter


class HideDsns(SafeExceptionReporterFilter):
    """Django's own filter, which hides settings by their names, hides those that are called DSN too."""

    hidden_settings = re.compile(SafeExceptionReporterFilter.hidden_settings.pattern + "|DSN", flags=re.IGNORECASE)
