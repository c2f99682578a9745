"""Layers with weights of their own."""
