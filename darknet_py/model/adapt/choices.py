"""Names that an adaptation takes; the command line reads them without importing torch."""

from __future__ import annotations

ZERO, COPY, NONE = STARTS = ("zero", "copy", "none")  # what new inputs start from
