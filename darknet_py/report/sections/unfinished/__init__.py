"""Sections of comparisons that are not finished."""
