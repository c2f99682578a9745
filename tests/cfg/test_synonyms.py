"""Property. Oracle: the formulas of the functions (format page, 2.3), and the keys that sections declare."""

from __future__ import annotations

import pytest

from darknet_py.cfg.diagnostics import Diagnostic
from darknet_py.cfg.document import parse
from darknet_py.cfg.keys import keys_of
from darknet_py.cfg.synonyms import KEYS, UNRELATED, VALUES
from darknet_py.layers.base import layer_class
from darknet_py.layers.catalogue import CATALOGUE, other_names
from darknet_py.lint.check import diagnose

NET = "[net]\nwidth=64\nheight=64\nchannels=3\n"
CONV = "[convolutional]\nfilters=27\nsize=3\npad=1\nactivation=linear\n"
YOLO = "[yolo]\nmask=0,1,2\nanchors=1,2,3,4,5,6\nclasses=4\nnum=3\n"


def first(body: str) -> Diagnostic:
    return diagnose(parse(NET + body))[0]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("silu", "swish"),
        ("SiLU", "swish"),
        ("none", "linear"),
        ("identity", "linear"),
        ("lrelu", "leaky"),
        ("LeakyReLU", "leaky"),
        ("leaky_relu", "leaky"),
        ("sigmoid", "logistic"),
        ("hardtanh", "hardtan"),
        ("hard-mish", "hard_mish"),
        ("mishs", "mish"),
        ("leeky", "leaky"),
    ],
)
def test_A6_an_activation_of_another_tool_is_named_as_darknet_names_it(written: str, meant: str) -> None:
    error = first(CONV.replace("linear", written))
    assert (error.code, error.suggestion) == ("unknown-value", meant)


@pytest.mark.parametrize("written", ["hard_swish", "hardswish", "celu", "prelu", "PReLU", "smish", "softmax"])
def test_A6_a_function_that_darknet_lacks_is_no_misspelling_of_its_neighbour(written: str) -> None:
    error = first(CONV.replace("linear", written))
    assert (error.code, error.suggestion) == ("unknown-value", "")
    reason = "it is another function, and Darknet has none for it; expected one of leaky, linear, relu, "
    assert error.reason.startswith(reason)


@pytest.mark.parametrize(
    ("key", "written", "meant"),
    [
        ("iou_loss", "eiou", ""),
        ("iou_loss", "siou", ""),
        ("iou_loss", "l2", "mse"),
        ("iou_loss", "ciuo", "ciou"),
        ("nms_kind", "soft_nms", ""),
        ("nms_kind", "cornersnms", ""),
        ("nms_kind", "diou", "diounms"),
        ("nms_kind", "greedy", "greedynms"),
    ],
)
def test_A6_losses_and_nms_of_other_tools(key: str, written: str, meant: str) -> None:
    error = first(CONV + YOLO + f"{key}={written}\n")
    assert (error.code, error.suggestion) == ("unknown-value", meant)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("concat", "[route]"),
        ("add", "[shortcut]"),
        ("batch_normalize", "[batchnorm]"),
        ("global_avgpool", "[avgpool]"),
        ("global_avg_pool", "[avgpool]"),
        ("fc", "[connected]"),
        ("Conv2d", "[convolutional]"),
        ("convolutionl", "[convolutional]"),
        ("max_pool", "[maxpool]"),
        ("avg_pool", ""),
    ],
)
def test_A6_sections_of_other_tools(written: str, meant: str) -> None:
    error = first(CONV + f"[{written}]\n")
    assert (error.code, error.suggestion) == ("unknown-section", meant)


def test_a_section_that_another_makes_is_explained() -> None:
    error = first(CONV + "[route_lhalf]\nlayers=-1\n")
    assert (error.suggestion, error.reason) == ("", "[route] with groups=2 and group_id=0 is that")


@pytest.mark.parametrize(
    ("body", "meant"),
    [
        (CONV.replace("size", "kernel_size"), "size"),
        (CONV.replace("filters", "out_channels"), "filters"),
        (CONV + "bn=1\n", "batch_normalize"),
        (CONV + "pading=1\n", "padding"),
        (CONV + "[connected]\nfilters=3\n", "output"),
        (CONV + "[route]\nfrom=-1\n", "layers"),
        (CONV * 2 + "[shortcut]\nlayers=-2\n", "from"),
        (CONV + "[upsample]\nscale_factor=2\n", "stride"),
        (CONV + YOLO.replace("classes", "nc"), "classes"),
    ],
)
def test_A6_keys_of_other_tools(body: str, meant: str) -> None:
    error = first(body)
    assert (error.severity, error.code, error.suggestion) == ("error", "unknown-key", meant)


@pytest.mark.parametrize(
    ("body", "owner"),
    [
        (CONV + "flip=1\n", "net"),
        (CONV + "uc_normalizer=1\n", "yolo"),
        (CONV.replace("size=3", "resize=1"), "yolo"),
        (CONV + "[upsample]\nstride_x=2\n", "convolutional"),
    ],
)
def test_a_key_of_another_section_is_no_misspelling(body: str, owner: str) -> None:
    warning = first(body)
    assert (warning.severity, warning.code, warning.suggestion) == ("warning", "unknown-key", "")
    assert warning.reason == f"it is a key of [{owner}]; Darknet ignores it too"


def test_a_plural_is_a_misspelling_although_another_section_has_it() -> None:
    assert first(CONV + "[spp]\nsize=5,9\n").suggestion == "sizes"


def test_every_synonym_is_of_a_word_that_exists_and_is_none_itself() -> None:
    sections = {name: {one.name: one for one in keys_of(cls).values()} for name, cls in CATALOGUE.items()}
    values = {key: set() for key in VALUES} | {key: set() for key in UNRELATED}  # type: ignore[var-annotated]
    for keys in sections.values():
        for name in values.keys() & keys.keys():
            values[name].update(keys[name].one_of)
    for key, names in VALUES.items():
        assert names.keys() <= values[key]
        for others in names.values():
            assert not set(others.split()) & (values[key] - {"linear", "none"})
    for section, words in KEYS.items():
        assert words.keys() <= {key for keys in sections.values() for key in keys}, section
    for others in other_names().values():
        assert not [other for other in others.split() if layer_class(other)]
