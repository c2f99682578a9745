"""`validate_detector_map` of AlexeyAB's Darknet (detector.c), loop by loop, in double precision."""

from __future__ import annotations

from typing import Any

Box = list[float]


def box_iou(a: Box, b: Box) -> float:
    """IoU of boxes given by the corner and the size."""
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    both = 0.0 if w < 0 or h < 0 else w * h
    return both / (a[2] * a[3] + b[2] * b[3] - both) if both else 0.0


def detector_map(
    truths: list[list[tuple[int, Box]]],
    dets: list[list[tuple[Box, list[float]]]],
    classes: int,
    *,
    thresh: float = 0.25,
    iou_thresh: float = 0.5,
    map_points: int = 0,
) -> dict[str, Any]:
    """mAP and the counts.

    Args:
        truths: of each image, class and box.
        dets: of each image, in the order of NMS: a box and its probability of each class, 0 if suppressed.
    """
    detections: list[dict[str, Any]] = []
    unique, tp, fp, total_iou = 0, 0, 0, 0.0
    for truth, found in zip(truths, dets, strict=True):
        checkpoint = len(detections)
        for box, probabilities in found:
            for class_id, prob in enumerate(probabilities):
                if prob <= 0:
                    continue
                best, index = 0.0, -1
                for j, (label, other) in enumerate(truth):
                    iou = box_iou(box, other)
                    if iou > iou_thresh and class_id == label and iou > best:
                        best, index = iou, unique + j
                earlier = any(one["truth"] == index for one in detections[checkpoint:])
                detections.append({"p": prob, "class": class_id, "truth": index})
                if prob > thresh:
                    if index > -1 and not earlier:
                        total_iou, tp = total_iou + best, tp + 1
                    else:
                        fp += 1
        unique += len(truth)
    detections.sort(key=lambda one: -one["p"])
    ap = []
    for class_id in range(classes):
        total = sum(label == class_id for truth in truths for label, _ in truth)
        flags: set[int] = set()
        hits, misses, curve = 0, 0, []
        for one in detections:
            if one["class"] == class_id:
                true = one["truth"] > -1 and one["truth"] not in flags
                flags.add(one["truth"])
                hits, misses = hits + true, misses + (not true)
            curve.append((hits / (hits + misses) if hits + misses else 0.0, hits / total if total else 0.0))
        ap.append(_area(curve, map_points))
    return {
        "map": sum(ap) / classes,
        "ap": ap,
        "tp": tp,
        "fp": fp,
        "fn": unique - tp,
        "average_iou": total_iou / (tp + fp) if tp + fp else 0.0,
    }


def _area(curve: list[tuple[float, float]], points: int) -> float:
    if points:
        recalls = [
            k * (1.0 / (points - 1)) for k in range(points)
        ]  # as -Ofast compiles k * 1.0 / (points - 1)
        return sum(max((p for p, r in curve if r >= at), default=0.0) for at in recalls) / points
    if not curve:
        return 0.0
    (last_precision, last_recall), area = curve[-1], 0.0
    for precision, recall in reversed(curve[:-1]):
        delta, last_recall = last_recall - recall, recall
        last_precision = max(last_precision, precision)
        area += delta * last_precision
    return area + last_recall * last_precision
