"""Property. Oracle: which keys of [net] Darknet reads in the training of detectors (format page, 3)."""

from __future__ import annotations

import pytest

from darknet_py.cfg.diagnostics import CfgError, Diagnostic
from darknet_py.cfg.document import parse
from darknet_py.lint.check import compile_checked, warnings

NET = "[net]\nwidth=64\nheight=64\nchannels=3\n"
CONV = "[convolutional]\nfilters=18\nactivation=linear\n"
DETECTOR = CONV + "[yolo]\nmask=0,1\nanchors=10,14,23,27\nclasses=4\nnum=2\n"
REGION = CONV + "[region]\nanchors=1,1,2,2\nclasses=4\nnum=2\n"
CLASSIFIER = CONV + "[avgpool]\n[softmax]\n[cost]\n"
SET = {"angle": "7", "aspect": ".75", "min_crop": "128", "max_crop": "448", "label_smooth_eps": "0.1"}
UNSET = {"angle": "0", "aspect": "1", "min_crop": "64", "max_crop": "128", "label_smooth_eps": "0"}


def found(keys: dict[str, str], body: str) -> tuple[Diagnostic, ...]:
    return warnings(compile_checked(parse(NET + "".join(f"{k}={v}\n" for k, v in keys.items()) + body)))


@pytest.mark.parametrize("name", SET)
@pytest.mark.parametrize("body", [DETECTOR, REGION], ids=["yolo", "region"])
def test_a_detector_is_told_of_a_key_that_classifiers_alone_use(name: str, body: str) -> None:
    (warning,) = found({name: SET[name]}, body)
    assert (warning.severity, warning.code, warning.span.line) == ("warning", "ignored-key", 5)
    assert warning.message == f"{name}={SET[name]} is read and not honoured"
    assert warning.reason == "Darknet uses it only for classifiers, and this network is a detector"
    assert warning.source == f"{name}={SET[name]}"


def test_each_key_is_told_once_in_the_order_of_the_lines() -> None:
    told = found({name: SET[name] for name in reversed(SET)}, DETECTOR)
    assert [(d.span.line, d.message.split("=")[0]) for d in told] == [*enumerate(reversed(SET), start=5)]


@pytest.mark.parametrize(
    ("keys", "body"),
    [(SET, CLASSIFIER), (SET, CONV), (UNSET, DETECTOR), ({}, DETECTOR)],
    ids=["classifier", "no head", "defaults", "not set"],
)
def test_where_the_key_is_used_or_changes_nothing_there_is_no_warning(
    keys: dict[str, str], body: str
) -> None:
    assert found(keys, body) == ()


def test_the_defaults_of_crops_follow_the_width() -> None:
    assert found({"max_crop": "128"}, DETECTOR) == ()
    (warning,) = found({"min_crop": "65"}, DETECTOR)
    assert warning.message == "min_crop=65 is read and not honoured"


# maps and heads

HALF = "[convolutional]\nfilters=8\nsize=3\nstride=2\npad=1\nactivation=leaky\n"


def codes(text: str) -> list[tuple[str, int]]:
    """Code and line of every warning."""
    return [(d.code, d.span.line) for d in warnings(compile_checked(parse(text)))]


@pytest.mark.parametrize(
    ("size", "told"), [(7, []), (8, ["middle"]), (14, ["middle"]), (15, ["every cell"]), (99, ["every cell"])]
)
def test_a_pool_as_large_as_its_map_is_a_warning(size: int, told: list[str]) -> None:
    found = warnings(compile_checked(parse(NET + HALF * 3 + f"[maxpool]\nsize={size}\nstride=1\n")))
    assert [d.code for d in found] == ["covers-map"] * len(told)
    assert all(words in d.reason for d, words in zip(found, told, strict=True))


@pytest.mark.parametrize(("random", "told"), [("0", []), ("1", ["224 x 224"]), ("2", ["160 x 160"])])
def test_the_smallest_size_that_training_draws_decides(random: str, told: list[str]) -> None:
    body = HALF * 3 + "[maxpool]\nsize=29\nstride=1\n" + DETECTOR + f"random={random}\n"
    found = warnings(compile_checked(parse(NET.replace("64", "256") + body)))
    assert [d.reason.split("input of ")[1].split(",")[0] for d in found] == told


@pytest.mark.parametrize(
    ("sizes", "words"),
    [("9", "a window of 9 covers"), ("5,9,13", "windows of 9, 13 cover"), ("15,9", "windows of 9, 15 cover")],
)
def test_the_windows_of_a_pyramid_are_told_together(sizes: str, words: str) -> None:
    (warning,) = warnings(compile_checked(parse(NET + HALF * 3 + f"[spp]\nsizes={sizes}\n")))
    assert warning.message == f"{words} the entire map of 8 x 8"
    assert ("every cell" in warning.reason) == ("15" in sizes)


def test_a_pool_that_is_meant_for_the_whole_map_is_no_warning() -> None:
    body = HALF + "[maxpool]\nadaptive=1\n" + "[avgpool]\n"
    assert codes(NET + body) == []


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ("size=2\npad=1", ["map-grows"]),
        ("size=4\npad=1", ["map-grows"]),
        ("size=4\nstride=2\npad=1", ["map-grows"]),
        ("size=2\nstride=2", []),
        ("size=3\npad=1", []),
        ("size=1\ndilation=3", ["no-effect"]),
        ("size=3\npad=1\npadding=4", ["no-effect"]),
        ("size=3\npad=1\npadding=1", []),
        ("size=3\npad=0\npadding=1", []),
        ("size=65\npad=1", ["large-kernel"]),
        ("size=23\npad=1\ndilation=3", ["large-kernel"]),
    ],
)
def test_a_convolution_whose_window_does_not_sit_well(keys: str, told: list[str]) -> None:
    text = NET + f"[convolutional]\nfilters=8\n{keys}\nactivation=leaky\n"
    assert [code for code, _ in codes(text)] == told


def test_an_anchor_that_no_head_uses_is_a_hint_for_each_list_of_anchors() -> None:
    head = "[yolo]\nmask={}\nanchors=1,2,3,4,5,6\nclasses=4\nnum=3\n"
    body = HALF + CONV.replace("18", "9") + head.format(0) + "[route]\nlayers=0\n" + CONV.replace("18", "9")
    (hint,) = warnings(compile_checked(parse(NET + body + head.format(2))))
    assert (hint.severity, hint.message) == ("hint", "no head uses anchor 1 (3 x 4)")
    all_used = head.format(2).replace("mask=2", "mask=1,2")
    assert codes(NET + body.removesuffix(CONV.replace("18", "9")) + CONV + all_used) == []


def test_a_route_to_the_first_layer_of_a_size_is_a_warning() -> None:
    same = "[convolutional]\nfilters=8\nsize=1\nstride=1\nactivation=leaky\n"
    assert codes(NET + same + HALF + same + "[route]\nlayers=1\n") == [("counts-net", 22)]
    assert codes(NET + same + HALF + same + "[route]\nlayers=-2\n") == [], "nobody counts back from [net]"
    assert codes(NET + same + HALF + same + "[route]\nlayers=0\n") == []


# lines that are missing


@pytest.mark.parametrize(("others", "told"), [(2, []), (3, ["omitted-key"]), (12, ["omitted-key"])])
def test_a_key_that_three_others_have_is_missed(others: int, told: list[str]) -> None:
    odd = HALF.replace("stride=2\n", "")
    assert [code for code, _ in codes(NET.replace("64", "256") + HALF * min(others, 6) + odd)] == told


def test_two_sections_that_are_alike_miss_nothing() -> None:
    odd = HALF.replace("stride=2\n", "")
    assert codes(NET + HALF * 4 + odd * 2) == []


def test_a_cause_is_told_only_where_all_errors_are_of_maps_that_do_not_fit() -> None:
    text = NET + HALF * 2 + "[upsample]\n[route]\nlayers=-1,1\n"
    for more, first in (("", "counts-net"), ("[maxpool]\nsize=0\n", "shapes-differ")):
        with pytest.raises(CfgError) as caught:
            compile_checked(parse(text + more))
        assert caught.value.diagnostics[0].code == first


@pytest.mark.parametrize(
    "body",
    [
        CONV + "[global_avgpool]\n[convolutional]\nfilters=4\nsize=5\n[yolo]\n",
        CONV + "[route_lhalf]\nlayers=-1\n" + DETECTOR.replace("18", "17"),
        "[maxpool]\nsize=2\n[foo]\n[route]\nlayers=0\n[unpool]\nfrom=1\n",
        CONV + "[fc]\nfilters=3\n[softmax]\n",
        CONV + "[yolov3_head]\nmask=0,1,2\nanchors=1,1\n",
    ],
)
def test_D16_an_unknown_section_is_one_error_without_follow_ups(body: str) -> None:
    with pytest.raises(CfgError) as caught:
        compile_checked(parse(NET + body))
    assert [d.code for d in caught.value.diagnostics] == ["unknown-section"]
