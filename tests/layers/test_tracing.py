"""Parity. Oracle: the eager module on maps that are not those it was traced with.

`torch.jit.trace`, `torch.onnx` and `torch.export` record what a module does with one input. What is written
through `out=` or into a slice would become a constant of the graph, without an error.
"""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from darknet_py import load
from darknet_py.conform.cases import Case
from darknet_py.conform.sample import Sample
from darknet_py.errors import UsageError
from darknet_py.layers.catalogue import CATALOGUE
from darknet_py.layers.pools.base import WindowPool
from tests.layers.test_export import CASES, SIDES

WITHIN = 1e-5
LONG = {  # seconds each; `lsepool` and the others do the same with fewer cells
    "lsepool adaptive=3",
    "softpool adaptive=3",
    *(f"stochpool negatives={word}" for word in ("shift", "softmax", "abs")),
}
POOLS = {
    name: case
    for name, case in CASES.items()
    if issubclass(CATALOGUE[case.section], WindowPool) or case.section.endswith(("pool", "spp", "sppnet"))
}
POOLS |= {
    f"{section} {' '.join(keys)}": Case(section, tuple(entry.split("=") for entry in keys), 4, *SIDES)
    for section, keys in (
        ("maxpool", ("size=2", "stride=1")),  # the overlapping one of yolov3-tiny
        ("maxpool", ("size=13", "stride=1")),
        ("maxpool", ("maxpool_depth=1", "out_channels=2")),
        ("gempool", ("p=7",)),  # by windows
        ("spp", ("sizes=3,5,7",)),
    )
}


class BehindWeight(nn.Module):
    """A module behind a weight, so that its maps need gradients."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module, self.weight = module, nn.Parameter(torch.ones(()))

    def forward(self, *maps: Tensor) -> Tensor:
        return self.module(*(self.weight * one for one in maps))


class Traced(NamedTuple):
    """A module, what it is traced with, other maps, and what it puts out for those."""

    module: nn.Module
    maps: tuple[Tensor, ...]
    others: tuple[Tensor, ...]
    expected: np.ndarray

    @classmethod
    def of(cls, name: str) -> Traced:
        sample = Sample(POOLS[name])
        module, maps = BehindWeight(sample.module()).eval(), tuple(sample.maps())
        others = tuple(1.3 * one.flip(0, 2, 3).roll(1, 2) - 0.1 for one in maps)
        with torch.no_grad():
            return cls(module, maps, others, module(*others).numpy())

    def check(self, found: np.ndarray) -> None:
        np.testing.assert_allclose(found, self.expected, WITHIN, WITHIN)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Without the warnings that sizes are constants."""
    logging.disable(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("name", POOLS)
def test_a_traced_pool_computes_what_the_pool_does(name: str) -> None:
    case = Traced.of(name)
    for gradients in (False, True):
        with torch.set_grad_enabled(gradients):
            traced = torch.jit.trace(case.module, case.maps, check_trace=False)
        case.check(traced(*case.others).detach().numpy())


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.soak] if name in LONG else []) for name in POOLS]
)
def test_the_onnx_of_a_traced_pool_computes_what_the_pool_does(name: str) -> None:
    onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    case, file = Traced.of(name), io.BytesIO()
    names = [f"map_{i}" for i in range(len(case.maps))]
    with torch.no_grad():
        torch.onnx.export(case.module, case.maps, file, dynamo=False, opset_version=17, input_names=names)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(file.getvalue(), options, providers=["CPUExecutionProvider"])
    fed = dict(zip(names, (one.numpy() for one in case.others), strict=True))
    used = {value.name for value in session.get_inputs()}
    case.check(session.run(None, {name: fed[name] for name in used})[0])


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name == "medianpool" else [pytest.mark.soak]) for name in POOLS],
)
def test_a_program_of_torch_export_with_gradients_computes_what_the_pool_does(name: str) -> None:
    """Where pools have backward passes of their own; without gradients it is a check of `conform`."""
    case = Traced.of(name)
    program = torch.export.export(case.module, case.maps, strict=False).module()
    case.check(program(*case.others).detach().numpy())


def test_a_layer_that_draws_is_not_traced_in_training() -> None:
    network = load("[net]\nwidth=8\nheight=8\nchannels=3\n[stochpool]\nsize=2\nstride=2\n").train()
    network.at(seed=0, iteration=0, samples=[0])
    with pytest.raises(UsageError) as refused:
        torch.jit.trace(network, (torch.zeros(1, 3, 8, 8),), check_trace=False)
    assert str(refused.value) == (
        "error: a layer that draws random numbers in training is traced, exported or compiled\n"
        "   = call `network.eval()` before"
    )
