"""`compare` on many machines: its runs as commands of their own, and as tasks of Ray."""
