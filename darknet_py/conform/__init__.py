"""What every layer promises, tried on sections drawn from its own declaration."""
