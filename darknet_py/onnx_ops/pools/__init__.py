"""Pools as ONNX nodes."""
