"""Names that the settings of a run take; the command line reads them without importing torch."""

from __future__ import annotations

RECIPES = ("modern", "darknet")
PRECISIONS = ("float32", "bfloat16", "float16")  # of activations; weights and losses are float32
ENVIRONMENT_PARTS = (  # where one differs, so may the last bits of the weights
    "torch", "device", "threads", "world-size", "gradients",
)  # fmt: skip
