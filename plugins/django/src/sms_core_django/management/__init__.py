"""What `manage.py` can do for SMS."""
