"""What runs a network: images in, raw maps out, as numpy arrays."""
