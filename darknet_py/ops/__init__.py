"""Torch modules and functions with plain signatures; they know neither sections nor the graph."""
