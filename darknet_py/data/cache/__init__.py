"""Decoded images, kept in memory or in files."""
