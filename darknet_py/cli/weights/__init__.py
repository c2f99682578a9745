"""Verbs on files of weights."""
