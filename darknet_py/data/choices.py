"""Names that the data tools take; the command line reads them without importing numpy."""

from __future__ import annotations

CACHES = ("ram", "disk", "none")  # where decoded images are kept
LAYOUTS = ("darknet", "coco")  # that `data convert` writes
