"""Darknet's loss of a `[Gaussian_yolo]` head, as the gradient that Darknet writes down. See `base.py`.

A coordinate is a normal distribution about its mean v, with the deviation u, and the truth t of it has the
density N = exp(-z² / 2) / (sqrt(2 pi) (u + 0.3)), z = (t - v) / u. The gradient is the derivative
of log N, weighted by N / (N + 1e-9) / 2, so that a truth far outside has none. With an `iou_loss` the
gradient of the means is that of the overlap instead; that of the deviations is still that of N.

Choi, Chun, Kim and Lee, "Gaussian YOLOv3", ICCV 2019, arXiv:1904.04620; AlexeyAB's Darknet,
`gaussian_yolo_layer.c`. It differs from `[yolo]` also in what is smoothed, in which box counts as assigned,
and in always dividing the gradient of a box by the number of its classes.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from darknet_py.layers.heads.gaussian_yolo import PLACES, SIZES, UNCERTAINTIES, GaussianYolo
from darknet_py.losses.assignment import Positives
from darknet_py.losses.base import DarknetLoss, HeadLoss
from darknet_py.losses.truths import Truths

LEAST_DEVIATION = 0.3  # is added to u where it divides
LEAST_DENSITY = 1e-9


@torch.no_grad()
def gaussian_loss(
    layer: GaussianYolo, raw: Tensor, truths: Truths, net: tuple[int, int], *, seen: int = 0
) -> HeadLoss:
    """The gradient and the printed loss of a head.

    Args:
        raw: (N, C, H, W), the head's map before its sigmoid.
        net: height and width of the network's input in pixels.
        seen: images trained on; nothing depends on it here.
    """
    return _GaussianLoss(layer, raw.float(), truths, net).loss()


class _GaussianLoss(DarknetLoss):
    """Boxes are x, ux, y, uy, w, uw, h, uh, objectness, classes."""

    layer: GaussianYolo

    def smooth_background(self, box: Tensor, overlap: Tensor) -> None:
        """Objectness is the square of the overlap, and the classes are those of the truth."""
        objectness = self.values[box, self.objectness]
        self.delta[box, self.objectness] = self.layer.obj_normalizer * (overlap**2 - objectness)
        self.set_class_delta(self.nearest_truths(box))

    def set_objectness(self, pairs: Positives, wanted: Tensor) -> None:
        """It replaces earlier deltas."""
        self.delta[pairs.box, self.objectness] = wanted

    def is_assigned(self, pairs: Positives) -> Tensor:
        """By the delta of the first class, whichever the new class is."""
        return self.delta[pairs.box, self.classes] != 0

    def add_box_delta(self, pairs: Positives) -> None:
        """Means and deviations."""
        mean, deviation = self.by_density(pairs)
        if self.layer.iou_loss != "mse":
            mean = self.by_overlap(pairs)
        weight = self.layer.iou_normalizer * self.multipliers[pairs.label].unsqueeze(1)
        both = torch.stack([mean * weight, deviation * self.layer.uc_normalizer], dim=2)  # (P, 4, 2)
        self.delta[pairs.box, : self.objectness] += self.bounded(both).flatten(1)

    def by_density(self, pairs: Positives) -> tuple[Tensor, Tensor]:
        """(P, 4) each, by the means and the deviations; larger for small boxes."""
        values, truth = self.values[pairs.box], pairs.truth_cxcywh
        v, u = torch.cat([values[:, PLACES], values[:, SIZES]], dim=1), values[:, UNCERTAINTIES]
        _, _, h, w = self.map_shape
        point = truth[:, :2] + self.layer.from_centre * truth[:, 2:]
        place = point * truth.new_tensor([w, h]) - self.corner(pairs)
        size = (truth[:, 2:] / self.anchor(pairs)).log()
        z = (torch.cat([place, size], dim=1) - v) / u
        density = torch.exp(-(z**2) / 2) / (math.sqrt(2 * math.pi) * (u + LEAST_DEVIATION))
        scale = 2 - truth[:, 2:3] * truth[:, 3:4]
        weight = 0.5 * density / (density + LEAST_DENSITY) * scale
        return weight * z / u, weight * (z**2 / u - 1 / (u + LEAST_DEVIATION))

    def by_overlap(self, pairs: Positives) -> Tensor:
        """The gradient of the overlap by the predicted point, and by the logarithms of the sides."""
        delta = self.overlap_delta(pairs)
        delta[:, :2] += self.layer.from_centre * delta[:, 2:]
        delta[:, 2:] *= self.values[pairs.box, SIZES].exp()
        return delta

    def average_boxes(self) -> None:
        """Always."""
        self.delta[:, : self.objectness] /= self.positive_classes()

    def cost(self) -> Tensor:
        """Squares of delta."""
        return self.delta.square().sum()
