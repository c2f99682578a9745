"""Every damage of a data set, each at its place; nothing is repaired and nothing is written."""
