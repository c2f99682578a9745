"""Training in several processes started by torchrun."""
