"""The verb that reports on finished runs."""
