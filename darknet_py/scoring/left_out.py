"""Boxes that no network can learn, and that scoring counts all the same: without size, or outside the image.

A data set leaves them out. pycocotools reads the annotation file itself, and counts such a box as missed; so
do Darknet and the VOC kit.
"""

from __future__ import annotations

import json
from typing import Any

from darknet_py.data.dataset import Dataset
from darknet_py.data.formats.box_defects import box_defect
from darknet_py.data.formats.coco.folder import CocoFolder

CODES = {"box-without-size", "box-outside"}


def scored_truth(data: Dataset) -> tuple[dict[str, Any], int]:
    """The ground truth with the boxes of a COCO file that the data set leaves out, and how many these are."""
    truth = data.ground_truth()
    if not (isinstance(data, CocoFolder) and data.dropped):
        return truth, 0
    sizes = {image["id"]: (image["width"], image["height"]) for image in truth["images"]}
    added = []
    for row in json.loads(data.file.read_bytes())["annotations"]:
        box, image = row.get("bbox"), row.get("image_id")
        if not isinstance(box, list) or len(box) != 4 or image not in sizes:
            continue
        defect = box_defect(box, sizes[image])
        if defect and defect.left_out and defect.code in CODES:
            kept = {key: row[key] for key in ("image_id", "category_id", "bbox")}
            area = float(row.get("area") or box[2] * box[3])
            added.append(kept | {"area": area, "iscrowd": int(row.get("iscrowd") or 0)})
    for number, one in enumerate(added, start=len(truth["annotations"]) + 1):
        one["id"] = number
    return {**truth, "annotations": [*truth["annotations"], *added]}, len(added)
