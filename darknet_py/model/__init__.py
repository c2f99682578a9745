"""A graph as a torch module: rewriting, initialization, weights."""
