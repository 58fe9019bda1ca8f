"""The page at ``/``: phones as conversations, live; faults, accounts and requests beside them.

HTML from Jinja2, in which everything is escaped, with htmx for what changes in place. Nothing is fetched from elsewhere.
"""

from sms_core_sandbox.page.routes import page_routes

__all__ = ["page_routes"]
