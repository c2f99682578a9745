"""Reference: candidates against plain loops, and what is not finite is dropped and counted."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from darknet_py.predict.decode import candidates
from tests.fake_engine import rows_above
from tests.reference import darknet_detect as reference

NET = SimpleNamespace(height=64, width=64)


class FakeHead:
    """A head whose raw map (N, 5 + K, H, W) is already decoded, one anchor a cell."""

    def predictions(self, raw, net_size, *, threshold):
        return rows_above(raw.reshape(*raw.shape[:2], -1).transpose(0, 2, 1), threshold)


class FakeGraph:
    """As much of a Graph as decoding needs."""

    net, head_layers = NET, (FakeHead(), FakeHead())


def raw_maps(seed: int = 0) -> list[np.ndarray]:
    draw = np.random.default_rng(seed)
    return [draw.uniform(size=(2, 5 + 4, side, side)).astype(np.float32) for side in (2, 3)]


@pytest.mark.parametrize("threshold", [0.0, 0.25, 0.7, 1.0])
def test_candidates_are_those_of_the_loops(threshold):
    raws = raw_maps()
    found = candidates(FakeGraph(), raws, threshold=threshold)
    assert len(found) == 2
    for image, (boxes, scores, dropped) in enumerate(found):
        rows = np.concatenate([raw[image].reshape(9, -1).T for raw in raws]).tolist()
        expected = reference.detections(*zip(*((r[:4], r[4], r[5:]) for r in rows), strict=True), threshold)
        assert boxes.tolist() == [list(box) for box, _ in expected]
        assert scores == pytest.approx(np.array([row for _, row in expected]).reshape(-1, 4))
        assert dropped == 0


def test_a_score_at_the_threshold_is_none():
    raws = [raw * 0 for raw in raw_maps()]
    raws[0][0, 4:, 0, 0] = [1.0, 0.5, 0.75, 0.0, 0.25]
    first, _ = candidates(FakeGraph(), raws, threshold=0.5)
    assert first.scores.tolist() == [[0.0, 0.75, 0.0, 0.0]]


@pytest.mark.parametrize("channel", range(7))
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_not_finite_is_dropped_and_counted(channel, value):
    raws = raw_maps()
    raws[1][0, channel, 2, 1] = value
    clean, other = candidates(FakeGraph(), raws, threshold=0.0)
    assert clean.dropped == 1
    assert len(clean.boxes_cxcywh_fraction) == 4 + 9 - 1
    assert np.isfinite(clean.boxes_cxcywh_fraction).all()
    assert np.isfinite(clean.scores).all()
    assert other.dropped == 0


def test_a_negative_size_is_dropped_and_counted():
    raws = raw_maps()
    raws[0][1, 3, 0, 0] = -0.5
    assert [each.dropped for each in candidates(FakeGraph(), raws, threshold=0.0)] == [0, 1]


def test_nothing_above_the_threshold_is_an_empty_entry():
    (first, _) = candidates(FakeGraph(), [raw * 0 for raw in raw_maps()], threshold=0.25)
    assert first.boxes_cxcywh_fraction.shape == (0, 4)
    assert first.scores.shape == (0, 4)
