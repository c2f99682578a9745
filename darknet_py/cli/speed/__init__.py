"""Verbs about speed."""
