"""What trained weights rely on, without training."""
