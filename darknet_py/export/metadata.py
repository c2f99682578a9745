"""What an exported file says about itself: enough to detect with it, without the cfg and the weights.

| key | content |
|---|---|
| darknet_py | the version of the program |
| cfg, cfg_sha256 | the cfg's text and its SHA-256 |
| names | JSON list: the classes in their order |
| heads | JSON list: `layer`, `section`, `classes`, `anchors` (JSON pairs) and `anchors_unit` of each head |
| width, height, channels | of the input at the cfg's size |
| input | the order and range of the input's numbers |
| resize | stretch or letterbox: how Darknet fits an image to the input |
| nms_kind, beta_nms | the suppression that the cfg asks for |
| threshold, nms | of a file with NonMaxSuppression: what it was made with |
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from darknet_py import __version__
from darknet_py.cfg.document import parse
from darknet_py.errors import DataError, quoted
from darknet_py.graph.graph import Graph
from darknet_py.layers.heads.head import Head
from darknet_py.lint.check import compile_checked

MARK = "darknet_py"
INPUT = "images: N x C x H x W float32, RGB (grey for one channel), 0 to 1"
MOST_TEXT = 1 << 24  # characters of a cfg in a file's metadata


@dataclass(frozen=True)
class Described:
    """A network as an exported file describes it.

    Args:
        names: of the classes, in their order.
        has_nms: its outputs are detections, in place of raw maps.
    """

    graph: Graph
    names: tuple[str, ...]
    has_nms: bool


def metadata_of(graph: Graph, names: Sequence[str], limits: Mapping[str, float]) -> dict[str, str]:
    """The metadata of a network's file.

    Args:
        names: of the classes.
        limits: `threshold` and `nms` where the file has NonMaxSuppression, else nothing.
    """
    text, net = _utf8(str(graph.document)), graph.net
    found = {
        MARK: __version__,
        "cfg": text,
        "cfg_sha256": _digest(text),
        "names": json.dumps(list(names)),
        "heads": json.dumps(
            [_head(at, head) for at, head in zip(graph.heads, graph.head_layers, strict=True)]
        ),
        "width": str(net.width),
        "height": str(net.height),
        "channels": str(net.channels),
        "input": INPUT,
        "resize": "letterbox" if net.letter_box else "stretch",
    }
    if graph.heads:
        last = graph.head_layers[-1]
        found |= {"nms_kind": last.nms_kind, "beta_nms": str(last.beta_nms)}
    return found | {key: str(value) for key, value in limits.items()}


def read_metadata(found: Mapping[str, str], where: object) -> Described:
    """The network that a file describes.

    Args:
        where: the file, for messages.

    Raises:
        DataError: when it has no such metadata, or they contradict themselves.
        CfgError: when its cfg has errors; a plug-in of it may be missing.
    """
    if MARK not in found or "cfg" not in found:
        message = "does not say what network it is: no metadata of darknet-py (cfg, names, size, resize rule)"
        hint = (
            "files that `darknet-py export` writes have them; a file of another program runs by that program"
        )
        raise DataError(message, where=where, hint=hint)
    text = found["cfg"]
    if len(text) > MOST_TEXT or _digest(text) != found.get("cfg_sha256"):
        message = "has a cfg in its metadata whose SHA-256 is another than the one next to it"
        raise DataError(message, where=where, hint="the file was changed: export it again")
    graph = compile_checked(parse(text, path=f"{where}:cfg"))
    names = _names(found.get("names", ""), where)
    if graph.heads and len(names) != graph.head_layers[-1].classes:
        message = f"has {len(names)} names in its metadata for {graph.head_layers[-1].classes} classes"
        raise DataError(message, where=where, hint="the file was changed: export it again")
    return Described(graph, names, "nms" in found)


def _names(text: str, where: object) -> tuple[str, ...]:
    try:
        names = json.loads(text)
    except (ValueError, RecursionError):
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        hint = "the file was changed: export it again"
        raise DataError("has no list of class names in its metadata", where=where, hint=hint)
    return tuple(quoted(name, limit=1000) for name in names)


def _head(index: int, head: Head) -> dict[str, Any]:
    masked = getattr(head, "masked", None)  # of heads since YOLOv3; others have pairs in cells, or none
    return {
        "layer": index,
        "section": head.section,
        "classes": head.classes,
        "anchors": list(masked if masked is not None else getattr(head, "pairs", ())),
        "anchors_unit": "pixels" if masked is not None else "cells",
    }


def _utf8(text: str) -> str:
    """The text with bytes that are no UTF-8, which comments may have, as escapes."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
