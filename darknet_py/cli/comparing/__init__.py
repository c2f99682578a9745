"""What `compare` does besides training a fixed number of runs: planning, and growing in stages."""
