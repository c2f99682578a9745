"""Detections in the files of several tools, read as one table."""
