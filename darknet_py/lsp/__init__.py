"""The language server: what an editor asks of a cfg, and the protocol around it."""
