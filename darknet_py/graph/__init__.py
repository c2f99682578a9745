"""Meaning: references resolved, shapes checked, and folds over the graph."""
