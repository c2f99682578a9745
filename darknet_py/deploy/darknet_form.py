"""A network in Darknet's own sections: a cfg and weights that Darknet reads."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch

from darknet_py.cfg.diagnostics import CfgError, Complaint, Diagnostic
from darknet_py.cfg.document import Document
from darknet_py.cfg.edits import without_keys
from darknet_py.deploy.check import raw_trace
from darknet_py.edit.folding import expand
from darknet_py.edit.reordering import Reordering, ReorderPlan
from darknet_py.export.onnx_graph import Arrays
from darknet_py.graph.graph import Graph, Node
from darknet_py.graph.references import plain
from darknet_py.layers.cards import is_pool
from darknet_py.layers.catalogue import CATALOGUE
from darknet_py.layers.heads.head import Head
from darknet_py.layers.pools.base import ALL_IN_DARKNET
from darknet_py.layers.transforms.activations import plugged_functions
from darknet_py.lint.check import compile_checked
from darknet_py.model.restoring import restore
from darknet_py.model.weights_fit.header import VERSION, Header
from darknet_py.ops.cells import Floats

CODE = "not-in-darknet"
ABSENT = ("dontload", "dontloadscales")  # Darknet would not read arrays that the file has


class DarknetForm:
    """The .cfg and .weights of a network, read again and run by torch.

    Composite layers are expanded, and references by name become numbers.

    Args:
        arrays: the weights, as `read_arrays` gives them.
        seen: how many images they were trained on.

    Raises:
        CfgError: with every layer that Darknet does not have, at its line.
    """

    any_batch = any_size = True

    def __init__(self, graph: Graph, arrays: Arrays, seen: int) -> None:
        """Rewrite the cfg, and read both files again."""
        plan = ReorderPlan()
        expand(graph, None, plan)
        _check(graph, set(plan.instead))
        order = Reordering(graph.document, plan)
        self._place = [order.place[plan.replacements.get(node.index, node.index)] for node in graph]
        document = _without_absent(plain(order.written()))
        weights = b"".join([Header(VERSION, seen).pack(), *_floats(graph, arrays)])
        self.files: Mapping[str, bytes] = {".cfg": _encoded(document), ".weights": weights}
        self.notes = tuple(_notes(graph, plan))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "net.weights"
            path.write_bytes(weights)
            self._network = restore(compile_checked(document), path).eval()

    def run(self, images: Floats) -> list[Floats]:
        """See `Form.run`."""
        with torch.inference_mode():
            return [raw.numpy() for raw in self._network(torch.from_numpy(images))]

    def trace(self, images: Floats) -> Mapping[int, Floats]:
        """See `Form.trace`: of an expanded layer the map of its last section."""
        maps = raw_trace(self._network, images)
        return {index: maps[at].numpy() for index, at in enumerate(self._place)}


def _encoded(document: Document) -> bytes:
    return str(document).encode("utf-8", "surrogateescape")


def _without_absent(document: Document) -> Document:
    for position in range(1, len(document.sections)):
        document = without_keys(document, position, ABSENT)
    return document


def _floats(graph: Graph, arrays: Arrays) -> Iterator[bytes]:
    for node in graph:
        for name, _ in node.layer.array_shapes(*node.maps):
            yield arrays[node.index][name].astype("<f4").tobytes()


def _check(graph: Graph, expanded: set[int]) -> None:
    """Refuse what Darknet does not have."""
    found = [each for node in graph if node.index not in expanded for each in _foreign(graph, node)]
    if found:
        raise CfgError(found)


def _foreign(graph: Graph, node: Node) -> Iterator[Diagnostic]:
    layer, plugged = node.layer, plugged_functions()
    cls = CATALOGUE.entered.get(layer.section) or CATALOGUE[layer.section]
    is_plugged = not cls.__module__.startswith(__package__.partition(".")[0] + ".")
    reason = "replace it, or export to onnx or torch"
    if is_plugged or (is_pool(layer.section) and layer.section not in ALL_IN_DARKNET):
        complaint = Complaint(f"Darknet has no [{layer.section}]", code=CODE, reason=reason)
        yield graph.document.locate(complaint, node.span)
    elif getattr(layer, "adaptive", 0):
        message = f"Darknet has no adaptive [{layer.section}]"
        yield graph.document.locate(Complaint(message, key="adaptive", code=CODE, reason=reason), node.span)
    if (name := getattr(layer, "activation", "")) in plugged:
        message = f"Darknet has no activation={name}"
        yield graph.document.locate(Complaint(message, key="activation", code=CODE, reason=reason), node.span)


def _notes(graph: Graph, plan: ReorderPlan) -> Iterator[str]:
    if plan.instead:
        names = ", ".join(graph[at].name for at in sorted(plan.instead))
        yield f"expanded into Darknet's sections: {names}"
    pjreddie = [node.name for node in graph if _of_pjreddie(node)]
    if pjreddie:
        yield f"only pjreddie's Darknet computes {', '.join(pjreddie)} like this, and AlexeyAB's does not"
    assigners = {getattr(n.layer, "assigner", "darknet") for n in graph if isinstance(n.layer, Head)}
    if assigners - {"darknet"}:
        yield "`assigner` is not Darknet's: it detects the same, and would train otherwise"


def _of_pjreddie(node: Node) -> bool:
    keys = {"alpha": 1.0, "beta": 1.0, "flatten": False}
    set_keys = any(getattr(node.layer, key, value) != value for key, value in keys.items())
    own = ("deconvolutional", "iseg", "logistic", "l2norm")
    return node.layer.section in own or (node.layer.section in ("shortcut", "reorg") and set_keys)
