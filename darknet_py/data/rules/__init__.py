"""What `data check` reports: one rule, one object."""
