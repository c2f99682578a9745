"""Tools that look into a network: the effective receptive field, and pools side by side."""
