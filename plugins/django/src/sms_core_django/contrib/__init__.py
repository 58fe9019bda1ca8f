"""Apps of their own beside `sms_core_django`, for `INSTALLED_APPS`."""
