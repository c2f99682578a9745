"""Sections of the report that detectors alone have; see the list in the folder above."""
