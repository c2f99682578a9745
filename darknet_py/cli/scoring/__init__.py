"""Verbs on detections that are there already."""
