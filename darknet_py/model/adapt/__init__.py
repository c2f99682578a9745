"""Weights carried from one network to another, by what each layer reads and computes."""
