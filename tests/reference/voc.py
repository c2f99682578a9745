"""Average precision by the text of the VOC development kit (VOCevaldet.m of 2007 and 2012), step by step.

Boxes are corners of whole or broken pixels that count from 1, both ends included, so widths have + 1.
"""

from __future__ import annotations

import numpy as np


def average_precision(
    truths: dict[int, list[tuple[list[float], bool]]],
    detections: list[tuple[int, float, list[float]]],
    *,
    least_iou: float,
    year: int,
) -> float:
    """AP of one class.

    Args:
        truths: by image, corners and whether it is difficult.
        detections: image, score, corners.
    """
    positives = sum(not difficult for boxes in truths.values() for _, difficult in boxes)
    taken = {image: [False] * len(boxes) for image, boxes in truths.items()}
    confidence = np.array([score for _, score, _ in detections])
    tp, fp = np.zeros(len(detections)), np.zeros(len(detections))
    for d, at in enumerate(np.argsort(-confidence, kind="stable")):
        image, _, bb = detections[at]
        ovmax, jmax = -np.inf, -1
        for j, (bbgt, _) in enumerate(truths.get(image, [])):
            bi = [max(bb[0], bbgt[0]), max(bb[1], bbgt[1]), min(bb[2], bbgt[2]), min(bb[3], bbgt[3])]
            iw, ih = bi[2] - bi[0] + 1, bi[3] - bi[1] + 1
            if iw > 0 and ih > 0:
                ua = (bb[2] - bb[0] + 1) * (bb[3] - bb[1] + 1)
                ua += (bbgt[2] - bbgt[0] + 1) * (bbgt[3] - bbgt[1] + 1) - iw * ih
                if iw * ih / ua > ovmax:
                    ovmax, jmax = iw * ih / ua, j
        if ovmax >= least_iou:
            if not truths[image][jmax][1]:
                tp[d], fp[d] = not taken[image][jmax], taken[image][jmax]
                taken[image][jmax] = True
        else:
            fp[d] = 1
    tp, fp = np.cumsum(tp), np.cumsum(fp)
    with np.errstate(invalid="ignore"):
        recall, precision = tp / positives, tp / (fp + tp)
    if year == 2007:
        above = [precision[recall >= t] for t in np.arange(0, 1.1, 0.1)]
        return float(sum(np.nanmax(p) if p.size and not np.isnan(p).all() else 0.0 for p in above) / 11)
    mrec = np.concatenate([[0], recall, [1]])
    mpre = np.nan_to_num(np.concatenate([[0], precision, [0]]))
    for i in range(len(mpre) - 2, -1, -1):
        mpre[i] = max(mpre[i], mpre[i + 1])
    i = np.flatnonzero(mrec[1:] != mrec[:-1]) + 1
    return float(np.sum((mrec[i] - mrec[i - 1]) * mpre[i]))
