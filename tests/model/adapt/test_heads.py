"""Property. Oracle: the rows of the layer before a head, by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from darknet_py.cfg.document import Document
from darknet_py.errors import UsageError
from darknet_py.model.adapt.api import Adaptation
from tests.model.adapt.networks import carried, net
from tests.model.adapt.test_preserving import LEAKY

ANCHORS = "10,14,23,27"


def detector(
    classes: int, *, anchors: str = ANCHORS, head: str = "yolo", mask: str = "0,1", parts: int = 5
) -> Document:
    count = len(mask.split(","))
    num = f"mask={mask} num=2" if head != "region" else "num=2"
    return net(
        LEAKY,
        f"convolutional filters={count * (parts + classes)} size=1 activation=linear",
        f"{head} {num} anchors={anchors} classes={classes}",
    )


def rows(
    a: Document, b: Document, folder: Path, classes: tuple[int | None, ...] | None = None
) -> tuple[list[int | None], bool]:
    """For each row of B, the row of A that it equals; and whether the ledger says `preserving`."""
    old, new, ledger = carried(a, b, folder, Adaptation(classes=classes))
    keys, found = (_keys(network.layers[1].conv) for network in (old, new))
    return [keys.index(one) if one in keys else None for one in found], ledger.preserving


def _keys(conv: torch.nn.Conv2d) -> list[tuple[float, ...]]:
    assert conv.bias is not None
    return [
        (*row.flatten().tolist(), bias) for row, bias in zip(conv.weight, conv.bias.tolist(), strict=True)
    ]


BOX = list(range(5))


@pytest.mark.parametrize("head", ["yolo", "region"])
def test_classes_in_another_order_are_permuted(tmp_path: Path, head: str) -> None:
    a = detector(3, head=head)
    found, preserving = rows(a, a, tmp_path, (2, 0, 1))
    assert found == [*BOX, 7, 5, 6, *(8 + at for at in BOX), 15, 13, 14]
    assert preserving


def test_new_classes_keep_boxes_and_objectness(tmp_path: Path) -> None:
    found, preserving = rows(detector(3), detector(4), tmp_path, (None, 2, None, 0))
    assert found == [*BOX, None, 7, None, 5, *(8 + at for at in BOX), None, 15, None, 13]
    assert not preserving


def test_another_number_of_classes_without_names_keeps_boxes_and_objectness(tmp_path: Path) -> None:
    found, preserving = rows(detector(3), detector(2), tmp_path)
    assert found == [*BOX, None, None, *(8 + at for at in BOX), None, None]
    assert not preserving
    *_, ledger = carried(detector(3), detector(2), tmp_path)
    assert "without names they cannot be matched" in ledger.layers[1].note


def test_as_many_classes_without_names_are_matched_by_position(tmp_path: Path) -> None:
    assert rows(detector(3), detector(3), tmp_path) == (list(range(16)), True)


def test_anchors_are_matched_by_their_size(tmp_path: Path) -> None:
    found, preserving = rows(detector(1), detector(1, anchors="23,27,10,14"), tmp_path)
    assert found == [*range(6, 12), *range(6)]
    assert preserving


def test_other_anchors_keep_their_rows_and_decode_otherwise(tmp_path: Path) -> None:
    found, preserving = rows(detector(1), detector(1, anchors="10,14,30,40"), tmp_path)
    assert found == list(range(12))
    assert not preserving
    *_, ledger = carried(detector(1), detector(1, anchors="10,14,30,40"), tmp_path)
    assert ledger.reasons[-1].why == "boxes are decoded otherwise: anchors differ"


def test_a_mask_with_fewer_anchors_keeps_those(tmp_path: Path) -> None:
    found, preserving = rows(detector(1), detector(1, mask="1"), tmp_path)
    assert found == list(range(6, 12))
    assert not preserving


def test_a_gaussian_head_starts_from_the_means_and_draws_the_deviations(tmp_path: Path) -> None:
    found, _ = rows(detector(1), detector(1, head="Gaussian_yolo", parts=9), tmp_path)
    assert found[:10] == [0, None, 1, None, 2, None, 3, None, 4, 5]


def test_the_last_layer_of_a_classifier_is_matched_by_class(tmp_path: Path) -> None:
    a, b = (net(LEAKY, f"connected output={k} activation=linear", "softmax", size=4) for k in (3, 4))
    old, new, ledger = carried(a, b, tmp_path, Adaptation(classes=(2, None, 0, 1)))
    assert torch.equal(new.layers[1].linear.weight[[0, 2, 3]], old.layers[1].linear.weight[[2, 0, 1]])
    assert not ledger.preserving


def test_names_of_other_classes_than_the_networks_are_refused(tmp_path: Path) -> None:
    for classes in ((0, 1), (0, 1, 3)):
        with pytest.raises(UsageError, match="has 3 classes"):
            carried(detector(3), detector(3), tmp_path, Adaptation(classes=classes))


def test_a_head_that_reads_another_channel_is_not_preserved(tmp_path: Path) -> None:
    before = "convolutional filters=6 size=1 activation=linear"
    a, b = (
        net(before, before, f"route layers={order}", f"yolo mask=0,1 num=2 anchors={ANCHORS} classes=1")
        for order in ("0,1", "1,0")
    )
    *_, ledger = carried(a, b, tmp_path)
    assert not ledger.preserving
    assert "others than before" in ledger.reasons[-1].why
