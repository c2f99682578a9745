"""The folder of a run: records, log, lock, checkpoints, and reading them back."""
