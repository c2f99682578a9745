"""Figures of a part of the objects or images, from outcomes that are matched once."""
