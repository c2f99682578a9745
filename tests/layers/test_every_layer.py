"""Property. Oracle: each layer's own declaration, its keys drawn from their declared ranges.

A drawn section is put behind two convolutions and compiled. What compile refuses is drawn again; what it
takes must keep every promise of `darknet_py.conform`, which `darknet-py conform` tries on a person's own
layers too; here Hypothesis draws.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from darknet_py.cfg.diagnostics import CfgError
from darknet_py.cfg.document import parse
from darknet_py.cfg.keys import keys_of
from darknet_py.conform.cases import T, draw_case
from darknet_py.conform.registry import CHECKS, CLASS_CHECKS, Check
from darknet_py.conform.sample import Sample, weighted
from darknet_py.graph.compile import compile
from darknet_py.layers.base import Layer
from darknet_py.layers.catalogue import ALIASES, CATALOGUE
from darknet_py.layers.not_executable import NotExecutable
from darknet_py.layers.pools.base import WindowPool
from darknet_py.ops.keyed import Keyed

LAYERS = sorted(set(CATALOGUE) - {"net"})
EXAMPLES = 20
COMMON = {
    "learning_rate", "stopbackward", "onlyforward", "dont_update", "burnin_update", "train_only_bn",
    "dontload", "dontloadscales", "clip",
}  # fmt: skip
SLOW = {
    "alone",
    "export",
    "finite",
    "float64",
    "memory",
    "mode",
    "written",
}  # the checks that `make quick` leaves out
TRIED = [
    pytest.param(section, check, marks=[pytest.mark.slow] if check.name in SLOW else [])
    for check in CHECKS
    for section in LAYERS
    if not check.skip_reason(CATALOGUE[section])
]


class Search:
    """Choices that Hypothesis makes, and makes smaller where a test fails."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw

    def integer(self, least: int, most: int) -> int:
        return self.draw(st.integers(least, most))

    def number(self, least: float, most: float) -> float:
        return self.draw(st.floats(least, most))

    def one_of(self, options: Sequence[T]) -> T:
        return self.draw(st.sampled_from(options))


@st.composite
def samples(draw: st.DrawFn, section: str, check: Check) -> Sample:
    try:
        return Sample(draw_case(section, Search(draw), fixed=check.given(CATALOGUE[section])))
    except CfgError:
        assume(False)
        raise


@pytest.mark.parametrize(("section", "check"), TRIED, ids=lambda one: getattr(one, "name", one))
def test_a_layer_keeps_its_promise(section: str, check: Check) -> None:
    @settings(
        max_examples=max(1, round(EXAMPLES * check.share)),
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[
            HealthCheck.too_slow,
            HealthCheck.filter_too_much,
            HealthCheck.data_too_large,
        ],
    )
    @given(samples(section, check))
    def every(sample: Sample) -> None:
        check.run(sample)

    every()


@pytest.mark.parametrize("name", CLASS_CHECKS)
@pytest.mark.parametrize("section", LAYERS)
def test_a_declaration_keeps_its_promise(section: str, name: str) -> None:
    CLASS_CHECKS[name](CATALOGUE[section])
    assert keys_of(CATALOGUE[section]).keys() >= COMMON


def test_no_layer_is_spared_a_promise_that_it_makes() -> None:
    run = [section for section in LAYERS if not issubclass(CATALOGUE[section], NotExecutable)]
    pairs = [(check, section) for check in CHECKS for section in run]
    spared = {(check.name, section) for check, section in pairs if check.skip_reason(CATALOGUE[section])}
    assert {section for name, section in spared if name == "window"} == {"implicit", "reorg"}
    assert {section for name, section in spared if name in ("finite", "gradient")} == {"implicit"}
    pools = {name for name, cls in CATALOGUE.items() if issubclass(cls, WindowPool)}
    for name in ("constant", "between", "shift"):
        assert {section for one, section in spared if one == name} == set(run) - pools, "all are bounded"
    others = {name for name, _ in spared} - {"window", "finite", "gradient", "constant", "between", "shift"}
    assert others == {"laws", "defined"}


def test_layers_that_are_not_run_keep_what_they_promise_in_text() -> None:
    tried = {
        name: [check.name for check in CHECKS if not check.skip_reason(CATALOGUE[name])] for name in LAYERS
    }
    assert {name for name, checks in tried.items() if checks == ["written"]} == {
        "conv_lstm", "crnn", "gru", "history", "lstm", "rnn",
    }  # fmt: skip


def test_these_layers_draw() -> None:
    def draws(section: str) -> bool:
        text = "[net]\nwidth=8\nheight=8\nchannels=4\n[convolutional]\nfilters=4\n" + {
            "crop": "[crop]\ncrop_width=4\ncrop_height=4\nflip=1",
            "mixpool": "[mixpool]\nmode=random",
        }.get(section, f"[{section}]")
        return any(isinstance(part, Keyed) for part in weighted(compile(parse(text))[1]).modules())

    assert all(draws(section) for section in ("crop", "dropout", "mixpool", "stochpool"))


def test_one_block_of_one_map_is_taken_from_every_image_of_a_batch() -> None:
    """yolov4-tiny's `layers=-1, groups=2, group_id=1`."""
    text = "[convolutional]\nfilters=6\n[route]\nlayers=-1\ngroups=2\ngroup_id=1"
    node = compile(parse(f"[net]\nwidth=5\nheight=4\nchannels=2\n{text}\n"))[1]
    source = torch.randn(3, 6, 4, 5)
    assert weighted(node)(source).equal(source[:, 3:])


def test_two_classes_cannot_claim_one_section() -> None:
    with pytest.raises(TypeError, match=r"\[maxpool\] is claimed by Second and by another class"):

        class Second(Layer, section="maxpool"):
            """Another one."""

    assert set(ALIASES.values()) <= set(CATALOGUE)
