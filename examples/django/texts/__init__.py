"""Texts: what was sent, and what became of it."""
