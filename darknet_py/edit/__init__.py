"""A cfg becomes another cfg: edits, overrides, folding, and the structural diff."""
