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
    ("size", "told"),
    [
        (7, []),
        (8, []),
        (11, []),
        (12, ["39% of its cells"]),
        (14, ["77% of"]),
        (15, ["every"]),
        (99, ["every"]),
    ],
)
def test_a_pool_of_which_many_cells_see_their_whole_map_is_a_warning(size: int, told: list[str]) -> None:
    found = warnings(compile_checked(parse(NET + HALF * 3 + f"[maxpool]\nsize={size}\nstride=1\n")))
    assert [d.code for d in found] == ["covers-map"] * len(told)
    assert all(words in d.reason for d, words in zip(found, told, strict=True))


@pytest.mark.parametrize(("random", "told"), [("0", []), ("1", ["224 x 224"]), ("2", ["160 x 160"])])
def test_the_smallest_size_that_training_draws_decides(random: str, told: list[str]) -> None:
    body = HALF * 3 + "[maxpool]\nsize=43\nstride=1\n" + DETECTOR + f"random={random}\n"
    found = warnings(compile_checked(parse(NET.replace("64", "256") + body)))
    assert [d.reason.split("input of ")[1].split(",")[0] for d in found] == told


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ("13", "a window of 13 covers"),
        ("5,12,13", "windows of 12, 13 cover"),
        ("15,9", "a window of 15 covers"),
    ],
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
        ("size=65\npad=1", []),
        ("size=127\npad=1", []),
        ("size=129\npad=1", ["large-kernel"]),
        ("size=23\npad=1\ndilation=3", []),
        ("size=3\npad=1\ndilation=64", ["large-kernel"]),
    ],
)
def test_a_convolution_whose_window_does_not_sit_well(keys: str, told: list[str]) -> None:
    text = NET + f"[convolutional]\nfilters=8\n{keys}\nactivation=leaky\n"
    assert [code for code, _ in codes(text)] == told


@pytest.mark.parametrize(
    ("map_", "size", "dead"), [(1, 3, 8), (2, 3, 0), (4, 7, 0), (2, 5, 16), (1, 5, 24), (4, 8, 0)]
)
def test_A6_a_tap_that_reads_a_cell_from_one_position_is_not_told_to_read_only_zeros(
    map_: int, size: int, dead: int
) -> None:
    net = NET.replace("64", str(map_))
    found = warnings(compile_checked(parse(net + f"[convolutional]\nfilters=2\nsize={size}\npad=1\n")))
    told = [d.message for d in found if d.code == "large-kernel"]
    words = f"{dead} of {size**2} taps read only zeros on a map of {map_} x {map_}"
    assert told == [words] * (dead > 0)


def two_heads(first: str, second: str, masks: tuple[str, str] = ("0,1", "2,3")) -> tuple[Diagnostic, ...]:
    head = CONV + "[yolo]\nmask={}\nanchors={}\nclasses=4\nnum=4\n"
    body = HALF + head.format(masks[0], first) + "[route]\nlayers=0\n" + head.format(masks[1], second)
    return warnings(compile_checked(parse(NET + body)))


def test_A6_lists_that_differ_in_one_number_leave_no_anchor_unused() -> None:
    (warning,) = two_heads("1,2,3,4,5,6,7,8", "1,2,3,4,5,9,7,8")
    assert (warning.code, warning.reason) == ("heads-differ", "anchor 2 is 5 x 9 here, 5 x 6 there")
    assert [d.code for d in two_heads("1,2,3,4,5,6,7,8", "1,2,3,4,5,9,7,8", ("0,1", "1,2"))] == [
        "unused-anchor",
        "heads-differ",
    ]


def test_heads_that_list_their_own_anchors_do_not_differ_by_mistake() -> None:
    assert two_heads("1,2,3,4,5,6,7,8", "11,12,13,14,15,16,17,18", ("0,1", "2,3")) == ()


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


def test_A6_a_reference_is_suspected_only_where_one_less_fits_as_well() -> None:
    same = "[convolutional]\nfilters=8\nsize=1\nstride=1\nactivation=leaky\n"
    body = NET + same + HALF + same + HALF + same
    assert codes(body + "[route]\nlayers=1\n" + HALF + "[route]\nlayers=-1,4\n") == [], "by intent"
    assert codes(body + "[route]\nlayers=3\n[upsample]\n[route]\nlayers=-1,1\n") == [
        ("counts-net", 33),
        ("counts-net", 36),
    ], "both are one too high"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (CONV + "[shortcut]\nfrom=-1\n", ["read-twice"]),
        (CONV + "[route]\nlayers=-1,0\n", ["read-twice"]),
        (CONV + "[route]\nlayers=0\n[shortcut]\nfrom=0\n", ["read-twice"]),
        (CONV + "[route]\nlayers=0\ngroups=2\n[route]\nlayers=-1,0\n", []),
        (CONV * 2 + "[shortcut]\nfrom=-2\n", []),
        ("[maxpool]\nsize=2\nstride=2\n[unpool]\nfrom=-1\n", []),
    ],
)
def test_D14_a_layer_that_reads_one_map_twice(body: str, told: list[str]) -> None:
    assert [code for code, _ in codes(NET + body)] == told


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (CONV * 2 + "[route]\nlayers=0\n" + DETECTOR, [("unread-map", 8)]),
        (CONV + DETECTOR + CONV.replace("[", "[route]\nlayers=0\n[", 1), [("unread-map", 18)]),
        (CONV * 2 + "[route]\nlayers=0\n" + CLASSIFIER, [("unread-map", 8)]),
        (CONV * 2 + "[route]\nlayers=0\n" + CONV, []),
        (DETECTOR + "[route]\nlayers=0\n" + DETECTOR, []),
        (CONV + CONV + "[route]\nlayers=0\n[convolutional]\nfilters=18\nshare_index=1\n" + CLASSIFIER, []),
    ],
    ids=["detector", "after the last head", "classifier", "no end", "two heads", "shared weights"],
)
def test_D14_a_map_that_no_layer_reads(body: str, told: list[tuple[str, int]]) -> None:
    assert codes(NET + body) == told


@pytest.mark.parametrize(
    ("masks", "told"), [(("0,1", "2,3"), []), (("2,3", "0,1"), ["anchor-order"]), (("0,3", "1,2"), [])]
)
def test_D14_a_finer_head_with_larger_anchors(masks: tuple[str, str], told: list[str]) -> None:
    head = CONV + "[yolo]\nmask={}\nanchors=10,10,20,20,30,30,40,40\nclasses=4\nnum=4\n"
    body = HALF + head.format(masks[0]) + "[route]\nlayers=0\n" + HALF + head.format(masks[1])
    assert [code for code, _ in codes(NET + body)] == told
    body = HALF * 2 + head.format(masks[1]) + "[route]\nlayers=0\n" + head.format(masks[0])
    assert [code for code, _ in codes(NET + body)] == told, "in any order of the heads"


# lines that are missing


@pytest.mark.parametrize(("others", "told"), [(2, []), (3, ["omitted-key"]), (12, ["omitted-key"])])
def test_a_key_that_three_others_have_is_missed(others: int, told: list[str]) -> None:
    odd = HALF.replace("stride=2\n", "")
    assert [code for code, _ in codes(NET.replace("64", "256") + HALF * min(others, 6) + odd)] == told


BN = HALF.replace("filters", "batch_normalize=1\nfilters").replace("stride=2", "stride=1")


@pytest.mark.parametrize(
    ("odd", "behind", "told"),
    [
        (BN, CONV + "[yolo]\nmask=0,1\nanchors=10,14,23,27\nclasses=4\nnum=2\n", ["omitted-key"]),
        (BN.replace("filters=8", "filters=18"), DETECTOR[len(CONV) :], []),
        (BN, "[avgpool]\n[softmax]\n", []),
        (BN, "[softmax]\ngroups=1\n[cost]\n", []),
        (BN, "", []),
        (BN, "[shortcut]\nfrom=-2\n" + CONV, ["omitted-key"]),
    ],
    ids=["inside", "head", "classifier", "softmax", "end", "shortcut"],
)
def test_A6_the_convolution_before_a_head_or_a_classifier_misses_no_batch_normalisation(
    odd: str, behind: str, told: list[str]
) -> None:
    lacking = odd.replace("batch_normalize=1\n", "")
    assert [code for code, _ in codes(NET + BN * 5 + lacking + behind)] == told


@pytest.mark.parametrize(
    ("line", "told"),
    [("stride=1", []), ("pad=1", []), ("bin_output=1", []), ("stream=2", []), ("groups=2", ["omitted-key"])],
)
def test_a_line_that_makes_no_difference_is_not_missed(line: str, told: list[str]) -> None:
    one = f"[convolutional]\nfilters=8\n{line}\nactivation=leaky\n"
    even = CONV.replace("18", "8")
    found = codes(NET + even + one * 4 + one.replace(line + "\n", "") + CONV)
    assert [code for code, _ in found if code not in ("ignored-key", "not-run")] == told


def test_A6_the_first_convolution_of_depthwise_ones_misses_no_groups() -> None:
    first = "[convolutional]\nfilters=8\nsize=3\npad=1\nactivation=leaky\n"
    depthwise = first.replace("activation", "groups=8\nactivation")
    assert codes(NET + first + depthwise * 4) == []


def test_a_network_that_is_only_run_misses_no_schedule() -> None:
    keys = "batch=1\nsubdivisions=1\nmomentum=0.9\ndecay=0.0005\nlearning_rate=0.001\n"
    assert codes(NET + keys + CONV) == []
    assert codes(NET + keys + "policy=constant\n" + CONV) == [("omitted-key", 1)]


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
