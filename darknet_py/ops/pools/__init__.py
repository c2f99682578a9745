"""Torch modules of the pooling layers."""
