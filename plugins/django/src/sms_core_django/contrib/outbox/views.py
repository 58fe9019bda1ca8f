"""A page for whatever watches the site: ``path("health/sms", health)``."""

from __future__ import annotations

import logging

from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from sms_core import SmsError
from sms_core_django.contrib.outbox.outboxes import get_outbox

log = logging.getLogger("sms_core.django")


@never_cache
@require_safe
@transaction.non_atomic_requests
def health(request: HttpRequest) -> JsonResponse:
    """200 and ``{"alarms": []}`` where all is well; else 503 and the kinds of the alarms, without a number or a name."""
    del request
    try:
        kinds = sorted({str(alarm.kind) for alarm in get_outbox().alarms()})
    except (SmsError, ImproperlyConfigured) as error:
        log.error("the outbox cannot be read: %s", error)  # noqa: TRY400 - its words suffice
        kinds = ["database"]
    return JsonResponse({"alarms": kinds}, status=503 if kinds else 200)


health.login_required = False  # type: ignore[attr-defined]  # what Django's login_not_required does since 5.1
