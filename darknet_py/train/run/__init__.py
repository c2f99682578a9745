"""The parts of a training run: batches, updates, evaluations, checkpoints, and what stops it."""
