"""From cfg to cfg: edits, overrides, folding, and the structural diff."""
