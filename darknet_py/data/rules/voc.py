"""Rules on the annotation files of Pascal VOC."""

from __future__ import annotations

from darknet_py.data.rules.rule import DataRule

XML: tuple[DataRule, ...] = (
    DataRule(
        "not-xml",
        "error",
        "an annotation file is no XML",
        "Its beginning may be missing, or a download was cut off.",
    ),
    DataRule(
        "xml-refused",
        "error",
        "an annotation file has a DTD, or is nested too deeply",
        "Annotation files have neither; a small file could stand for a large one this way. Remove the DTD.",
    ),
    DataRule(
        "xml-element",
        "error",
        "an annotation file lacks an element",
        "It has `size` with `width` and `height`, and each `object` has `name` and `bndbox` with `xmin`, "
        "`ymin`, `xmax` and `ymax`.",
    ),
    DataRule(
        "xml-number",
        "error",
        "an element is not a number, or too large",
        "Sizes and corners are pixels.",
    ),
)
