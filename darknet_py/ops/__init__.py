"""Torch modules and functions with plain signatures; they import neither layers nor the graph."""
