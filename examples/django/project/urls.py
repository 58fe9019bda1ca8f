"""Our own API, the admin, what a watcher asks, and the webhook that the vendor pushes to: ``/sms/default/<secret>``."""

from django.contrib import admin
from django.urls import include, path
from texts import views

from sms_core_django.contrib.outbox.views import health

urlpatterns = [
    path("messages", views.put),
    path("messages/<path:key>", views.get),
    path("health", health),
    path("admin/", admin.site.urls),
    path("sms/", include("sms_core_django.urls")),
]
