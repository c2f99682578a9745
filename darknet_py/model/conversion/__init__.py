"""Weights in formats other than Darknet's."""
