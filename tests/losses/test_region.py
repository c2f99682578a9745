"""Reference. Oracle: tests/reference/region_loss.py, in loops, on random maps and truths.

That is written from the page on Darknet's format and semantics. There is no recording of Darknet training a
`[region]`.
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
from darknet_py.losses.region import EARLY, region_loss
from darknet_py.losses.truths import Truths
from tests.reference import region_loss as reference
from tests.reference.ties import decided

NET, GRID = (96, 128), (3, 4)
ANCHORS = [(0.4, 0.5), (0.9, 0.7), (1.3, 1.9)]  # cells
CLASSES = 4
TOLERANCE = 1e-5  # of the greatest delta


def head(**keys):
    return reference.Head(ANCHORS, CLASSES, **keys)


def layer_of(case):
    """The same head as a cfg has it."""
    keys = {k: v for k, v in dataclasses.asdict(case).items() if k != "anchors"}
    keys |= {"anchors": ", ".join(f"{w},{h}" for w, h in case.anchors), "num": len(case.anchors)}
    body = "".join(f"{key}={value}\n" for key, value in keys.items())
    conv = f"[convolutional]\nfilters={len(ANCHORS) * (5 + CLASSES)}\nactivation=linear\n"
    return compile(parse(f"[net]\nheight=3\nwidth=4\nchannels=3\n{conv}[region]\n{body}"))[1].layer


def scene(case, seed, images=2):
    """Maps, and truths, some of them predicted well; without softmax the classes are numbers of 0 to 1."""
    rng = np.random.default_rng(seed)
    raw = rng.normal(size=(images, len(ANCHORS), 5 + CLASSES, *GRID)) * 0.8
    if not case.softmax:
        raw[:, :, 5:] = rng.uniform(0.05, 0.95, raw[:, :, 5:].shape)
    raw = raw.astype(np.float32)
    return raw, [truths(case, image, rng) for image in raw.astype(np.float64)]


def truths(case, raw, rng):
    """Rows x, y, w, h, class: anywhere, close to predictions, several in one cell, on the far edge."""
    look = reference.Image(case, raw, [])
    rows = [[*rng.uniform(0.05, 0.95, 2), *rng.uniform(0.05, 0.6, 2)] for _ in range(3)]
    for _ in range(6):
        n, j, i = (rng.integers(size) for size in (len(ANCHORS), *GRID))
        x, y, w, h = look.box(n, j, i)
        rows.append([x, y, *np.clip([w, h] * rng.uniform(0.8, 1.25, 2), 0.02, 1)])
    rows.append([*rows[0][:2], *rows[1][2:]])  # a second truth in one cell
    rows.append([*rows[0]])  # and the first one again, of another class
    rows += [[1.0, 0.5, 0.2, 0.3], [0.4, 1.0, 0.5, 0.2]]
    labels = rng.integers(CLASSES, size=len(rows))
    return np.column_stack([np.clip(np.array(rows), 0.02, 1.0), labels]).astype(np.float32)


def flat(raw):
    return torch.from_numpy(raw).view(len(raw), -1, *GRID)


def compared(case, seed, *, seen=EARLY):
    """How far the deltas differ, and both costs."""
    raw, rows = scene(case, seed)
    found = region_loss(layer_of(case), flat(raw), Truths.of(rows), NET, seen=seen)
    delta, cost = reference.region_loss(case, raw, rows, seen=seen)
    difference = np.abs(found.delta.numpy().reshape(delta.shape) - delta).max() / np.abs(delta).max()
    return difference, float(found.cost), cost


CASES = {
    "plain": {},
    "softmax": {"softmax": 1},
    "scales": {"object_scale": 5, "noobject_scale": 0.5, "class_scale": 0.7, "coord_scale": 1.5},
    "thresh low": {"thresh": 0.2},
    "bias_match": {"bias_match": 1},
    "rescore": {"rescore": 1},
    "classfix -1": {"classfix": -1},
    "classfix 1": {"classfix": 1, "thresh": 0.3, "softmax": 1},
    "classfix 2": {"classfix": 2, "thresh": 0.3, "class_scale": 2},
    "focal_loss": {"focal_loss": 1, "softmax": 1},
    "focal_loss without softmax": {"focal_loss": 1},
    "yolov2": {"softmax": 1, "bias_match": 1, "rescore": 1, "thresh": 0.6, "object_scale": 5},
}


@pytest.mark.parametrize("seen", [1, EARLY - 1, EARLY])
@pytest.mark.parametrize("keys", CASES.values(), ids=CASES)
def test_delta_and_cost_are_the_references(keys, seen):
    difference, cost, expected = compared(head(**keys), 1, seen=seen)
    assert difference <= TOLERANCE
    assert cost == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", [name for name in CASES if name != "plain"])
def test_each_key_changes_the_delta(name):
    """A control: the cases above reach what they are named for."""
    case = head(**CASES[name])
    raw, rows = scene(case, 1)
    delta, other = (reference.region_loss(one, raw, rows)[0] for one in (case, head()))
    assert np.abs(delta - other).max() > 1e-3


scales = st.sampled_from([0.1, 0.5, 1.0, 5.0])
flags = st.integers(0, 1)


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(
    st.fixed_dictionaries(
        {
            **{f"{name}_scale": scales for name in ("object", "noobject", "class", "coord")},
            **dict.fromkeys(("softmax", "bias_match", "rescore", "focal_loss"), flags),
            "classfix": st.sampled_from([-1, 0, 1, 2]),
            "thresh": st.sampled_from([0.15, 0.3, 0.6]),
        }
    ),
    st.integers(0, 10_000),
    st.sampled_from([1, EARLY]),
)
def test_any_keys_together_give_the_references_delta(keys, seed, seen):
    raw, rows = scene(head(**keys), seed)
    images = [reference.Image(head(**keys), *one) for one in zip(raw.astype(float), rows, strict=True)]
    assume(decided(images, [keys["thresh"]]))
    difference, cost, expected = compared(head(**keys), seed, seen=seen)
    assert difference <= TOLERANCE
    assert cost == pytest.approx(expected, rel=1e-5)


def test_the_first_images_draw_every_box_to_its_anchor():
    raw, _ = scene(head(), 2, images=1)
    early, late = (
        region_loss(layer_of(head()), flat(raw), Truths.of([np.zeros((0, 5))]), NET, seen=seen)
        .delta.view(1, len(ANCHORS), 5 + CLASSES, *GRID)
        .numpy()
        for seen in (EARLY - 1, EARLY)
    )
    place = 1 / (1 + np.exp(-raw[:, :, :2]))
    np.testing.assert_allclose(early[:, :, :2], 0.01 * (0.5 - place) * place * (1 - place), atol=1e-8)
    np.testing.assert_allclose(early[:, :, 2:4], -0.01 * raw[:, :, 2:4], atol=1e-8)
    assert not late[:, :, :4].any()
    np.testing.assert_array_equal(early[:, :, 4:], late[:, :, 4:])


def test_with_softmax_the_class_gradient_is_that_of_the_cross_entropy():
    case = head(softmax=1, class_scale=2)
    raw, _ = scene(case, 3, images=1)
    rows = [np.array([[0.3, 0.4, 0.2, 0.3, 2]], np.float32)]
    found = region_loss(layer_of(case), flat(raw), Truths.of(rows), NET, seen=EARLY).delta
    found = found.view(len(ANCHORS), 5 + CLASSES, *GRID)
    n, j, i = found[:, 5].nonzero()[0].tolist()
    scores = torch.from_numpy(raw[0, n, 5:, j, i]).double().requires_grad_()
    (2 * torch.nn.functional.cross_entropy(scores[None], torch.tensor([2]))).backward()
    torch.testing.assert_close(found[n, 5:, j, i].double(), -scores.grad, rtol=1e-5, atol=1e-6)


def test_of_two_truths_of_one_box_the_later_one_is_taught():
    case = head(bias_match=1)
    raw, _ = scene(case, 4, images=1)
    first, second = [0.3, 0.4, 0.3, 0.25, 1], [0.31, 0.41, 0.32, 0.26, 3]

    def delta(*rows):
        truths = Truths.of([np.array(rows, np.float32)])
        return region_loss(layer_of(case), flat(raw), truths, NET, seen=EARLY).delta

    torch.testing.assert_close(delta(first, second), delta(second))
    assert not torch.equal(delta(first, second), delta(first))


def test_truths_of_unknown_classes_teach_nothing():
    raw, rows = scene(head(), 6, images=1)
    strange = np.concatenate([rows[0], rows[0][:3] * [1, 1, 1, 1, 0] + [0, 0, 0, 0, CLASSES]])
    found = [region_loss(layer_of(head()), flat(raw), Truths.of([r]), NET) for r in (strange, rows[0])]
    assert torch.equal(found[0].delta, found[1].delta)


def test_an_image_without_truths_is_all_background():
    raw, _ = scene(head(), 7, images=1)
    found = region_loss(layer_of(head()), flat(raw), Truths.of([np.zeros((0, 5))]), NET, seen=EARLY)
    delta = found.delta.numpy().reshape(raw.shape)
    o = 1 / (1 + np.exp(-raw[:, :, 4]))
    np.testing.assert_allclose(delta[:, :, 4], -o * o * (1 - o), atol=1e-6)
    assert not np.delete(delta, 4, axis=2).any()
