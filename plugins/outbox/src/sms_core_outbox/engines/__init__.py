"""Engines that wake an outbox: a module for each job queue, which needs an extra of its name.

An engine's job drains what it finds, and ends. Nothing is wrong if it runs twice, late, or is killed in the middle: the
claims say what may be sent (see `sms_core_outbox.claims`), and the next job goes on.
"""
