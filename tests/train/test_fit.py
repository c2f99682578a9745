"""Property. Oracle: the rules in `docs/compare.md`, worked out by hand on small numbers."""

from __future__ import annotations

import pytest

from darknet_py.cfg.document import parse
from darknet_py.graph.compile import compile
from darknet_py.layers.net import Net
from darknet_py.train.fit import describe_changes, fit_to_data

CFG = """[net]
width=64
height=64
channels=3
batch=64  # of the paper
subdivisions=16
learning_rate=0.001
burn_in=1000
max_batches=1000
policy=steps
steps=800,900
scales=.1,.1
# before the head
[convolutional]
filters=255
[yolo]
mask=0,1,2
anchors=1,1,2,2,3,3
num=3
classes=80
"""


def net_after(*, images: int, epochs: float) -> Net:
    graph = fit_to_data(compile(parse(CFG)), classes=80, images=images, epochs=epochs)
    assert "# of the paper" in str(graph.document)
    return graph.net


def test_classes_and_the_filters_before_the_head_follow_the_data() -> None:
    graph = fit_to_data(compile(parse(CFG)), classes=3, images=1000, epochs=None)
    told = ["layer 0 filters 255 -> 24", "layer 1 classes 80 -> 3"]
    assert list(describe_changes(parse(CFG), graph.document)) == told
    assert graph[0].shape.channels == 24
    assert str(graph.document) == CFG.replace("classes=80", "classes=3").replace("filters=255", "filters=24")


def test_nothing_changes_where_the_classes_fit_and_no_epochs_are_asked_for() -> None:
    document = fit_to_data(compile(parse(CFG)), classes=80, images=1000, epochs=None).document
    assert str(document) == CFG
    assert not list(describe_changes(parse(CFG), document))


def test_epochs_keep_the_batch_where_updates_are_enough_and_steps_keep_their_share() -> None:
    after = net_after(images=6400, epochs=10)
    assert after.max_batches == 1000
    assert after.burn_in == 100
    assert after.steps == (800, 900)
    assert after.learning_rate == 0.001


def test_a_short_run_gets_a_smaller_batch_and_a_smaller_learning_rate() -> None:
    after = net_after(images=240, epochs=5)  # 1200 images: 300 updates of 4
    assert after.batch == 4
    assert after.subdivisions == 4
    assert after.max_batches == 300
    assert after.learning_rate == pytest.approx(0.001 / 4)
    assert after.steps == (240, 270)
    assert after.burn_in == 30


@pytest.mark.parametrize("images", [1, 2, 7])
def test_even_a_few_images_give_a_run_that_can_be_trained(images: int) -> None:
    after = net_after(images=images, epochs=1)
    assert after.batch == 1
    assert after.max_batches == images
    assert after.burn_in <= images
