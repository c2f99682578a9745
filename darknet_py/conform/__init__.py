"""Conformance checks of layers, run on sections sampled from their declarations."""
