"""Layers with learned parameters."""
