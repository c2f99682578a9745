"""Reference. Oracle: AlexeyAB's parser: of `anchors`, the first `num` pairs, written over pairs of 0.5."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from darknet_py.cfg.diagnostics import Diagnostic
from darknet_py.cfg.document import parse
from darknet_py.layers.heads.anchored import Anchored
from darknet_py.layers.heads.head import Head
from darknet_py.lint.check import compile_checked, diagnose
from darknet_py.losses.assignment import assign_targets
from darknet_py.losses.heads import losses_of
from darknet_py.losses.truths import Truths

PAIRS = [(4, 5), (9, 7), (12, 20), (25, 14), (30, 40), (50, 45)]
HEADS = {"yolo": 5, "Gaussian_yolo": 9, "region": 5}  # and the numbers of a box that are no class
NET, GRID = (64, 64), (8, 8)


def text(name: str, pairs: Sequence[tuple[float, float]], num: int | None, mask: str = "0,2") -> str:
    boxes = num if name == "region" else len(mask.split(","))
    head = "" if name == "region" else f"mask={mask}\n"
    head += f"anchors={', '.join(f'{w},{h}' for w, h in pairs)}\nclasses=2\n"
    head += "" if num is None else f"num={num}\n"
    conv = (
        f"[convolutional]\nfilters={(boxes or 1) * (HEADS[name] + 2)}\nsize=8\nstride=8\nactivation=linear\n"
    )
    return f"[net]\nwidth=64\nheight=64\nchannels=3\n{conv}[{name}]\n{head}"


def layer(name: str, pairs: Sequence[tuple[float, float]], num: int) -> Head:
    (head,) = compile_checked(parse(text(name, pairs, num))).head_layers
    return head


def about_anchors(name: str, pairs: Sequence[tuple[float, float]], num: int | None, mask: str) -> Diagnostic:
    (found,) = [d for d in diagnose(parse(text(name, pairs, num, mask))) if d.code == "bad-anchors"]
    return found


def held(pairs: Sequence[tuple[float, float]], num: int) -> list[tuple[float, float]]:
    """What Darknet holds of a list of pairs."""
    return [*pairs, *[(0.5, 0.5)] * num][:num]


def truths(rng: np.random.Generator) -> Truths:
    rows = [[*rng.uniform(0.1, 0.9, 2), *rng.uniform(0.02, 0.9, 2), rng.integers(2)] for _ in range(12)]
    return Truths.of([np.array(rows[:7]), np.array(rows[7:])])


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize(("listed", "num"), [(6, 3), (6, 4), (4, 6), (3, 5)])
def test_A5_a_head_computes_and_learns_with_num_pairs(name: str, listed: int, num: int) -> None:
    if name == "region" and listed < num:
        pytest.skip("[region] predicts a box from every anchor, so all must be listed")
    found, plain = layer(name, PAIRS[:listed], num), layer(name, held(PAIRS[:listed], num), num)
    channels = found.boxes_per_cell * found.entries
    raw, true = torch.randn(2, channels, *GRID), truths(np.random.default_rng(num))
    for mine, theirs in zip(found.decode(raw, *NET), plain.decode(raw, *NET), strict=True):
        assert torch.equal(mine, theirs)
    (loss,), (expected,) = (losses_of([one], [raw], true, NET) for one in (found, plain))
    assert torch.equal(loss.delta, expected.delta)
    assert loss.cost == expected.cost


@pytest.mark.parametrize("num", [3, 4, 5, 6])
def test_A5_ground_truths_are_matched_to_the_first_num_pairs(num: int) -> None:
    true = truths(np.random.default_rng(7))
    sizes = 64 * true.boxes_cxcywh[true.labels >= 0][:, 2:].double().numpy()
    anchors = np.array(PAIRS[:num], float)
    least = np.minimum(sizes[:, None], anchors).prod(axis=2)
    best = (least / (sizes.prod(axis=1)[:, None] + anchors.prod(axis=1) - least)).argmax(axis=1)
    assert (best >= 3).any() == (num > 3)
    head = layer("yolo", PAIRS, num)
    assert isinstance(head, Anchored)
    found = assign_targets(head, true, GRID, NET)
    assert len(found.box) == np.isin(best, [0, 2]).sum()


@pytest.mark.parametrize("name", ["yolo", "Gaussian_yolo"])
def test_A5_a_mask_beyond_num_is_an_error_that_suggests_the_pairs_listed(name: str) -> None:
    pairs = [(n, n) for n in range(1, 16)]
    found = about_anchors(name, pairs, 9, "12,13,14")
    assert (found.severity, found.span.line, found.source, found.suggestion) == ("error", 14, "num=9", "15")
    assert found.message == "the mask has anchor 14, 15 pairs are listed, and num=9"
    assert found.reason == (
        "Darknet reads 9 pairs, and takes anchor 14 from what its memory holds; expected num=15"
    )


def test_A5_without_num_a_mask_beyond_it_is_an_error_at_the_section() -> None:
    found = about_anchors("yolo", PAIRS, None, "0,1")
    assert (found.severity, found.source, found.suggestion) == ("error", "[yolo]", "")
    assert found.reason.endswith("expected num=6")


BEYOND = {
    "yolo": "pairs are used, as in AlexeyAB's Darknet; pjreddie's writes the others past its memory",
    "Gaussian_yolo": "pairs are used; Darknet writes the others past its memory",
    "region": "are used, as in Darknet",
}


@pytest.mark.parametrize("name", BEYOND)
def test_A5_more_pairs_than_num_below_the_mask_are_a_warning(name: str) -> None:
    found = about_anchors(name, [(n, n) for n in range(1, 16)], 9, "6,7,8")
    assert (found.severity, found.message) == ("warning", "30 numbers for num=9 anchors")
    assert found.reason == f"the first 9 {BEYOND[name]}; num=15 would use all"


def test_A5_fewer_pairs_than_num_with_masks_inside_them_run_with_a_warning() -> None:
    found = about_anchors("yolo", PAIRS, 9, "3,4,5")
    assert (found.severity, found.message) == ("warning", "12 numbers for num=9 anchors")
    assert found.reason == (
        "Darknet takes 0.5 x 0.5 px for the other 3, as here; no box is predicted from them"
    )


@pytest.mark.parametrize(("num", "mask"), [(9, "7,8"), (7, "0,6")])
def test_A5_a_mask_of_pairs_that_are_not_listed_is_an_error(num: int, mask: str) -> None:
    found = about_anchors("yolo", PAIRS, num, mask)
    assert (found.severity, found.span.line) == ("error", 12)
    assert found.reason.endswith(f"; the mask has anchor {num - 1}")


def test_A5_region_with_the_default_num_takes_the_first_pair() -> None:
    lines = text("region", PAIRS, 1).replace("num=1\n", "")
    (head,) = compile_checked(parse(lines)).head_layers
    assert head.pairs == ((4.0, 5.0),)  # type: ignore[attr-defined]
    (found,) = [d for d in diagnose(parse(lines)) if d.code == "bad-anchors"]
    assert found.severity == "warning"


def test_A5_anchors_beyond_num_are_not_also_told_as_unused() -> None:
    (found,) = [d for d in diagnose(parse(text("yolo", PAIRS, 4, "0,1"))) if d.code == "unused-anchor"]
    assert found.message == "no head uses anchors 2 (12 x 20), 3 (25 x 14)"
