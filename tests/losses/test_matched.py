"""Reference. Oracle: tests/reference/matched_loss.py, from the papers; its gradient by differences."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from darknet_py.cfg.document import parse
from darknet_py.graph.compile import compile
from darknet_py.losses.heads import losses_of
from darknet_py.losses.matched import PredictedBoxes, best_pairs, candidates
from darknet_py.losses.truths import Truths
from tests.reference import matched_loss as reference

NET, CLASSES, IMAGES = (96, 128), 3, 2
GRIDS = [(3, 4), (6, 8)]
ANCHORS = [[(60, 50), (80, 30)], [(12, 16), (30, 24), (20, 40)]]
ENTRIES = 5 + CLASSES


def heads(**keys):
    return [reference.Head(anchors, CLASSES, NET, **keys) for anchors in ANCHORS]


def layers_of(cases, assigner):
    """The same heads as a cfg has them."""
    found = []
    for case in cases:
        keys = {k: v for k, v in dataclasses.asdict(case).items() if k not in ("anchors", "net")}
        keys["anchors"] = ", ".join(f"{w},{h}" for w, h in case.anchors)
        keys |= {"num": len(case.anchors), "assigner": assigner}
        body = "".join(f"{key}={value}\n" for key, value in keys.items())
        conv = f"[convolutional]\nfilters={len(case.anchors) * ENTRIES}\nactivation=linear\n"
        found.append(compile(parse(f"[net]\nheight=3\nwidth=4\nchannels=3\n{conv}[yolo]\n{body}"))[1].layer)
    return found


def scene(cases, seed):
    """Maps, and truths, some of them near what is predicted, many in one cell, some on an edge."""
    rng = np.random.default_rng(seed)
    shapes = [(IMAGES, len(a) * ENTRIES, *grid) for a, grid in zip(ANCHORS, GRIDS, strict=True)]
    maps = [rng.normal(size=shape) for shape in shapes]
    if cases[0].new_coords:
        maps = [0.05 + 0.9 / (1 + np.exp(-one)) for one in maps]
    maps = [one.astype(np.float32).astype(np.float64) for one in maps]
    truths = []
    for image in range(IMAGES):
        rows = [[*rng.uniform(0.02, 0.98, 2), *rng.uniform(0.08, 0.7, 2)] for _ in range(6)]
        for _ in range(6):
            k = int(rng.integers(2))
            row, column = (int(rng.integers(size)) for size in GRIDS[k])
            pair = reference.Pair(k, image, row, column, int(rng.integers(len(ANCHORS[k]))), 0)
            x, y, w, h = np.array(reference.predicted(cases, maps, pair)) / [NET[1], NET[0], NET[1], NET[0]]
            rows.append([x + 0.01, y - 0.01, *np.clip([w, h] * rng.uniform(0.8, 1.25, 2), 0.05, 1)])
        rows += [[1.0, 0.53, 0.2, 0.3], [0.42, 1.0, 0.5, 0.2], [0.5, 0.5, 0.02, 0.9]]
        labels = rng.integers(CLASSES + 1, size=len(rows))  # the last one is unknown
        truths.append(np.column_stack([np.clip(rows, 0.02, 1), labels]).astype(np.float32).astype(np.float64))
    return maps, truths


def tensors(maps):
    return [torch.from_numpy(one).float() for one in maps]


def named(pairs, raws, truths):
    """Pairs of the package as the reference names them."""
    known = [
        (image, n) for image, rows in enumerate(truths) for n, row in enumerate(rows) if row[4] < CLASSES
    ]
    found = set()
    for head, box, truth in zip(pairs.head.tolist(), pairs.box.tolist(), pairs.truth.tolist(), strict=True):
        _, _, rows, columns = raws[head].shape
        cell, anchor = divmod(box, len(ANCHORS[head]))
        place, column = divmod(cell, columns)
        image, row = divmod(place, rows)
        assert image == known[truth][0]
        found.add(reference.Pair(head, image, row, column, anchor, known[truth][1]))
    assert len(found) == len(pairs.box)
    return found


def pairs_of(layers, maps, truths):
    """Candidates, and those of them that SimOTA chooses."""
    raws, table = tensors(maps), Truths.of(truths)
    image, number = torch.nonzero((table.labels >= 0) & (table.labels < CLASSES), as_tuple=True)
    boxes, labels = table.boxes_cxcywh[image, number], table.labels[image, number]
    found = candidates(layers, raws, image, boxes, NET)
    low, high = boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2
    corners = torch.cat([low, high], dim=1) * torch.tensor([NET[1], NET[0]] * 2)
    said = [PredictedBoxes.of(layer, raw, NET) for layer, raw in zip(layers, raws, strict=True)]
    return named(found, raws, truths), named(best_pairs(found, said, corners, labels), raws, truths)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(
    "keys", [{}, {"scale_x_y": 1.3}, {"scale_x_y": 2}, {"scale_x_y": 2, "new_coords": 1}], ids=str
)
def test_candidates_and_the_choice_among_them_are_the_references(keys, seed):
    cases = heads(**keys)
    maps, truths = scene(cases, seed)
    every, best = pairs_of(layers_of(cases, "simota"), maps, truths)
    assert every == reference.candidates(cases, maps, truths)
    assert best == reference.chosen(cases, maps, truths)


def test_the_scenes_reach_what_they_are_for():
    """A control: fewer are chosen than could be, two truths want one box, a truth is taught to several."""
    cases = heads(scale_x_y=2)
    wanted_twice = several = 0
    for seed in range(12):
        maps, truths = scene(cases, seed)
        every, best = reference.candidates(cases, maps, truths), reference.chosen(cases, maps, truths)
        assert len(best) < len(every) / 2
        assert {pair.head for pair in best} == {0, 1}
        wanted_twice += len(every) - len({pair.box for pair in every})
        several += len(best) - len({(pair.image, pair.truth) for pair in best})
    assert wanted_twice > 50
    assert several > 20


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("assigner", ["simota", "neighbours"])
@pytest.mark.parametrize(
    "keys",
    [
        *({"iou_loss": kind, "scale_x_y": 1.5} for kind in ("iou", "giou", "diou", "ciou")),
        {"iou_normalizer": 4, "obj_normalizer": 0.7, "cls_normalizer": 0.5, "label_smooth_eps": 0.1},
        {},
        {"new_coords": 1, "scale_x_y": 2},
    ],
    ids=str,
)
def test_loss_and_gradient_are_the_references(keys, assigner, seed):
    cases = heads(**keys)
    maps, truths = scene(cases, seed)
    found = losses_of(layers_of(cases, assigner), tensors(maps), Truths.of(truths), NET)
    pairs = (reference.chosen if assigner == "simota" else reference.candidates)(cases, maps, truths)
    loss = reference.Loss(cases, maps, truths, pairs)
    assert [float(one.cost) for one in found] == pytest.approx(loss.of(maps), rel=1e-5)
    greatest = max(float(one.delta.abs().max()) for one in found)
    for k, place in _looked_at(pairs, maps, np.random.default_rng(seed)):
        slope = loss.slope(maps, k, place)
        assert float(found[k].delta[place]) == pytest.approx(-slope, abs=2e-5 * greatest), (k, place)


def _looked_at(pairs, maps, rng, count=60):
    """Some entries of boxes that are taught, and of others."""
    pairs = sorted(pairs)
    for _ in range(count):
        pair = pairs[rng.integers(len(pairs))]
        entry = pair.anchor * ENTRIES + int(rng.integers(ENTRIES))
        yield pair.head, (pair.image, entry, pair.row, pair.column)
    for _ in range(count // 4):
        k = int(rng.integers(len(maps)))
        yield k, tuple(int(rng.integers(size)) for size in maps[k].shape)


def test_boxes_that_no_truth_is_taught_to_learn_objectness_alone():
    cases = heads()
    maps, truths = scene(cases, 1)
    found = losses_of(layers_of(cases, "simota"), tensors(maps), Truths.of(truths), NET)
    taught = {pair.box for pair in reference.chosen(cases, maps, truths)}
    for k, one in enumerate(found):
        table = one.delta.view(IMAGES, len(ANCHORS[k]), ENTRIES, *GRIDS[k])
        for image, anchor, row, column in np.ndindex(IMAGES, len(ANCHORS[k]), *GRIDS[k]):
            entries = table[image, anchor, :, row, column]
            assert entries[4] != 0
            assert bool(entries[[0, 1, 2, 3, 5, 6, 7]].any()) == ((k, image, row, column, anchor) in taught)


@pytest.mark.parametrize("assigner", ["simota", "neighbours"])
def test_images_without_truths_are_all_background(assigner):
    cases = heads(obj_normalizer=0.5)
    maps, _ = scene(cases, 1)
    nothing = Truths.of([np.zeros((0, 5))] * IMAGES)
    found = losses_of(layers_of(cases, assigner), tensors(maps), nothing, NET)
    for one, raw in zip(found, tensors(maps), strict=True):
        table, values = (t.view(IMAGES, -1, ENTRIES, *raw.shape[2:]) for t in (one.delta, raw))
        torch.testing.assert_close(table[:, :, 4], -0.5 * values[:, :, 4].sigmoid())
        assert not table[:, :, [0, 1, 2, 3, 5, 6, 7]].any()


def test_the_loss_of_a_batch_is_the_sum_over_its_images():
    cases = heads()
    maps, truths = scene(cases, 4)
    layers = layers_of(cases, "simota")
    whole = losses_of(layers, tensors(maps), Truths.of(truths), NET)
    parts = [
        losses_of(layers, [t[i : i + 1] for t in tensors(maps)], Truths.of(truths[i : i + 1]), NET)
        for i in range(IMAGES)
    ]
    for k, one in enumerate(whole):
        torch.testing.assert_close(one.delta, torch.cat([part[k].delta for part in parts]))
        torch.testing.assert_close(one.cost, sum(part[k].cost for part in parts))


def test_a_head_that_darknet_teaches_stands_beside_those_that_share():
    """Each is taught as if it were alone."""
    cases = heads(iou_loss="giou")
    maps, truths = scene(cases, 5)
    (one, _), (_, other) = layers_of(cases, "simota"), layers_of(cases, "darknet")
    raws, table = tensors(maps), Truths.of(truths)
    mixed = losses_of([one, other], raws, table, NET)
    (alone,), (plain,) = losses_of([one], raws[:1], table, NET), losses_of([other], raws[1:], table, NET)
    assert torch.equal(mixed[0].delta, alone.delta)
    assert torch.equal(mixed[1].delta, plain.delta)


def test_delta_normalizer_weighs_all_gradients_of_a_head():
    cases = heads()
    maps, truths = scene(cases, 6)
    one, two = layers_of(cases, "simota")
    weighed = dataclasses.replace(two, delta_normalizer=0.25)
    plain, found = (
        losses_of(pair, tensors(maps), Truths.of(truths), NET) for pair in ((one, two), (one, weighed))
    )
    assert torch.equal(found[0].delta, plain[0].delta)
    assert torch.equal(found[1].delta, 0.25 * plain[1].delta)


def test_heads_of_two_assigners_share_with_their_like():
    cases = heads(scale_x_y=2)
    maps, truths = scene(cases, 7)
    (one, _), (_, other) = layers_of(cases, "simota"), layers_of(cases, "neighbours")
    raws, table = tensors(maps), Truths.of(truths)
    mixed = losses_of([one, other], raws, table, NET)
    (first,), (second,) = losses_of([one], raws[:1], table, NET), losses_of([other], raws[1:], table, NET)
    assert torch.equal(mixed[0].delta, first.delta)
    assert torch.equal(mixed[1].delta, second.delta)
