"""Property. Oracle: which keys of [net] Darknet reads in the training of detectors (format page, 3)."""

from __future__ import annotations

import pytest

from darknet_py.cfg.diagnostics import Diagnostic
from darknet_py.cfg.document import parse
from darknet_py.graph.compile import compile

NET = "[net]\nwidth=64\nheight=64\nchannels=3\n"
CONV = "[convolutional]\nfilters=18\nactivation=linear\n"
DETECTOR = CONV + "[yolo]\nmask=0,1\nanchors=10,14,23,27\nclasses=4\nnum=2\n"
REGION = CONV + "[region]\nanchors=1,1,2,2\nclasses=4\nnum=2\n"
CLASSIFIER = CONV + "[avgpool]\n[softmax]\n[cost]\n"
SET = {"angle": "7", "aspect": ".75", "min_crop": "128", "max_crop": "448", "label_smooth_eps": "0.1"}
UNSET = {"angle": "0", "aspect": "1", "min_crop": "64", "max_crop": "128", "label_smooth_eps": "0"}


def found(keys: dict[str, str], body: str) -> tuple[Diagnostic, ...]:
    return compile(parse(NET + "".join(f"{k}={v}\n" for k, v in keys.items()) + body)).doubts


@pytest.mark.parametrize("name", SET)
@pytest.mark.parametrize("body", [DETECTOR, REGION], ids=["yolo", "region"])
def test_a_detector_is_told_of_a_key_that_classifiers_alone_use(name: str, body: str) -> None:
    (doubt,) = found({name: SET[name]}, body)
    assert (doubt.severity, doubt.code, doubt.span.line) == ("warning", "ignored-key", 5)
    assert doubt.message == f"{name}={SET[name]} is read and not honoured"
    assert doubt.reason == "Darknet uses it for classifiers alone, and this network finds boxes"
    assert doubt.source == f"{name}={SET[name]}"


def test_each_key_is_told_once_in_the_order_of_the_lines() -> None:
    doubts = found({name: SET[name] for name in reversed(SET)}, DETECTOR)
    assert [(d.span.line, d.message.split("=")[0]) for d in doubts] == [*enumerate(reversed(SET), start=5)]


@pytest.mark.parametrize(
    ("keys", "body"),
    [(SET, CLASSIFIER), (SET, CONV), (UNSET, DETECTOR), ({}, DETECTOR)],
    ids=["classifier", "no head", "defaults", "not set"],
)
def test_where_the_key_is_used_or_changes_nothing_there_is_no_doubt(keys: dict[str, str], body: str) -> None:
    assert found(keys, body) == ()


def test_the_defaults_of_crops_follow_the_width() -> None:
    assert found({"max_crop": "128"}, DETECTOR) == ()
    (doubt,) = found({"min_crop": "65"}, DETECTOR)
    assert doubt.message == "min_crop=65 is read and not honoured"
