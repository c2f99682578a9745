"""Declarations of layers: one file a section, found by its name when the section is first asked for."""
