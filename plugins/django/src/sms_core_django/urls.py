"""``path("sms/", include("sms_core_django.urls"))`` takes pushes to ``/sms/<alias>/<secret>``."""

from django.urls import path

from sms_core_django.views import receive

app_name = "sms_core_django"
# All below, so that the receiver is the one who refuses, and logs it.
urlpatterns = [path("<path:rest>", receive, name="receive")]
