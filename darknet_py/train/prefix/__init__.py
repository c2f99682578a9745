"""Training only the layers from one on: those before it are frozen, and their maps are kept."""
