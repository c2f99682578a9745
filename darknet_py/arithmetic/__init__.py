"""Integers: shapes, windows, receptive fields and costs. No text, no torch."""
