"""Warnings about a cfg that compiles: rules, their codes, and how they are reported."""
