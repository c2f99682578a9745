"""Reference. Oracle: tests/reference/yolo_loss.py, Darknet's rules in loops, on random maps and truths."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from darknet_py.cfg.document import parse
from darknet_py.graph.compile import compile
from darknet_py.losses.truths import Truths
from darknet_py.losses.yolo import yolo_loss
from tests.reference import yolo_loss as reference

NET, GRID = (96, 128), (3, 4)  # height and width in pixels, rows and columns
ANCHORS = [(12, 16), (30, 24), (40, 60), (90, 50)]
CLASSES = 4
IOUS = ("iou", "giou", "diou", "ciou")
TOLERANCE = 1e-5  # of the greatest delta


def head(mask=(0, 2, 3), **keys):
    return reference.Head(ANCHORS, list(mask), CLASSES, NET, **keys)


def layer_of(case):
    """The same head as a cfg has it."""
    known = {"anchors", "mask", "net", "counters_per_class"}
    keys = {k: v for k, v in dataclasses.asdict(case).items() if k not in known and v != np.inf}
    keys["anchors"] = ", ".join(f"{w},{h}" for w, h in case.anchors)
    keys |= {"mask": ",".join(map(str, case.mask)), "num": len(case.anchors)}
    if case.counters_per_class:
        keys["counters_per_class"] = ",".join(map(str, case.counters_per_class))
    body = "".join(f"{key}={value}\n" for key, value in keys.items())
    filters = len(case.mask) * (5 + CLASSES)
    conv = f"[convolutional]\nfilters={filters}\nactivation=linear\n"
    return compile(parse(f"[net]\nheight=3\nwidth=4\nchannels=3\n{conv}[yolo]\n{body}"))[1].layer


def sigmoid(value):
    return 1 / (1 + np.exp(-value))


def scene(case, seed, images=3):
    """Raw maps (float32), what Darknet's layer holds of them, and truths, some of them predicted well."""
    rng = np.random.default_rng(seed)
    n = len(case.mask)
    raw = rng.normal(size=(images, n, 5 + CLASSES, *GRID)) * 0.8
    raw[:, :, 5:] -= 0.8  # some boxes are sure of no class
    if case.new_coords:
        raw = sigmoid(raw)
    raw = raw.astype(np.float32)
    held = raw.astype(np.float64)
    if not case.new_coords:
        held = sigmoid(held)
        held[:, :, 2:4] = raw[:, :, 2:4]
    return raw, held, [truths(case, image, rng) for image in held]


def truths(case, held, rng):
    """Rows x, y, w, h, class: anywhere, close to predictions, several in one cell, on the far edge."""
    look = reference.Image(case, held, [])
    rows = [[*rng.uniform(0.05, 0.95, 2), *rng.uniform(0.05, 0.6, 2)] for _ in range(4)]
    for _ in range(6):
        n, j, i = (rng.integers(size) for size in (len(case.mask), *GRID))
        x, y, w, h = look.box(n, j, i)
        rows.append([x, y, *np.clip([w, h] * rng.uniform(0.8, 1.25, 2), 0.02, 1)])
    rows.append([*rows[0][:2], *rows[1][2:]])  # a second truth in one cell
    rows.append([*rows[0]])  # and the first one again, of another class
    rows += [[1.0, 0.5, 0.2, 0.3], [0.4, 1.0, 0.5, 0.2]]
    labels = rng.integers(CLASSES, size=len(rows))
    return np.column_stack([np.clip(np.array(rows), 0.02, 1.0), labels]).astype(np.float32)


def compared(case, seed):
    """The greatest difference of the deltas over the greatest delta, the costs, and the reference's delta."""
    raw, held, rows = scene(case, seed)
    flat = torch.from_numpy(raw).view(len(raw), -1, *GRID)
    found = yolo_loss(layer_of(case), flat, Truths.of(rows), NET)
    delta, cost = reference.yolo_loss(case, held, rows)
    difference = np.abs(found.delta.numpy().reshape(delta.shape) - delta).max() / np.abs(delta).max()
    return difference, float(found.cost), cost, delta


CASES = {
    "mse": {},
    "mse, iou_normalizer 1": {"iou_normalizer": 1.0, "obj_normalizer": 0.7, "cls_normalizer": 1.3},
    "ignore_thresh low": {"ignore_thresh": 0.2},
    "mse new_coords": {"new_coords": 1},
    **{f"{kind}": {"iou_loss": kind, "iou_normalizer": 0.07} for kind in IOUS},
    **{f"{kind} new_coords": {"iou_loss": kind, "new_coords": 1} for kind in IOUS},
    **{f"{kind} max_delta": {"iou_loss": kind, "max_delta": 0.4} for kind in IOUS},
    **{f"mse iou_thresh by {kind}": {"iou_thresh": 0.3, "iou_thresh_kind": kind} for kind in IOUS},
    **{
        f"ciou iou_thresh by {kind}": {"iou_loss": "ciou", "iou_thresh": 0.2, "iou_thresh_kind": kind}
        for kind in IOUS
    },
    **{f"{kind} truth_thresh": {"iou_loss": kind, "truth_thresh": 0.5} for kind in ("mse", *IOUS)},
    "truth_thresh below ignore_thresh": {"truth_thresh": 0.3, "ignore_thresh": 0.7},
    "truth_thresh and iou_thresh": {"truth_thresh": 0.4, "iou_thresh": 0.2, "iou_loss": "giou"},
    "objectness_smooth": {"objectness_smooth": 1},
    "objectness_smooth, ignore low": {"objectness_smooth": 1, "ignore_thresh": 0.1, "iou_thresh": 0.2},
    "objectness_smooth truth_thresh": {"objectness_smooth": 1, "truth_thresh": 0.5},
    "focal": {"focal_loss": 1},
    "focal, smoothing and counters": {
        "focal_loss": 1, "label_smooth_eps": 0.1, "counters_per_class": [100, 20, 0, 50],
    },
    "label smoothing": {"label_smooth_eps": 0.1},
    "counters": {"counters_per_class": [100, 20, 0, 50], "cls_normalizer": 0.9},
    "counters, max_delta": {"counters_per_class": [100, 20, 5, 50], "max_delta": 3},
    "counters, smooth, truth_thresh": {
        "counters_per_class": [9, 2, 4, 5], "objectness_smooth": 1, "truth_thresh": 0.4, "iou_loss": "diou",
    },
    "all at once": {
        "iou_loss": "ciou", "iou_thresh": 0.25, "iou_thresh_kind": "giou", "truth_thresh": 0.6,
        "max_delta": 2, "label_smooth_eps": 0.05, "counters_per_class": [9, 2, 4, 5], "new_coords": 1,
        "ignore_thresh": 0.4,
    },
}  # fmt: skip


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("keys", CASES.values(), ids=CASES)
def test_delta_and_cost_are_the_references(keys, seed):
    difference, cost, expected, _ = compared(head(**keys), seed)
    assert difference <= TOLERANCE
    assert cost == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("mask", [(3,), (2, 0), (0, 1, 2, 3)])
def test_the_order_of_a_mask_is_the_order_of_its_boxes(mask):
    difference, cost, expected, _ = compared(head(mask, iou_loss="giou", iou_thresh=0.3), 3)
    assert difference <= TOLERANCE
    assert cost == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", [name for name in CASES if name != "mse"])
def test_each_key_changes_the_delta(name):
    """A control: the cases above reach what they are named for."""
    case, plain = head(**CASES[name]), head(new_coords=CASES[name].get("new_coords", 0))
    _, held, rows = scene(case, 1)
    delta, other = reference.yolo_loss(case, held, rows)[0], reference.yolo_loss(plain, held, rows)[0]
    if name == "mse new_coords":
        other = reference.yolo_loss(head(), held, rows)[0]
    assert np.abs(delta - other).max() > 1e-3


def test_max_delta_clips_boxes_by_overlap_to_the_very_limit():
    _, _, _, delta = compared(head(iou_loss="ciou", max_delta=0.4), 1)
    _, _, _, free = compared(head(iou_loss="ciou"), 1)
    assert (np.abs(delta[:, :, :4]) == 0.4).any()
    assert np.abs(free[:, :, :4]).max() > 0.4


def test_a_truth_at_the_far_edge_is_taught_in_the_last_cell():
    case = head((0, 1, 2, 3))
    raw, _, _ = scene(case, 4, images=1)
    rows = [np.array([[1.0, 1.0, 0.3, 0.25, 2]], np.float32)]
    found = yolo_loss(layer_of(case), torch.from_numpy(raw).view(1, -1, *GRID), Truths.of(rows), NET)
    taught = found.delta.view(len(ANCHORS), 5 + CLASSES, *GRID)[:, 0].nonzero().tolist()
    assert [place[1:] for place in taught] == [[GRID[0] - 1, GRID[1] - 1]]


def test_two_truths_in_one_cell_add_up_boxes_and_keep_both_classes():
    case = head((0, 1, 2, 3))
    raw, _, _ = scene(case, 5, images=1)
    one, two = [0.3, 0.4, 0.3, 0.25, 1], [0.31, 0.41, 0.32, 0.26, 3]

    def delta(*rows):
        return yolo_loss(
            layer_of(case),
            torch.from_numpy(raw).view(1, -1, *GRID),
            Truths.of([np.array(rows, np.float32)]),
            NET,
        ).delta.view(len(ANCHORS), 5 + CLASSES, *GRID)

    both, first, second = delta(one, two), delta(one), delta(two)
    torch.testing.assert_close(both[:, :4], first[:, :4] + second[:, :4])
    assert ((both[:, 5:] > 0).sum(), (first[:, 5:] > 0).sum()) == (2, 1)


def test_truths_of_unknown_classes_teach_nothing():
    case = head()
    raw, _, rows = scene(case, 6, images=1)
    known = rows[0]
    strange = np.concatenate([known, known[:3] * [1, 1, 1, 1, 0] + [0, 0, 0, 0, CLASSES]]).astype(np.float32)
    flat = torch.from_numpy(raw).view(1, -1, *GRID)
    layer = layer_of(case)
    with_them, without = (yolo_loss(layer, flat, Truths.of([r]), NET) for r in (strange, known))
    assert torch.equal(with_them.delta, without.delta)


def test_an_image_without_truths_is_all_background():
    case = head(obj_normalizer=0.7)
    raw, held, _ = scene(case, 7, images=1)
    found = yolo_loss(
        layer_of(case), torch.from_numpy(raw).view(1, -1, *GRID), Truths.of([np.zeros((0, 5))]), NET
    )
    delta = found.delta.numpy().reshape(held.shape)
    np.testing.assert_allclose(delta[:, :, 4], -0.7 * held[:, :, 4], atol=1e-6)
    assert not delta[:, :, [0, 1, 2, 3, 5, 6, 7, 8]].any()


def test_the_loss_of_a_batch_is_the_sum_over_its_images():
    case = head(iou_thresh=0.3)
    raw, _, rows = scene(case, 8)
    flat, layer = torch.from_numpy(raw).view(3, -1, *GRID), layer_of(case)
    whole = yolo_loss(layer, flat, Truths.of(rows), NET)
    parts = [yolo_loss(layer, flat[i : i + 1], Truths.of(rows[i : i + 1]), NET) for i in range(3)]
    torch.testing.assert_close(whole.delta, torch.cat([part.delta for part in parts]))
    torch.testing.assert_close(whole.cost, sum(part.cost for part in parts))
