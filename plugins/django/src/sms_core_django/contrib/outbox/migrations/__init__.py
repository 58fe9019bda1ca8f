"""The outbox's tables, step by step."""
