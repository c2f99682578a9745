"""Layers that combine several maps into one."""
