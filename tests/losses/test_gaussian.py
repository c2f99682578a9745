"""Reference. Oracle: tests/reference/gaussian_loss.py, in loops, on random maps and truths.

That is written from the page on Darknet's format and semantics. There is no recording of Darknet training a
`[Gaussian_yolo]`.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from darknet_py.cfg.document import parse
from darknet_py.graph.compile import compile
from darknet_py.losses.gaussian import gaussian_loss
from darknet_py.losses.truths import Truths
from tests.reference import gaussian_loss as reference
from tests.reference.ties import decided

NET, GRID = (96, 128), (3, 4)  # height and width in pixels, rows and columns
ANCHORS = [(12, 16), (30, 24), (40, 60), (90, 50)]
CLASSES, ENTRIES = 4, 13
IOUS = ("iou", "giou", "diou", "ciou")
TOLERANCE = 1e-5  # of the greatest delta, before max_delta cuts it
STILL = [2, 3, 4, 5, 6, 7]


def head(mask=(0, 2, 3), **keys):
    return reference.Head(ANCHORS, list(mask), CLASSES, NET, **keys)


def layer_of(case):
    """The same head as a cfg has it."""
    other = {"anchors", "mask", "net", "counters_per_class", "focal_loss", "new_coords"}
    keys = {k: v for k, v in dataclasses.asdict(case).items() if k not in other and v != np.inf}
    keys["anchors"] = ", ".join(f"{w},{h}" for w, h in case.anchors)
    keys |= {"mask": ",".join(map(str, case.mask)), "num": len(case.anchors)}
    if case.counters_per_class:
        keys["counters_per_class"] = ",".join(map(str, case.counters_per_class))
    body = "".join(f"{key}={value}\n" for key, value in keys.items())
    conv = f"[convolutional]\nfilters={len(case.mask) * ENTRIES}\nactivation=linear\n"
    return compile(parse(f"[net]\nheight=3\nwidth=4\nchannels=3\n{conv}[Gaussian_yolo]\n{body}"))[1].layer


def scene(case, seed, images=2):
    """Raw maps (float32), what Darknet's layer holds of them, and truths, some of them predicted well."""
    rng = np.random.default_rng(seed)
    raw = rng.normal(size=(images, len(case.mask), ENTRIES, *GRID)) * 0.8
    raw[:, :, 9:] -= 0.8  # some boxes are sure of no class
    raw = raw.astype(np.float32)
    held = 1 / (1 + np.exp(-raw.astype(np.float64)))
    held[:, :, 4:8:2] = raw[:, :, 4:8:2]
    return raw, held, [truths(case, image, rng) for image in held]


def truths(case, held, rng):
    """Rows x, y, w, h, class: anywhere, close to predictions, several in one cell, on the far edge."""
    look = reference.Image(case, held, [])
    rows = [[*rng.uniform(0.05, 0.95, 2), *rng.uniform(0.05, 0.6, 2)] for _ in range(3)]
    for _ in range(6):
        n, j, i = (rng.integers(size) for size in (len(case.mask), *GRID))
        x, y, w, h = look.box(n, j, i)
        place = [x, y] + rng.uniform(-0.05, 0.05, 2) * [w, h]  # not the very centre, where slopes cancel out
        rows.append([*place, *np.clip([w, h] * rng.uniform(0.8, 1.25, 2), 0.02, 1)])
    rows.append([*rows[0][:2], *rows[1][2:]])  # a second truth in one cell
    rows.append([*rows[0]])  # and the first one again, of another class
    rows += [[1.0, 0.5, 0.2, 0.3], [0.4, 1.0, 0.5, 0.2]]
    labels = rng.integers(CLASSES, size=len(rows))
    return np.column_stack([np.clip(np.array(rows), 0.02, 1.0), labels]).astype(np.float32)


def compared(case, seed):
    """How far the deltas differ, both costs, and the reference's delta."""
    raw, held, rows = scene(case, seed)
    found = gaussian_loss(layer_of(case), flat(raw), Truths.of(rows), NET)
    delta, cost = reference.gaussian_loss(case, held, rows)
    free, _ = reference.gaussian_loss(dataclasses.replace(case, max_delta=np.inf), held, rows)
    difference = np.abs(found.delta.numpy().reshape(delta.shape) - delta).max() / np.abs(free).max()
    return difference, float(found.cost), cost, delta


def flat(raw):
    return torch.from_numpy(raw).view(len(raw), -1, *GRID)


CASES = {
    "mse": {},
    "normalizers": {"iou_normalizer": 0.3, "uc_normalizer": 1.7, "obj_normalizer": 0.7},
    "ignore_thresh low": {"ignore_thresh": 0.2},
    **{kind: {"iou_loss": kind, "iou_normalizer": 0.07} for kind in IOUS},
    **{f"{kind} max_delta": {"iou_loss": kind, "max_delta": 0.4} for kind in ("mse", *IOUS)},
    **{f"mse iou_thresh by {kind}": {"iou_thresh": 0.3, "iou_thresh_kind": kind} for kind in IOUS},
    **{f"{kind} truth_thresh": {"iou_loss": kind, "truth_thresh": 0.5} for kind in ("mse", *IOUS)},
    **{f"mse {point}": {"yolo_point": point} for point in ("left_top", "right_bottom")},
    **{f"ciou {point}": {"yolo_point": point, "iou_loss": "ciou"} for point in ("left_top", "right_bottom")},
    "objectness_smooth": {"objectness_smooth": 1, "ignore_thresh": 0.2},
    "objectness_smooth, truth_thresh": {"objectness_smooth": 1, "truth_thresh": 0.5, "ignore_thresh": 0.3},
    "label smoothing": {"label_smooth_eps": 0.1},
    "counters": {"counters_per_class": [100, 20, 0, 50], "cls_normalizer": 0.9},
    "counters, max_delta": {"counters_per_class": [100, 20, 5, 50], "max_delta": 3},
    "all at once": {
        "iou_loss": "ciou", "iou_thresh": 0.25, "iou_thresh_kind": "giou", "truth_thresh": 0.6,
        "max_delta": 2, "label_smooth_eps": 0.05, "counters_per_class": [9, 2, 4, 5],
        "ignore_thresh": 0.4, "objectness_smooth": 1, "yolo_point": "left_top", "uc_normalizer": 0.5,
    },
}  # fmt: skip


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("keys", CASES.values(), ids=CASES)
def test_delta_and_cost_are_the_references(keys, seed):
    difference, cost, expected, _ = compared(head(**keys), seed)
    assert difference <= TOLERANCE
    assert cost == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", [name for name in CASES if name != "mse"])
def test_each_key_changes_the_delta(name):
    """A control: the cases above reach what they are named for."""
    case = head(**CASES[name])
    _, held, rows = scene(case, 1)
    delta, other = (reference.gaussian_loss(one, held, rows)[0] for one in (case, head()))
    assert np.abs(delta - other).max() > 1e-3


weights = st.sampled_from([0.1, 0.5, 1.0, 2.0])
thresholds = st.sampled_from([0.15, 0.3, 0.5, 0.7, 1.0])


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(
    st.fixed_dictionaries(
        {
            "mask": st.sampled_from([(0, 2, 3), (3,), (2, 0), (0, 1, 2, 3)]),
            "iou_loss": st.sampled_from(["mse", *IOUS]),
            "iou_thresh_kind": st.sampled_from(IOUS),
            "yolo_point": st.sampled_from(["center", "left_top", "right_bottom"]),
            "objectness_smooth": st.integers(0, 1),
            "max_delta": st.sampled_from([0.2, 2.0, np.inf]),
            "label_smooth_eps": st.sampled_from([0.0, 0.1]),
            "counters_per_class": st.sampled_from([[], [9, 2, 0, 5]]),
            **{f"{name}_thresh": thresholds for name in ("ignore", "truth", "iou")},
            **{f"{name}_normalizer": weights for name in ("iou", "obj", "cls", "uc")},
        }
    ),
    st.integers(0, 10_000),
)
def test_any_keys_together_give_the_references_delta(keys, seed):
    _, held, rows = scene(head(**keys), seed)
    images = [reference.Image(head(**keys), *one) for one in zip(held, rows, strict=True)]
    assume(decided(images, [keys["ignore_thresh"], keys["truth_thresh"]]))
    difference, cost, expected, _ = compared(head(**keys), seed)
    assert difference <= TOLERANCE
    assert cost == pytest.approx(expected, rel=1e-5)


def test_the_delta_of_a_box_is_the_slope_of_the_density():
    """Of log N * (2 - w h) / 2, by autograd."""
    case, truth = head((0, 1, 2, 3), iou_normalizer=1.0), [0.4, 0.45, 0.3, 0.35, 1]
    raw, held, _ = scene(case, 3, images=1)
    found = gaussian_loss(layer_of(case), flat(raw), Truths.of([np.array([truth], np.float32)]), NET)
    delta = found.delta.view(len(ANCHORS), ENTRIES, *GRID)
    n, j, i = delta[:, 0].nonzero()[0].tolist()
    aw, ah = ANCHORS[n]
    targets = [truth[0] * GRID[1] - i, truth[1] * GRID[0] - j]
    targets += [np.log(truth[2] * NET[1] / aw), np.log(truth[3] * NET[0] / ah)]
    for entry, target in enumerate(targets):
        x = torch.from_numpy(held[0, n, 2 * entry : 2 * entry + 2, j, i].copy()).requires_grad_()
        z = (target - x[0]) / x[1]
        log_density = -z * z / 2 - (x[1] + 0.3).log()
        weight = 0.5 * (2 - truth[2] * truth[3])
        expected = torch.autograd.grad(weight * log_density, x)[0].tolist()
        assert delta[n, 2 * entry : 2 * entry + 2, j, i].tolist() == pytest.approx(expected, rel=1e-4)


def test_delta_normalizer_weighs_all_gradients_and_not_the_cost():
    case = head()
    raw, _, rows = scene(case, 1)
    plain = layer_of(case)
    weighed = dataclasses.replace(plain, delta_normalizer=0.25)
    one, other = (gaussian_loss(layer, flat(raw), Truths.of(rows), NET) for layer in (plain, weighed))
    assert torch.equal(other.delta, 0.25 * one.delta)
    assert torch.equal(other.cost, one.cost)


def test_truths_of_unknown_classes_teach_nothing():
    case = head()
    raw, _, rows = scene(case, 6, images=1)
    strange = np.concatenate([rows[0], rows[0][:3] * [1, 1, 1, 1, 0] + [0, 0, 0, 0, CLASSES]])
    found = [gaussian_loss(layer_of(case), flat(raw), Truths.of([r]), NET) for r in (strange, rows[0])]
    assert torch.equal(found[0].delta, found[1].delta)


def test_an_image_without_truths_is_all_background():
    case = head(obj_normalizer=0.7)
    raw, held, _ = scene(case, 7, images=1)
    found = gaussian_loss(layer_of(case), flat(raw), Truths.of([np.zeros((0, 5))]), NET)
    delta = found.delta.numpy().reshape(held.shape)
    np.testing.assert_allclose(delta[:, :, 8], -0.7 * held[:, :, 8], atol=1e-6)
    assert not np.delete(delta, 8, axis=2).any()


def test_a_deviation_of_nothing_teaches_nothing_that_is_not_finite():
    case = head((0, 1, 2, 3))
    raw, _, rows = scene(case, 8)
    raw[:, :, 1:8:2] = -200.0  # a sigmoid of 0
    found = gaussian_loss(layer_of(case), flat(raw), Truths.of(rows), NET)
    assert found.delta.isfinite().all()
