"""Our own API, and the webhook that the vendor pushes to: ``/sms/default/<secret>``."""

from django.urls import include, path
from texts import views

urlpatterns = [
    path("messages", views.messages),
    path("replies", views.replies),
    path("sms/", include("sms_core_django.urls")),
]
