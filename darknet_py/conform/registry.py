"""The list of checks: the name of each, the layers it applies to, and the keys it fixes."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from darknet_py.cfg.diagnostics import CfgError
from darknet_py.cfg.document import parse
from darknet_py.cfg.keys import REQUIRED, SameAs, keys_of
from darknet_py.conform import checks, onnx_check, pool_checks, window_check
from darknet_py.conform.sample import CheckFailed, Sample
from darknet_py.graph.graph import Graph
from darknet_py.layers.base import Layer
from darknet_py.layers.cards import card
from darknet_py.layers.not_executable import NOT_RUN, NotExecutable
from darknet_py.layers.onnx_form import declares_onnx
from darknet_py.layers.pools.base import WindowPool
from darknet_py.lint.check import compile_checked, warnings

# Layers whose window is nominal; YOLOv2's [reorg] takes the numbers of a block from distant cells.
NOMINAL = {
    "implicit": "it reads nothing but how many images there are",
    "reorg": "its window is nominal: the numbers of a block come from distant cells",
}
NO_POOL = "it is no window pool"


@dataclass(frozen=True)
class Check:
    """One check, run on sampled sections.

    Args:
        fixed: keys set to a value, where the layer has them, instead of sampled.
        share: fraction of the usual number of cases; expensive checks take fewer.
        exception: why a class that can be executed is skipped, or an empty string.
    """

    name: str
    run: Callable[[Sample], None]
    fixed: Mapping[str, Any] = field(default_factory=dict)
    share: float = 1.0
    exception: Callable[[type[Layer]], str] = lambda cls: ""

    @property
    def description(self) -> str:
        """What the check verifies: the first paragraph of its docstring."""
        return (inspect.getdoc(self.run) or "").split("\n\n")[0].replace("\n", " ")

    def skip_reason(self, cls: type[Layer]) -> str:
        """Why a class is skipped, or an empty string."""
        if issubclass(cls, NotExecutable) and self.run is not checks.written:
            return "it is understood, and not run"
        return self.exception(cls)

    def given(self, cls: type[Layer]) -> dict[str, Any]:
        """`fixed`, as far as a class has such keys and values."""
        declared = {key.name: key for key in keys_of(cls).values()}
        return {k: v for k, v in self.fixed.items() if k in declared and not declared[k].refusal(v)}


def _nominal(cls: type[Layer]) -> str:
    return NOMINAL.get(cls.section, "")


def _inert(cls: type[Layer]) -> str:
    return NOMINAL["implicit"] if cls.section == "implicit" else ""


def _no_pool(cls: type[Layer]) -> str:
    return "" if issubclass(cls, WindowPool) else NO_POOL


def _no_onnx(cls: type[Layer]) -> str:
    return "" if declares_onnx(cls) else "it declares no `onnx`"


def _unbounded(cls: type[Layer]) -> str:
    if not issubclass(cls, WindowPool):
        return NO_POOL
    return "" if cls.bounded else "it says `bounded = False`"


def _one_form(cls: type[Layer]) -> str:
    both = issubclass(cls, WindowPool) and WindowPool.reduce is not cls.reduce
    return "" if both and WindowPool.module is not cls.module else "it has one form alone"


def _no_law(cls: type[Layer]) -> str:
    return "" if issubclass(cls, WindowPool) and cls.laws else "it declares none"


CHECKS = (
    Check("written", checks.written),
    Check("shape", checks.shape),
    Check("cost", checks.cost),
    Check("alone", checks.alone),
    Check("finite", checks.finite, exception=_inert),
    Check("gradient", checks.gradient, {"activation": "mish"}, share=0.25, exception=_inert),
    Check("window", window_check.window, {"activation": "linear", "reverse": 0}, exception=_nominal),
    Check("mode", checks.mode, {"batch_normalize": 0}),
    Check("float64", checks.precise),
    Check("memory", checks.strided),
    Check("export", checks.exported, share=0.1),
    Check("onnx", onnx_check.onnx_form, share=0.5, exception=_no_onnx),
    Check("weights", checks.saved, share=0.25),
    Check("laws", pool_checks.lawful, exception=_no_law),
    Check("constant", pool_checks.constant, {"eps": 1e-6}, exception=_unbounded),
    Check("between", pool_checks.between, {"eps": 1e-6}, exception=_unbounded),
    Check("shift", pool_checks.shifted, exception=_no_pool),
    Check("defined", pool_checks.defined, exception=_one_form),
)


def documented(cls: type[Layer]) -> None:
    """Every key is documented, and its default lies in its own range."""
    for name, key in keys_of(cls).items():
        if not key.doc:
            raise CheckFailed(f"a `doc` of {name}", "none")
        value = key.default
        if value is REQUIRED or isinstance(value, SameAs) or value in ("", ()):
            continue
        if refusal := key.refusal(value):
            raise CheckFailed(f"a default of {name} that a cfg could say", f"{value}, which {refusal}")


def example(cls: type[Layer]) -> None:
    """The cfg section of the docstring compiles without a warning."""
    text = card(cls.section).example
    if not re.search(rf"(?m)^\[{re.escape(cls.section)}\]$", text):
        raise CheckFailed(
            f"a cfg section [{cls.section}] in the docstring, set apart by an empty line", "none"
        )
    try:
        graph = _example_graph(text)
    except CfgError as error:
        raise CheckFailed("the docstring's example to compile", error.diagnostics[0].message) from None
    if type(graph[-1].layer) is not cls:
        raise CheckFailed(
            f"the docstring's example to end in [{cls.section}]", f"[{graph[-1].layer.section}]"
        )
    found = [one for one in warnings(graph) if one.code != NOT_RUN and one.severity != "hint"]
    if found:
        raise CheckFailed("the docstring's example without a warning", found[0].message)


def _example_graph(text: str) -> Graph:
    """An example behind ten convolutions, the last of them with the filters that a head needs."""
    ahead = "[net]\nwidth=26\nheight=26\nchannels=3\n" + "[convolutional]\nfilters={}\nstride=1\n" * 10
    try:
        return compile_checked(parse(ahead.format(*[4] * 10) + text))
    except CfgError as error:
        wanted = [d.suggestion for d in error.diagnostics if d.code == "bad-filters" and d.suggestion]
        if not wanted:
            raise
        return compile_checked(parse(ahead.format(*[4] * 9, wanted[0]) + text))


CLASS_CHECKS = {"keys": documented, "example": example}
