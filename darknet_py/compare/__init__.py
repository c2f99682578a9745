"""Finished run folders become a report that says what can be said, and no more."""
