"""Detections to truths as COCO matches them, for all thresholds and ranges of area at once.

Detections of a class in an image choose in the order of their scores. Each takes the truth of greatest IoU
among those that count and are free; if there is none, one that does not count: a crowd, which any number may
take, or one outside the range of areas. Of equal IoUs the later truth is taken (pycocotools,
COCOeval.evaluateImg).

Only pairs with an IoU of 0.5 or more can match, so few are left to choose from. They are taken step by step,
in each step at most one pair for a class and image, and the 40 cells are bits of one number.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from darknet_py.scoring.matches import AREAS, MOST, THRESHOLDS, Bits, Matches
from darknet_py.scoring.pairs import ious_of_pairs, pairs_of_groups
from darknet_py.scoring.tables import Booleans, DetectionTable, Doubles, Ints, TruthTable

COLUMN = len(THRESHOLDS)
AT_MOST_ONE = 1 - 1e-10  # pycocotools' cap of the threshold


def match(truth: TruthTable, found: DetectionTable) -> Matches:
    """Match the detections of a data set."""
    classes, images = len(truth.category_ids), len(truth.image_ids)
    order = np.lexsort((-found.scores, found.images, found.labels))
    groups = found.labels[order] * images + found.images[order]
    ranks = _position_in_group(groups)
    order, groups, ranks = (one[ranks < MOST] for one in (order, groups, ranks))
    boxes = found.boxes_xywh[order]
    counting = _counting(truth.areas) & ~truth.crowds
    hits, ignored = _Matching(truth, counting).run(boxes, groups)
    ignored |= _spread(~_counting(boxes[:, 2] * boxes[:, 3])) & ~hits
    final = np.lexsort((-found.scores[order], found.labels[order]))
    labels = found.labels[order][final]
    return Matches(
        truth.image_ids,
        truth.category_ids,
        np.searchsorted(labels, np.arange(classes + 1)),
        found.images[order][final].astype(np.uint32),
        found.scores[order][final],
        ranks[final].astype(np.uint8),
        hits[final],
        ignored[final],
        truth.images.astype(np.uint32),
        truth.labels.astype(np.uint32),
        np.packbits(counting, axis=0, bitorder="little")[0],
    )


def _counting(areas: Doubles) -> Booleans:
    """Whether each area lies in each range, (ranges, B)."""
    return np.array([(areas >= low) & (areas <= high) for low, high in AREAS.values()])


def _spread(ranges: Booleans) -> Bits:
    """The cells of the ranges that are true, (B,), from (ranges, B)."""
    bits = np.zeros(ranges.shape[1], np.uint64)
    for number, row in enumerate(ranges):
        bits[row] |= np.uint64(((1 << COLUMN) - 1) << (number * COLUMN))
    return bits


def _position_in_group(groups: Ints) -> Ints:
    """How many of the same group come directly before, (B,), of groups that follow one another."""
    first = np.flatnonzero(np.diff(groups, prepend=-1))
    return np.arange(len(groups)) - np.repeat(first, np.diff(first, append=len(groups)))


@dataclass
class _Pairs:
    """Pairs of a detection and a truth that may match, in the order of detections.

    Args:
        detections, truths: indices, (P,).
        ious: (P,).
    """

    detections: Ints
    truths: Ints
    ious: Doubles


class _Matching:
    """The truths of a data set, and which cells of each are taken."""

    def __init__(self, truth: TruthTable, counting: Booleans) -> None:
        groups = truth.labels * len(truth.image_ids) + truth.images
        self.order = np.argsort(groups, kind="stable")
        self.groups = groups[self.order]
        self.boxes = truth.boxes_xywh[self.order]
        self.crowds = truth.crowds[self.order]
        self.counting = _spread(counting)[self.order]
        self.taken = np.zeros(len(groups), np.uint64)

    def run(self, boxes: Doubles, groups: Ints) -> tuple[Bits, Bits]:
        """The cells in which each detection has a truth, and those of them that do not count.

        Args:
            boxes: of the detections, grouped by class and image, in each group by falling score.
            groups: of the detections, ascending.
        """
        hits, ignored = np.zeros((2, len(boxes)), np.uint64)
        pairs = self._pairs(boxes, groups)
        if not len(pairs.ious):
            return hits, ignored
        pairs, rounds = _rounds(pairs, groups)
        reached = np.searchsorted(np.minimum(THRESHOLDS, AT_MOST_ONE), pairs.ious, side="right")
        cells = np.zeros(len(pairs.ious), np.uint64)
        for number in range(len(AREAS)):
            low = (np.uint64(1) << reached.astype(np.uint64)) - np.uint64(1)
            cells |= low << np.uint64(number * COLUMN)
        for steps in rounds:
            self._choose(pairs, cells, steps, hits, ignored)
        return hits, ignored

    def _choose(self, pairs: _Pairs, cells: Bits, steps: list[Ints], hits: Bits, ignored: Bits) -> None:
        """Let one detection of every group choose: among truths that count, then among the others."""
        for at in steps:
            detections, truths = pairs.detections[at], pairs.truths[at]
            free = cells[at] & self.counting[truths] & ~self.taken[truths] & ~hits[detections]
            hits[detections] |= free
            self.taken[truths] |= free
        for at in steps:
            detections, truths = pairs.detections[at], pairs.truths[at]
            taken = np.where(self.crowds[truths], np.uint64(0), self.taken[truths])
            free = cells[at] & ~self.counting[truths] & ~taken & ~hits[detections]
            hits[detections] |= free
            ignored[detections] |= free
            self.taken[truths] |= free

    def _pairs(self, boxes: Doubles, groups: Ints) -> _Pairs:
        """The pairs of one class and image with the least IoU that can match."""
        parts = []
        for detections, truths in pairs_of_groups(groups, self.groups):
            ious = ious_of_pairs(boxes[detections], self.boxes[truths], self.crowds[truths])
            near = ious >= THRESHOLDS[0]
            parts.append((detections[near], truths[near], ious[near]))
        if not parts:
            return _Pairs(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
        return _Pairs(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _rounds(pairs: _Pairs, groups: Ints) -> tuple[_Pairs, list[list[Ints]]]:
    """The pairs of each detection by falling IoU, of equal ones the later truth first, and who chooses when.

    Returns: the pairs, and by round the steps: indices of pairs, one detection of every group in a round and
        one pair of it in a step.
    """
    order = np.lexsort((-pairs.truths, -pairs.ious, pairs.detections))
    pairs = _Pairs(pairs.detections[order], pairs.truths[order], pairs.ious[order])
    own = _position_in_group(pairs.detections)
    first = np.flatnonzero(own == 0)
    numbers = _position_in_group(groups[pairs.detections[first]])
    round_of = np.repeat(numbers, np.diff(first, append=len(own)))
    order = np.lexsort((own, round_of))
    edges = np.flatnonzero(np.diff(own[order], prepend=-1) | np.diff(round_of[order], prepend=-1))
    rounds: list[list[Ints]] = [[] for _ in range(int(numbers.max()) + 1)]
    for step in np.split(order, edges[1:]):
        rounds[int(round_of[step[0]])].append(step)
    return pairs, rounds
