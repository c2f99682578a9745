"""Data sets drawn at random, with what scoring has to decide: ties, crowds, empty classes, doubles."""

from __future__ import annotations

from typing import Any

import numpy as np

Truth, Results = dict[str, Any], list[dict[str, Any]]


def drawn(seed: int, *, crowds: float = 0.15) -> tuple[Truth, Results]:
    """COCO annotations of 1 to 11 images with ids that have gaps, and results in any order.

    Half of the sets have coordinates and scores on a grid, so that IoUs and scores are equal; some boxes have
    no width, some classes no truth or no detection, and an image up to 300 detections.
    """
    draw = np.random.default_rng(seed)
    image_ids = np.sort(draw.choice(1000, int(draw.integers(1, 12)), replace=False)).tolist()
    categories = (draw.choice(99, int(draw.integers(1, 6)), replace=False) + 1).tolist()  # in any order
    side, grid = float(draw.choice([40, 150, 400])), draw.random() < 0.5
    annotations: list[dict[str, Any]] = []
    results: Results = []
    for image in image_ids:
        mine = []
        for _ in range(draw.integers(0, draw.choice([1, 4, 30]))):
            box = draw.uniform(0, side, 4)
            box = np.round(box / 8) * 8 if grid else box
            box[2] *= draw.random() >= 0.05
            area = float(box[2] * box[3] * draw.choice([1, 0.7]))
            one = {"id": 0, "image_id": image, "category_id": int(draw.choice(categories)), "area": area}
            mine.append({**one, "bbox": box.tolist(), "iscrowd": int(draw.random() < crowds)})
        annotations += mine
        for _ in range(draw.integers(0, draw.choice([1, 5, 60, 300]))):
            box, category = draw.uniform(0, side, 4), int(draw.choice(categories))
            if mine and draw.random() < 0.7:
                near = mine[draw.integers(len(mine))]
                moved = draw.integers(-1, 2, 4) * 8 * (draw.random() < 0.3)
                box = np.array(near["bbox"]) + (moved if grid else draw.normal(0, side / 30, 4))
                box[2:], category = np.maximum(box[2:], 0), near["category_id"]
            score = round(draw.random(), 1 if draw.random() < 0.5 else 6)
            results.append({"image_id": image, "category_id": category, "bbox": box.tolist(), "score": score})
    for number, one in enumerate(annotations, start=1):
        one["id"] = number
    draw.shuffle(results)  # type: ignore[arg-type]
    images = [{"id": one, "width": 800, "height": 800, "file_name": f"{one}.png"} for one in image_ids]
    named = [{"id": one, "name": f"class {one}"} for one in categories]
    return {"images": images, "annotations": annotations, "categories": named}, results
