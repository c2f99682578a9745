"""Losses of detection heads: tensors in, gradients out."""
