"""Parity. Oracle: the eager module; what onnxruntime computes of its ONNX form must be the same.

Forms are made of many layers at once, one model with an input and an output for each, as most of the time of
an export is spent before its first node.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from darknet_py.cfg.diagnostics import CfgError
from darknet_py.cfg.document import parse
from darknet_py.cfg.keys import keys_of
from darknet_py.conform.cases import Case
from darknet_py.conform.sample import Sample
from darknet_py.layers.cards import card
from darknet_py.layers.catalogue import CATALOGUE
from darknet_py.layers.not_executable import NotExecutable
from darknet_py.layers.pools.base import WindowPool

onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
pytest.importorskip("onnxscript", reason="onnxscript is not installed")

WITHIN = 1e-5
SIDES = 8, 10  # bins of 3 differ in size, blocks of 2 fit
LAYERS = sorted(
    name for name, cls in CATALOGUE.items() if name != "net" and not issubclass(cls, NotExecutable)
)
NONE_EXISTS: dict[str, str] = {}  # case: why
NEEDED = {"from": "-1", "layers": "-1,-2"}  # the layers that a case reads, where its example says others


def cases() -> Iterator[tuple[str, Case]]:
    """A small case of every layer, one more for each word that a key knows, and bins of window pools."""
    seen: set[tuple[str, ...]] = set()
    for section in LAYERS:
        cls = CATALOGUE[section]
        *before, own = parse(card(section).example).sections
        keys = {e.key: e.value for e in own.entries}
        keys |= {name: value for name, value in NEEDED.items() if name in keys and not before}
        ahead = "".join(
            f"[{other.name}]\n" + "".join(f"{e.key}={e.value}\n" for e in other.entries) for other in before
        )
        variants = {section: keys}
        for key in keys_of(cls).values():
            if key.ignored or key.refused or key.one_of in seen:
                continue  # activations are the same functions wherever they stand
            seen.add(key.one_of)
            variants |= {f"{section} {key.name}={word}": keys | {key.name: word} for word in key.one_of}
        if issubclass(cls, WindowPool):
            variants[f"{section} adaptive=3"] = keys | {"adaptive": "3"}
        for name, chosen in variants.items():
            case = Case(section, tuple(chosen.items()), 12, *SIDES, ahead)
            if (fitting := _fitting(case)) is not None:
                yield name, fitting


def _fitting(case: Case) -> Case | None:
    """The case with the filters that a head needs; None where a layer has no such form."""
    try:
        case.node()
    except CfgError as error:
        wanted = [d.suggestion for d in error.diagnostics if d.code == "bad-filters" and d.suggestion]
        if not wanted or case.channels == int(wanted[0]):
            return None
        return _fitting(Case(case.section, case.keys, int(wanted[0]), *SIDES, case.ahead))
    return case


CASES = dict(cases())


class Together(nn.Module):
    """Many layers, each on maps of its own."""

    def __init__(self, samples: list[Sample]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(sample.module() for sample in samples)
        self.counts = [len(sample.node.maps) for sample in samples]

    def forward(self, *maps: Tensor) -> list[Tensor]:
        left = list(maps)
        taken = [[left.pop(0) for _ in range(count)] for count in self.counts]
        return [part(*own).clone() for part, own in zip(self.parts, taken, strict=True)]


def compared(names: list[str]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """What the eager modules and onnxruntime put out."""
    samples = [Sample(CASES[name]) for name in names]
    model, maps = Together(samples).eval(), [m for s in samples for m in s.maps()]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    logging.disable(logging.CRITICAL)
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            eager = model(*maps)
            program = torch.onnx.export(model, tuple(maps), dynamo=True, verbose=False, optimize=False)
    finally:
        logging.disable(logging.NOTSET)
    session = onnxruntime.InferenceSession(
        program.model_proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    inputs = dict(zip((i.name for i in session.get_inputs()), (m.numpy() for m in maps), strict=True))
    return {
        name: (before.numpy(), after)
        for name, before, after in zip(names, eager, session.run(None, inputs), strict=True)
    }


def found(names: list[str]) -> dict[str, tuple[np.ndarray, np.ndarray] | Exception]:
    """`compared`, or why a layer has no form; halves are tried where the whole has none."""
    try:
        return dict(compared(names))
    except torch.onnx.errors.OnnxExporterError as error:
        if len(names) == 1:
            return {names[0]: error}
    half = len(names) // 2
    return found(names[:half]) | found(names[half:])


@pytest.mark.soak
def test_the_onnx_form_computes_what_the_layer_does() -> None:
    """All in one test: in two processes, each would make all forms. `export` uses the layers' own nodes."""
    wrong: dict[str, object] = {}
    for name, got in found([name for name in CASES if name not in NONE_EXISTS]).items():
        if isinstance(got, Exception):
            wrong[name] = got
            continue
        ours, theirs = got
        if theirs.shape != ours.shape:
            wrong[name] = f"{theirs.shape} in place of {ours.shape}"
        elif not np.abs(theirs - ours).max() <= WITHIN * max(1.0, np.abs(ours).max()):
            wrong[name] = np.abs(theirs - ours).max()
    assert wrong == {}


@pytest.mark.parametrize("name", NONE_EXISTS)
def test_where_no_form_exists_the_export_says_so(name: str) -> None:
    assert isinstance(found([name])[name], torch.onnx.errors.OnnxExporterError), "it has one now"


def test_every_layer_has_a_case() -> None:
    assert {case.section for case in CASES.values()} == set(LAYERS)
