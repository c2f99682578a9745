"""A small data set with errors of every kind, drawn by a generator that no version changes."""

from __future__ import annotations

from random import Random
from typing import Any

CLASSES = {1: 13, 2: 17, 5: 19}  # truths of each category id
IMAGES = 6


def drawn(seed: int = 20) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """COCO annotations and results; every class has truths, no image more than 100 detections."""
    random = Random(seed)
    boxes = [(random.randrange(1, IMAGES + 1), k, _box(random)) for k, n in CLASSES.items() for _ in range(n)]
    truth = {
        "images": [
            {"id": n, "width": 640, "height": 480, "file_name": f"{n}.jpg"} for n in range(1, IMAGES + 1)
        ],
        "categories": [{"id": k, "name": f"class {k}"} for k in CLASSES],
        "annotations": [
            {"id": n, "image_id": image, "category_id": k, "bbox": box, "area": box[2] * box[3], "iscrowd": 0}
            for n, (image, k, box) in enumerate(boxes, start=1)
        ],
    }
    results = []
    for image, k, box in boxes:
        for _ in range(random.randrange(4)):
            category = k if random.random() < 0.7 else random.choice(list(CLASSES))
            results.append(_result(random, image, category, _moved(random, box)))
        if random.random() < 0.3:
            results.append(_result(random, image, random.choice(list(CLASSES)), _box(random)))
    return truth, results


def _box(random: Random) -> list[float]:
    side = random.choice((20, 60, 150))
    width, height = (side * (0.7 + 0.6 * random.random()) for _ in range(2))
    return [
        round(v, 2)
        for v in (random.random() * (640 - width), random.random() * (480 - height), width, height)
    ]


def _moved(random: Random, box: list[float]) -> list[float]:
    by = random.choice((0.05, 0.2, 0.6))
    return [round(v + by * box[2 + at % 2] * (random.random() - 0.5), 2) for at, v in enumerate(box)]


def _result(random: Random, image: int, category: int, box: list[float]) -> dict[str, Any]:
    return {"image_id": image, "category_id": category, "bbox": box, "score": random.random()}


def one_image(boxes: list[Any], detections: list[Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """An image of two classes, from (category, box) and (category, box, score)."""
    truth = {
        "images": [{"id": 1, "width": 300, "height": 200, "file_name": "1.jpg"}],
        "categories": [{"id": k, "name": f"class {k}"} for k in (1, 2)],
        "annotations": [
            {"id": n, "image_id": 1, "category_id": k, "bbox": list(b), "area": b[2] * b[3], "iscrowd": 0}
            for n, (k, b) in enumerate(boxes, start=1)
        ],
    }
    return truth, [{"image_id": 1, "category_id": k, "bbox": list(b), "score": s} for k, b, s in detections]
