"""The boxes of VOC's annotation files: their units and where they count from, judged over all files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from darknet_py.data.findings import Findings
from darknet_py.data.formats.box_defects import box_defect
from darknet_py.data.formats.box_units import VOC_UNITS, BoxUnits, UnitsVerdict, judge_units
from darknet_py.data.formats.voc.annotation import VocAnnotation
from darknet_py.data.formats.voc.corners import FROM_ONE, corner_offsets
from darknet_py.errors import quoted


class VocBox(NamedTuple):
    """Name of the class; x, y, width, height in pixels; whether VOC's own scoring ignores it."""

    name: str
    box: tuple[float, ...]
    difficult: bool


class VocBoxes:
    """Reads corners as boxes.

    Args:
        notes: of the complete folder, over which they are judged.
        units: of the corners, where a person has named them; else they are judged.

    Attributes:
        verdict: that they are in other units than VOC's, or None.
        offsets: what is added to both corners, see `corners.py`.
        total: number of boxes that were judged.
    """

    def __init__(self, notes: Sequence[VocAnnotation], units: BoxUnits | None = None) -> None:
        rows = [(*each.corners, *note.size) for note in notes if note.size for each in note.objects]
        together = np.array(rows, dtype=np.float64).reshape(-1, 6)
        corners, sizes = together[:, :4], together[:, 4:]
        self.units, self.total = units, len(rows)
        self.verdict: UnitsVerdict | None = None if units else judge_units(corners, sizes, VOC_UNITS)
        self.offsets = FROM_ONE if units else corner_offsets(corners, sizes)

    def of(self, note: VocAnnotation, findings: Findings) -> list[VocBox]:
        """The boxes of one file; what is wrong with them is reported, and what cannot be a truth left out."""
        kept = []
        for name, corners, line, difficult in note.objects:
            box = self._box(corners, note.size)
            defect = box_defect(box, note.size)
            if defect:
                findings.add(defect.code, f"`{quoted(name)}` {defect.message}", note.file, line)
            if not (defect and defect.left_out):
                kept.append(VocBox(name, box, difficult))
        return kept

    def _box(self, corners: tuple[float, ...], size: tuple[int, int] | None) -> tuple[float, ...]:
        if self.units and size:
            return tuple(self.units.box_xywh(corners, size))
        (left, top, right, bottom), (first, second) = corners, self.offsets
        return left + first, top + first, right - left + second - first, bottom - top + second - first
