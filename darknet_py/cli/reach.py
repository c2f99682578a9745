"""`reach`: the receptive field of every layer; with weights and images, the effective one of a layer."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from darknet_py.cli.options import add_cfg, add_json, count, document_of, natural
from darknet_py.cli.terminal import print_result
from darknet_py.errors import UsageError
from darknet_py.graph.coverage import Coverage, coverages
from darknet_py.graph.graph import Graph, Node
from darknet_py.graph.reach import ClippedField, clipped_fields, fields
from darknet_py.lint.check import compile_checked

if TYPE_CHECKING:
    from darknet_py.analysis.effective import Effective

HEAD = (
    "      layer           rows x columns   stride         reach   "
    "middle cell: rows, columns      of image    least"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    add_cfg(parser)
    parser.add_argument(
        "--layer", action="append", type=natural, metavar="N", help="this layer alone; may be repeated"
    )
    parser.add_argument("--weights", type=Path, help="Darknet weights, for the effective receptive field")
    parser.add_argument("--images", type=Path, help="an image, a folder, or a list of them, to average over")
    parser.add_argument(
        "--most", type=count, default=64, metavar="N", help="images that are used (default: 64)"
    )
    parser.add_argument("--out", type=Path, metavar="PNG", help="draw it")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print the table; or one layer's effective receptive field."""
    graph = compile_checked(document_of(args))
    wanted = args.layer or []
    for number in wanted:
        if number >= len(graph):
            raise UsageError(f"there is no layer {number}", hint=f"layers are 0 to {len(graph) - 1}")
    if args.weights or args.images:
        return _effective(args, graph, wanted)
    print_result(args, lambda: as_json(graph, wanted), lambda: table(graph, wanted))
    return 0


def table(graph: Graph, wanted: list[int]) -> Iterator[str]:
    """The lines: a row a layer, then a row a pool."""
    image = graph.image
    yield HEAD
    for node, field, clipped in zip(graph, fields(graph), clipped_fields(graph), strict=True):
        if not wanted or node.index in wanted:
            step = "/" + "x".join(dict.fromkeys(map(str, field.stride)))
            reach = " x ".join(map(str, field.reach))
            place = (
                f"{node.index:>3}   {node.layer.section:<14} {node.shape.height:>5} x {node.shape.width:<5}"
            )
            yield f"{place} {step:>9} {reach:>13}   {_middle(graph, node, clipped)}"
    yield f"on an image of {image.height} x {image.width}, rows x columns"
    yield from _pools(graph, [one for one in coverages(graph) if not wanted or one.index in wanted])


def _middle(graph: Graph, node: Node, clipped: ClippedField) -> str:
    """The field of the middle cell within the image, its share of it, and the least share of any cell."""
    rows, columns = clipped.rows.of(node.shape.height // 2), clipped.columns.of(node.shape.width // 2)
    if rows is None or columns is None:
        return "nothing"
    share = (rows[1] - rows[0] + 1) * (columns[1] - columns[0] + 1) / graph.image.cells
    least = clipped.rows.smallest * clipped.columns.smallest / graph.image.cells
    spans = f"{rows[0]} .. {rows[1]}, {columns[0]} .. {columns[1]}"
    return f"{spans:<27} {100 * share:>8.1f} % {100 * least:>6.1f} %"


def _pools(graph: Graph, found: list[Coverage]) -> Iterator[str]:
    sizes = sorted({one.size for one in found})
    if not sizes:
        return
    words = [str(rows) if rows == columns else f"{rows}x{columns}" for rows, columns in sizes]
    wide = max(6, *(len(word) + 2 for word in words))
    yield ""
    yield "share of its map that the middle window of a pool covers, in %, by the size of the training input"
    yield f"      pool            {''.join(f'{word:>{wide}}' for word in words)}"
    for index in sorted({one.index for one in found}):
        shares = {one.size: f"{100 * one.share:.1f}" for one in found if one.index == index}
        row = "".join(f"{shares.get(size, '-'):>{wide}}" for size in sizes)
        yield f"{index:>3}   {graph[index].layer.section:<16}{row}"


def as_json(graph: Graph, wanted: list[int]) -> dict[str, Any]:
    """The table for programs; the words are stable."""
    layers = []
    for node, field, clipped in zip(graph, fields(graph), clipped_fields(graph), strict=True):
        cells = zip(("rows", "columns"), (clipped.rows, clipped.columns), strict=True)
        middle = {"rows": node.shape.height // 2, "columns": node.shape.width // 2}
        layers.append(
            {
                "index": node.index,
                "section": node.layer.section,
                "map": [node.shape.height, node.shape.width],
                "stride": [float(step) for step in field.stride],
                "reach": list(field.reach),
                "middle": {word: list(s.of(middle[word]) or ()) or None for word, s in cells},
                "least": [clipped.rows.smallest, clipped.columns.smallest],
                "line": node.span.line,
            }
        )
    pools = [
        {"index": c.index, "input": list(c.size), "map": [c.map.height, c.map.width], "share": c.share}
        for c in coverages(graph)
    ]
    chosen = {"layers": layers, "pools": pools}
    kept = {
        word: [one for one in rows if not wanted or one["index"] in wanted] for word, rows in chosen.items()
    }
    return {"input": [graph.image.height, graph.image.width], **kept}


def _effective(args: argparse.Namespace, graph: Graph, wanted: list[int]) -> int:
    """The effective receptive field of one layer, as figures and as a picture."""
    if not (args.weights and args.images):
        raise UsageError("--weights and --images belong together", hint="trained weights look at images")
    if len(wanted) > 1:
        raise UsageError("--layer names one layer where weights are given")
    import torch

    from darknet_py.analysis.effective import effective, picture
    from darknet_py.data.images.channels import check_channels, in_channels
    from darknet_py.data.images.read import read_image
    from darknet_py.files.atomic import publish_bytes
    from darknet_py.model.restoring import restore
    from darknet_py.predict.letterbox import fit_for
    from darknet_py.predict.sources.files import image_paths

    check_channels(graph)
    seen = fields(graph)
    layer = wanted[0] if wanted else max(graph.outputs, key=lambda index: seen[index].reach)
    network = restore(graph, args.weights)
    paths = image_paths([args.images])[: args.most]
    pixels = (in_channels(read_image(path), graph.net.channels) for path in paths)
    inputs = (torch.from_numpy(fit_for(graph.net, one.shape[:2]).apply(one)) for one in pixels)
    found = effective(network, inputs, layer)
    if found is None:
        raise UsageError(f"no pixel changes the middle cell of layer {layer}", where=args.cfg)
    title = f"{Path(args.cfg).stem}, layer {layer} [{graph[layer].layer.section}], {found.images} images"
    if args.out:
        publish_bytes(args.out, picture(found, title))
    drawn = [f"drawn      {args.out}"] if args.out else []
    print_result(args, found.to_json, lambda: [*_effective_lines(graph[layer], found, title), *drawn])
    return 0


def _effective_lines(node: Node, found: Effective, title: str) -> Iterator[str]:
    from darknet_py.analysis.effective import SHARES

    (top, bottom), (left, right) = found.rows, found.columns
    row, column = found.cell
    yield f"{title}: cell ({row}, {column}) of {node.shape.height} x {node.shape.width}"
    size = f"{bottom - top + 1} x {right - left + 1}"
    yield f"can see    rows {top} .. {bottom}, columns {left} .. {right}: {size} pixels"
    for share in SHARES:
        within = f"{found.radius(share):.0f} pixels of its middle"
        yield f"{100 * share:>3g} %      of the energy lies within {within}"
