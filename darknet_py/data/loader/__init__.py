"""Batches: the sampler, worker processes, and the memory that they share."""
