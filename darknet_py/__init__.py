"""A lab bench for YOLO cfg files: read them exactly, change a pool, train, and compare."""

__version__ = "0.1.0"
