"""`weights`: what a weights file is, which cfgs it fits, and what is wrong with it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from darknet_py.cli.options import add_cfg, add_json, document_of
from darknet_py.cli.terminal import print_result
from darknet_py.errors import UsageError

if TYPE_CHECKING:
    from darknet_py.graph.graph import Graph

HEAD = (
    "      layer          array      shape                   offset         mean    deviation   greatest  NaN"
)

MOST = 4  # cfgs that a file may be the beginning of, in the text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a .weights file")
    add_cfg(parser, option=True, required=False)
    parser.add_argument(
        "--among",
        type=Path,
        metavar="DIR",
        help="without --cfg: try the cfgs below this folder too, besides the shipped ones",
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print what is known of a file; a file that does not fit is explained, and is no failure."""
    from darknet_py.model.weights_fit.inspected import inspect_header

    if args.cfg and args.among:
        raise UsageError("--among looks for a cfg, and --cfg names one")
    if args.cfg:
        from darknet_py.lint.check import compile_checked
        from darknet_py.model.inspection import inspect_weights  # loads torch

        graph = compile_checked(document_of(args))
        found = inspect_weights(args.file, graph)
        value = {**asdict(found), **_published(args.file, found.bytes, graph)}
    else:
        found = inspect_header(args.file)
        value = {**asdict(found), **_published(args.file, found.bytes, None), **_fitting(args)}
    print_result(args, lambda: value, lambda: _lines(args, value))
    return 0


def _fitting(args: argparse.Namespace) -> dict[str, Any]:
    """Without a cfg: those that the file fits, or is the beginning of."""
    from darknet_py.data.download.sources import SOURCES
    from darknet_py.model.weights_fit.candidates import candidates
    from darknet_py.model.weights_fit.inspected import open_weights

    file, _ = open_weights(args.file)
    found = candidates(file, _candidates(args.among))
    cut = sorted((one for one in found if one.missing), key=lambda one: one.cfg.count("/"))
    named = {Path(one.cfg).stem for one in cut} & SOURCES.keys()
    return {
        "cfgs": [{"cfg": one.cfg, "layers": one.layers, "of": one.of} for one in found if not one.missing],
        "beginning_of": [asdict(one) for one in cut],
        "notes": [
            f"{name}.weights as published has {SOURCES[name].files[0].size:,} bytes: "
            f"if this is a part of it, `darknet-py data fetch {name}` gets all of it"
            for name in sorted(named)
        ],
    }


def _candidates(among: Path | None) -> Iterator[Path]:
    from darknet_py.cfg.shipped import folder

    if among and not among.is_dir():
        raise UsageError("there is no such folder", where=among)
    for root in (folder(), *([among] if among else [])):
        yield from sorted(root.rglob("*.cfg"))


def _published(path: Path, size: int, graph: Graph | None) -> dict[str, Any]:
    """The official name of a file by its sha256; notes where the heads are not those it was trained with."""
    from darknet_py.cfg.shipped import find_cfg
    from darknet_py.data.download.sources import SOURCES
    from darknet_py.files.digest import sha256_of
    from darknet_py.lint.api import compile

    digest = sha256_of(path)
    known = [(source.name, one) for source in SOURCES.values() for one in source.files if one.sha256]
    name = next((name for name, one in known if one.size == size and one.sha256 == digest), "")
    found: dict[str, Any] = {"sha256": digest, "published": name or None, "notes": []}
    if name and graph:
        pairs = zip(graph.heads, _anchors(graph), _anchors(compile(find_cfg(name))), strict=False)
        found["notes"] = [
            f"layer {head} has mask={mine[0]}; {name}.weights were trained with mask={theirs[0]} there"
            if mine[0] != theirs[0]
            else f"layer {head} has other anchors than {name}.weights were trained with"
            for head, mine, theirs in pairs
            if mine != theirs
        ]
    return found


def _anchors(graph: Graph) -> list[tuple[str, object]]:
    """The mask and the anchors of each head."""
    return [
        (",".join(map(str, getattr(head, "mask", ()))), getattr(head, "masked", None))
        for head in graph.head_layers
    ]


def _lines(args: argparse.Namespace, value: dict[str, Any]) -> Iterator[str]:
    name = f", published as {value['published']}.weights" if value["published"] else ""
    yield f"{args.file}: version {value['version']}, {value['seen']:,} images seen{name}"
    yield f"{value['bytes']:,} bytes: a header of {value['header']}, {value['floats']:,} floats"
    yield f"sha256 {value['sha256']}"
    for one in value["layers"]:
        yield from _row(one)
    if value["expected"] is not None:
        left = value["left_over"]
        words = "missing" if left < 0 else "left over"
        rest = f"{abs(left):,} bytes {words}" if left else "nothing left over"
        verdict = "fits" if value["fits"] else "does not fit"
        yield f"{verdict} {args.cfg}: {value['expected']:,} floats expected, {rest}"
    elif not value["cfgs"] and not value["beginning_of"]:
        yield "fits none of the cfgs that were tried; --cfg CFG says why, --among DIR tries others"
    for one in value.get("beginning_of", ())[:MOST]:
        place = f"ends in layer {one['layers']}, {one['missing']:,} bytes too few"
        yield f"is the beginning of {one['cfg']}: {place}"
    if (more := len(value.get("beginning_of", ())) - MOST) > 0:
        yield f"and of {more} more"
    for one in value.get("cfgs", ()):
        part = "" if one["layers"] == one["of"] else f", its first {one['layers']} layers"
        yield f"fits {one['cfg']}{part}"
    yield from (f"note: {text}" for text in (*value["notes"], *value["suggestions"]))


def _row(one: dict[str, Any]) -> Iterator[str]:
    if one["layer"] == 0 and one["array"] == "biases":
        yield HEAD
    shape = " x ".join(map(str, one["shape"]))
    figures = (one[key] for key in ("mean", "deviation", "greatest"))
    texts = " ".join(f"{'-' if figure is None else format(figure, '.5g'):>12}" for figure in figures)
    cut = "" if one["complete"] else "  ends here" if one["mean"] is not None else "  not in the file"
    place = f"{one['layer']:>3}   {one['section']:<14} {one['array']:<10} {shape:<20} {one['offset']:>12,}"
    yield f"{place} {texts} {one['nan']:>4}{cut}"
