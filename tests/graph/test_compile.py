"""Property. Oracle: the format page (2) and the catalogue of errors: what is refused, and where."""

from __future__ import annotations

import resource
import time

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from darknet_py.cfg.diagnostics import CfgError, Diagnostic
from darknet_py.cfg.document import parse
from darknet_py.graph.compile import compile
from darknet_py.graph.graph import Graph
from darknet_py.layers.base import layer_class
from darknet_py.lint.check import warnings

DARKNETS = [  # what the parsers of AlexeyAB's and pjreddie's Darknet know, short names too
    "Gaussian_yolo", "activation", "avg", "avgpool", "batchnorm", "conn", "connected", "contrastive",
    "conv", "conv_lstm", "convolutional", "cost", "crnn", "crop", "deconv", "deconvolutional", "detection",
    "dropout", "empty", "gru", "history", "implicit", "iseg", "l2norm", "local", "local_avg", "local_avgpool",
    "logistic", "lrn", "lstm", "max", "maxpool", "net", "network", "normalization", "region", "reorg",
    "reorg3d", "rnn", "route", "sam", "scale_channels", "shortcut", "silence", "soft", "softmax", "upsample",
    "yolo",
]  # fmt: skip
NET = "[net]\nwidth=64\nheight=64\nchannels=3\n"  # lines 1 to 4
CONV = "[convolutional]\nfilters=8\nsize=3\npad=1\nactivation=leaky\n"
HALF = CONV.replace("size=3", "size=3\nstride=2")
FLAT = "[convolutional]\nfilters=18\nactivation=linear\n"
YOLO = "[yolo]\nmask=0,1\nanchors=10,14,23,27\nclasses=4\nnum=2\n"


def graph_of(text: str, *, lenient: bool = False) -> Graph:
    return compile(parse(text, path="a.cfg"), lenient=lenient)


def found(text: str, *, lenient: bool = False) -> tuple[Diagnostic, ...]:
    """Every error and warning."""
    try:
        return warnings(graph_of(text, lenient=lenient))
    except CfgError as error:
        return error.diagnostics


def errors(text: str) -> list[tuple[str, int]]:
    """Code and line of every error."""
    return [(d.code, d.span.line) for d in found(text) if d.severity == "error"]


# several errors, no cascades


@pytest.mark.parametrize(
    "error", ["[route]\nlayers=0\ngroups=3\n", "[upsample]\nstride=0\n", "[maxpool]\npadding=9\nsize=2\n"]
)
def test_a_head_that_reads_a_faulty_layer_says_nothing_of_its_channels(error: str) -> None:
    assert [d.span.line > 9 for d in found(NET + CONV + error + YOLO)] == [True]


def test_a_bad_header_that_can_be_guessed_hides_nothing_below_it() -> None:
    text = NET + "[convolutional\nfilters=17\n" + YOLO
    assert errors(text) == [("bad-section", 5), ("bad-filters", 6)]


def test_errors_of_many_kinds_are_found_in_one_run_in_the_order_of_their_lines() -> None:
    text = (
        NET
        + "subdivisions=3\n"
        + CONV
        + "[maxpol]\n[route]\nlayers=-1,9\n[maxpool]\nsize=0\n"
        + "[convolutional]\nfilters=x\nactivaton=leaky\n[net]\n[convolutional]\nsize=\n"
    )
    assert errors(text) == [
        ("bad-value", 5),
        ("unknown-section", 11),
        ("bad-reference", 13),
        ("out-of-range", 15),
        ("bad-value", 17),
        ("unknown-key", 18),
        ("second-net", 19),
        ("no-value", 21),
    ]


@pytest.mark.parametrize(
    "error",
    [
        "[convolutional]\nfilters=x\n",
        "[convolutional]\nfilters=\n",
        "[convolutional]\nfilters\n",
        "[convolutional]\nfilters=\u0663\n",
        "[conv\u00e9]\nfilters=8\n",
        "[sam]\nfrom=-1\n",
        "[route]\nlayers=7\n",
        "[maxpool]\nsize=200\npadding=0\n",
    ],
)
def test_what_reads_a_faulty_layer_has_nothing_to_say(error: str) -> None:
    after = CONV + "[route]\nlayers=-1,-2\n[shortcut]\nfrom=-1\n" + FLAT.replace("18", "17") + YOLO
    assert len(found(NET + error + after)) == 1


@pytest.mark.parametrize(
    "line", ["width=x", "width=0", "width=", "width=\u0663", "width=9000", "width", "subdivisions=0"]
)
def test_C13_a_faulty_size_of_the_input_is_one_error(line: str) -> None:
    keys = NET if line.startswith("sub") else NET.replace("width=64\n", "")
    after = CONV + "[maxpool]\nsize=2\n[route]\nlayers=0,1\n" + FLAT + YOLO
    assert len(found(f"{keys}{line}\n{after}")) == 1


@pytest.mark.parametrize("header", ["[net", "[[net]]", "[nett]", "[net]x", "[n\u00e9t]"])
def test_a_faulty_first_header_is_one_error(header: str) -> None:
    assert len(found(NET.replace("[net]", header) + CONV)) == 1


# [net]


@pytest.mark.parametrize("text", ["", "# only\n; comments\n", "\n\n"])
def test_C01_a_text_without_sections_is_refused(text: str) -> None:
    assert [code for code, _ in errors(text)] == ["no-net"]


@pytest.mark.parametrize("name", ["width", "height", "channels"])
@pytest.mark.parametrize("value", ["", "=0", "=-1", "=8193", "=4294967296", "=1e2"])
def test_C13_a_side_of_the_input_is_1_to_8192(name: str, value: str) -> None:
    keys = {"width": "=64", "height": "=64", "channels": "=3", name: value}
    text = "[net]\n" + "".join(f"{k}{v}\n" for k, v in keys.items() if v) + "[maxpool]\n"
    (error,) = found(text)
    assert error.code in {"missing-key", "out-of-range", "bad-value"}
    assert name in error.message


@pytest.mark.parametrize(
    ("width", "near"), [(63, "60 or 64 is"), (65, "64 or 68 is"), (66, "64 or 68 is"), (3, "4 is")]
)
def test_C13_a_side_that_is_no_multiple_of_the_stride_is_a_warning_with_the_nearest(
    width: int, near: str
) -> None:
    told = found(NET.replace("width=64", f"width={width}") + HALF + HALF + FLAT + YOLO)
    (warning,) = [d for d in told if d.code != "large-kernel"]
    assert (warning.severity, warning.code, warning.reason) == ("warning", "odd-size", near)
    assert warning.message == f"width={width} is not a multiple of 4, the stride of the coarsest head"


def test_C13_sides_that_are_multiples_of_the_stride_are_no_warning() -> None:
    assert found(NET + HALF + FLAT + YOLO) == ()
    assert found(NET.replace("width=64", "width=65") + HALF) == (), "without a head nothing is lost"


@pytest.mark.parametrize(
    ("batch", "subdivisions", "good"),
    [
        (64, 16, True),
        (1, 1, True),
        (1, 2, False),
        (64, 7, False),
        (0, 1, False),
        (4, 0, False),
        (-4, 2, False),
    ],
)
def test_C14_subdivisions_divide_the_batch(batch: int, subdivisions: int, good: bool) -> None:
    text = NET + f"batch={batch}\nsubdivisions={subdivisions}\n" + CONV
    assert (errors(text) == []) == good


def test_C25_a_policy_that_is_not_known_is_refused_with_a_guess() -> None:
    (error,) = found(NET + "policy=polynomial\n" + CONV)
    assert (error.code, error.span.line) == ("unknown-value", 5)
    assert (error.suggestion, error.reason) == ("poly", "Darknet calls it `poly`")
    (error,) = found(NET + "policy=warmup\n" + CONV)
    assert "constant, step, exp, poly, steps, sigmoid, random, sgdr" in error.reason


@pytest.mark.parametrize("rate", ["0", "-0.1", "nan", "1e999"])
def test_C25_a_learning_rate_is_above_zero_and_finite(rate: str) -> None:
    assert len(errors(NET + f"learning_rate={rate}\n" + CONV)) == 1


@pytest.mark.parametrize(
    "keys", ["steps=1,2\nscales=.1\n", "steps=2,1\nscales=.1,.1\n", "steps=1,1\nscales=1,1\n"]
)
def test_C25_steps_that_do_not_pair_up_or_ascend_are_a_warning(keys: str) -> None:
    (warning,) = found(NET + "policy=steps\n" + keys + CONV)
    assert warning.severity == "warning"
    assert warning.message.startswith(("2 steps and 1 scales", "steps must ascend"))


# sections


@pytest.mark.parametrize("name", ["convolutionl", "maxpol", "yol", "Convolutional", "shortcut2"])
def test_C06_an_unknown_section_is_refused_with_the_nearest_name(name: str) -> None:
    errors = found(NET + CONV + f"[{name}]\n")
    (error,) = [d for d in errors if d.code == "unknown-section"]
    assert (error.severity, error.span.line) == ("error", 10)
    assert error.suggestion.strip("[]") in {"convolutional", "maxpool", "yolo", "shortcut"}


def test_what_is_misspelt_is_read_as_what_is_suggested_so_that_all_errors_are_found() -> None:
    text = NET + "[convolutionl]\nfilter=17\nactivation=liner\n" + YOLO
    assert errors(text) == [
        ("unknown-section", 5),
        ("bad-filters", 5),
        ("unknown-key", 6),
        ("unknown-value", 7),
    ]


def test_C06_a_section_unlike_any_other_lists_the_known_ones() -> None:
    (error,) = found(NET + CONV + "[transformer]\n")
    assert error.suggestion == ""
    assert error.reason.startswith("known are Gaussian_yolo, activation, avgpool, batchnorm, ")


@pytest.mark.parametrize("section", DARKNETS)
def test_every_section_of_every_darknet_is_known(section: str) -> None:
    assert layer_class(section) is not None


@pytest.mark.parametrize(
    ("alias", "section"),
    [
        ("conv", "convolutional"),
        ("max", "maxpool"),
        ("avg", "avgpool"),
        ("local_avg", "local_avgpool"),
        ("soft", "softmax"),
    ],
)
def test_darknets_short_names_are_the_sections(alias: str, section: str) -> None:
    assert graph_of(NET + f"[{alias}]\n")[0].layer == graph_of(NET + f"[{section}]\n")[0].layer


def test_network_is_a_name_of_net() -> None:
    assert graph_of(NET.replace("[net]", "[network]") + CONV).net == graph_of(NET + CONV).net


def test_lenient_reads_a_misspelling_as_darknet_does() -> None:
    text = NET + CONV.replace("filters=8", "filter=8")
    assert errors(text) == [("unknown-key", 6)]
    graph = graph_of(text, lenient=True)
    assert graph[0].shape.channels == 1
    assert [(d.severity, d.code) for d in warnings(graph)] == [("warning", "unknown-key")]


def test_C27_a_key_that_names_a_file_opens_none() -> None:
    (warning,) = found(NET + FLAT + YOLO + "map=../../../etc/passwd\n")
    assert (warning.severity, warning.code) == ("warning", "ignored-key")
    (warning,) = found(NET + "[softmax]\ntree=/dev/zero\n")
    assert (warning.severity, warning.code, warning.span.line) == ("warning", "not-run", 6)


# layers


@pytest.mark.parametrize("filters", ["0", "-1", "2147483648", "9223372036854775808", "1048577"])
def test_C15_filters_out_of_range_are_refused_at_the_key(filters: str) -> None:
    (error,) = found(NET + f"[convolutional]\nfilters={filters}\n")
    assert (error.code, error.span.line, error.span.column) in {("out-of-range", 6, 9), ("bad-value", 6, 9)}


@pytest.mark.parametrize(
    "layers",
    [
        "[convolutional]\nfilters=65536\n" * 100,
        "[upsample]\nstride=64\n" * 4,
        HALF.replace("=8", "=100000") * 2,
        "[upsample]\nstride=64\n[convolutional]\nfilters=20\n" + "[convolutional]\nfilters=20\n" * 20,
    ],
)
def test_C18_what_no_machine_holds_is_refused_before_a_tensor_is_made(layers: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    assert [code for code, _ in errors(NET + layers)] == ["too-large"]
    assert time.perf_counter() - start < 0.5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 8 << 10


@pytest.mark.parametrize("key", ["size", "stride", "stride_x", "stride_y", "dilation", "groups"])
@pytest.mark.parametrize("value", ["0", "-1", "-2147483648"])
def test_C16_windows_are_at_least_1(key: str, value: str) -> None:
    text = NET + f"[convolutional]\n{key}={value}\n"
    (error,) = found(text)
    assert error.message == f"{key}={value} must be at least 1"


@pytest.mark.parametrize(
    ("groups", "filters", "good"), [(1, 8, True), (2, 8, True), (3, 9, False), (2, 9, False)]
)
def test_C16_groups_divide_channels_and_filters(groups: int, filters: int, good: bool) -> None:
    text = NET + CONV + f"[convolutional]\nfilters={filters}\ngroups={groups}\n"
    assert (errors(text) == []) == good


def test_C17_a_map_that_shrinks_to_nothing_is_refused_at_its_layer() -> None:
    text = NET.replace("64", "8") + "[maxpool]\nsize=3\nstride=2\npadding=0\n" * 3 + CONV
    assert errors(text) == [("too-small", 14)]
    assert [n.shape.height for n in graph_of(text.replace("padding=0", "padding=2"))] == [4, 2, 1, 1]


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("2", "layer 2 cannot read layer 2: that is itself"),
        ("3", "layer 2 cannot read layer 3: that is a later layer"),
        ("1000000", "layer 2 cannot read layer 1000000: that is a later layer"),
        ("-3", "layer 2 cannot read layer -1: nothing is before layer 0"),
        ("-999", "layer 2 cannot read layer -997: nothing is before layer 0"),
        ("0,-3", "layer 2 cannot read layer -1: nothing is before layer 0"),
        (",", "=,: expected a whole number"),
        ("0,", "=0,: expected a whole number"),
        ("0.5", "=0.5: expected a whole number"),
        (",".join(["9"] * 2000), "layer 2 cannot read layer 9: that is a later layer"),
    ],
)
@pytest.mark.parametrize("section", ["[route]\nlayers", "[shortcut]\nfrom"])
def test_C19_a_reference_that_leads_nowhere_is_one_error(section: str, reference: str, words: str) -> None:
    (error,) = found(NET + CONV + CONV + f"{section}={reference}\n" + CONV)
    assert error.message.endswith(words)
    assert error.span.line == 16


@pytest.mark.parametrize("text", ["[route]\nlayers=-1\n", "[shortcut]\nfrom=-1\n", "[route]\nlayers=0\n"])
def test_C19_layer_0_has_no_layer_before_it(text: str) -> None:
    (error,) = found(NET + text)
    assert error.code == "bad-reference"
    assert error.reason.endswith("layer 0 has none before it")


@given(st.integers(-12, 12), st.integers(1, 6))
def test_C19_a_reference_is_good_when_it_leads_to_a_layer_before(reference: int, before: int) -> None:
    text = NET + "[dropout]\n" * before + f"[route]\nlayers={reference}\n"
    at = before + reference if reference < 0 else reference
    if 0 <= at < before:
        assert graph_of(text)[before].inputs == (at,)
    else:
        assert [code for code, _ in errors(text)] == ["bad-reference"]


def test_a_route_to_layer_zero_reads_layer_zero() -> None:
    graph = graph_of(NET + CONV + HALF + "[route]\nlayers=0\n" + "[route]\nlayers=-3,2\n")
    assert graph[2].inputs == (0,)
    assert graph[3].inputs == (0, 2)
    assert (graph[3].shape.channels, graph[3].shape.height) == (16, 64)


def test_a_shortcut_reads_the_layer_before_and_its_own() -> None:
    assert graph_of(NET + CONV + CONV + "[shortcut]\nfrom=-2\n")[2].inputs == (1, 0)


@pytest.mark.parametrize(
    ("section", "sizes"),
    [("[route]\nlayers=-1,0\n", "22x22 and 64x64"), ("[shortcut]\nfrom=0\n", "22x22 and 64x64")],
)
def test_C20_maps_that_do_not_fit_are_refused_with_both_sizes(section: str, sizes: str) -> None:
    (error,) = found(NET + CONV + CONV + "stride=3\n" + section)
    assert error.code == "shapes-differ"
    assert sizes in error.message


def test_C20_a_shortcut_may_skip_channels_and_subsample() -> None:
    graph = graph_of(NET + CONV.replace("=8", "=4") + HALF + "[shortcut]\nfrom=-2\n")
    assert (graph[2].shape.channels, graph[2].shape.height) == (8, 32)


@pytest.mark.parametrize(
    ("groups", "group_id", "good"), [(2, 0, True), (2, 1, True), (2, 2, False), (3, 0, False), (0, 0, False)]
)
def test_C20_a_group_is_one_of_the_groups(groups: int, group_id: int, good: bool) -> None:
    text = NET + CONV + f"[route]\nlayers=-1\ngroups={groups}\ngroup_id={group_id}\n"
    assert (errors(text) == []) == good


# heads


@pytest.mark.parametrize("mask", ["0,2", "0,0", "-1,0", "a,b", ",", "", "0,1,9999"])
def test_C21_masks_are_different_anchors(mask: str) -> None:
    found = errors(NET + FLAT + YOLO.replace("mask=0,1", f"mask={mask}"))
    assert found[-1][1] == 9
    assert {code for code, _ in found} <= {"out-of-range", "bad-value", "no-value", "bad-filters"}


def test_C21_the_mask_of_yolov4_tiny_is_valid() -> None:
    head = "[yolo]\nmask=1,2,3\nanchors=1,2,3,4,5,6,7,8,9,10,11,12\nclasses=1\nnum=6\n"
    assert errors(NET + FLAT + head) == []


@pytest.mark.parametrize("anchors", ["1,2,3", "0,1,2,3", "-1,2,3,4", "1,2", "1,2,3,nan", "1,,2,3", ""])
def test_C22_anchors_are_num_pairs_above_zero(anchors: str) -> None:
    ((code, line),) = errors(NET + FLAT + YOLO.replace("10,14,23,27", anchors))
    assert code in {"bad-anchors", "out-of-range", "bad-value", "no-value"}
    assert line == 10


def test_C22_more_anchors_than_num_are_a_warning() -> None:
    told = found(NET + FLAT + YOLO.replace("10,14,23,27", "1,2,3,4,5,6"))
    assert ("bad-anchors", "warning", 10) in [(d.code, d.severity, d.span.line) for d in told]


def test_C23_filters_that_do_not_fit_are_told_at_the_filters_line_of_the_layer_read() -> None:
    text = NET + FLAT + CONV + FLAT.replace("18", "255") + "[route]\nlayers=0\n" + YOLO
    assert errors(text) == []
    text = (
        NET
        + CONV
        + FLAT.replace("18", "255")
        + YOLO
        + "[route]\nlayers=0\n"
        + FLAT.replace("18", "17")
        + YOLO
    )
    assert errors(text) == [("bad-filters", 11), ("bad-filters", 21)]
    assert [d.suggestion for d in found(text)] == ["18", "18"]


@pytest.mark.parametrize("classes", ["0", "-1", "x"])
def test_C23_classes_are_at_least_one(classes: str) -> None:
    ((code, line),) = errors(NET + FLAT + YOLO.replace("classes=4", f"classes={classes}"))
    assert (code in {"out-of-range", "bad-value"}, line) == (True, 11)


@pytest.mark.parametrize("before", ["", CONV + "[maxpool]\nsize=2\n"])
def test_C24_a_head_without_filters_to_correct_gets_no_suggestion(before: str) -> None:
    (error,) = found(NET + before + YOLO)
    assert (error.code, error.suggestion) == ("bad-filters", "")


@pytest.mark.parametrize(
    "text",
    [NET + CONV + NET + CONV, CONV + NET, "[maxpool]\nsize=2\n" + NET + CONV],
    ids=["two", "last", "second"],
)
def test_C24_net_is_the_first_section_and_the_only_one(text: str) -> None:
    assert {code for code, _ in errors(text)} <= {"second-net", "no-net"}
    assert errors(text)


@pytest.mark.parametrize(
    "word", ["__import__('os').system('x')", "Leaky", "nn.ReLU", "relu()", "__class__", "_torch"]
)
def test_C26_an_activation_is_one_of_a_list(word: str) -> None:
    (error,) = found(NET + f"[convolutional]\nactivation={word}\n")
    assert error.code == "unknown-value"


# anything at all

NAMES = st.sampled_from(
    [
        "net",
        "convolutional",
        "maxpool",
        "route",
        "shortcut",
        "upsample",
        "yolo",
        "spp",
        "reorg",
        "region",
        "avgpool",
        "sam",
        "x",
    ]
)
KEYS = st.sampled_from(
    [
        "width",
        "height",
        "channels",
        "filters",
        "size",
        "stride",
        "pad",
        "padding",
        "layers",
        "from",
        "groups",
        "mask",
        "anchors",
        "classes",
        "num",
        "activation",
        "sizes",
        "pool",
        "dilation",
        "reverse",
        "maxpool_depth",
        "out_channels",
    ]
)
VALUES = st.sampled_from(
    ["0", "1", "2", "3", "8", "64", "-1", "-2", "0,1", "-1,0", "leaky", "1e9", "99999", "", "x", "3 #c"]
)
SECTIONS = st.lists(st.tuples(NAMES, st.lists(st.tuples(KEYS, VALUES), max_size=4)), max_size=6)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(SECTIONS, st.booleans())
def test_C30_any_text_is_refused_with_reasons_or_runs_on_meta_with_the_shapes_it_was_given(
    sections: list[tuple[str, list[tuple[str, str]]]], net: bool
) -> None:
    text = (NET if net else "") + "".join(
        f"[{name}]\n" + "".join(f"{k}={v}\n" for k, v in keys) for name, keys in sections
    )
    told = found(text)
    assert all(str(d).startswith("a.cfg:") for d in told)
    if not any(d.severity == "error" for d in told):
        graph = graph_of(text)
        assert len(graph) == len(graph.document.sections) - 1
        assert all(min(n.shape.channels, n.shape.height, n.shape.width) > 0 for n in graph)
        with torch.device("meta"):
            maps = [torch.empty(2, n.shape.channels, n.shape.height, n.shape.width) for n in graph]
            image = torch.empty(2, *vars(graph.image).values())
            for node in graph:
                module = node.layer.module(*node.maps).eval()
                made = module(*[image if i < 0 else maps[i] for i in node.inputs])
                assert made.shape == maps[node.index].shape, node.name
