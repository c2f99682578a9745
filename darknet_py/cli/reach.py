"""`reach`: what every layer sees of the image; with weights and images, what it looks at."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from darknet_py.cli.terminal import emit
from darknet_py.cli.text import document_of
from darknet_py.errors import UsageError
from darknet_py.graph.coverage import Coverage, coverages
from darknet_py.graph.graph import Graph, Node
from darknet_py.graph.reach import ClippedField, clipped_fields, fields
from darknet_py.lint.check import compile_checked

HEAD = (
    "      layer           rows x columns   stride         reach   "
    "middle cell: rows, columns      of image    least"
)


def reach(args: argparse.Namespace) -> int:
    """The table; or one layer's effective field."""
    graph = compile_checked(document_of(args))
    wanted = [_layer(graph, number) for number in args.layer or ()]
    if args.weights or args.images:
        return _effective(args, graph, wanted)
    if args.json or args.output:
        emit(args, as_json(graph, wanted))
    else:
        print("\n".join(table(graph, wanted)))
    return 0


def _layer(graph: Graph, number: int) -> int:
    if number >= len(graph):
        raise UsageError(f"there is no layer {number}", hint=f"layers are 0 to {len(graph) - 1}")
    return number


def table(graph: Graph, wanted: list[int]) -> Iterator[str]:
    """The lines: a row a layer, then a row a pool."""
    image = graph.image
    yield HEAD
    for node, field, clipped in zip(graph, fields(graph), clipped_fields(graph), strict=True):
        if not wanted or node.index in wanted:
            step = "/" + "x".join(dict.fromkeys(map(str, field.stride)))
            sees = " x ".join(map(str, field.reach))
            place = (
                f"{node.index:>3}   {node.layer.section:<14} {node.shape.height:>5} x {node.shape.width:<5}"
            )
            yield f"{place} {step:>9} {sees:>13}   {_middle(graph, node, clipped)}"
    yield f"on an image of {image.height} x {image.width}, rows x columns"
    found = [one for one in coverages(graph) if not wanted or one.index in wanted]
    yield from _pools(graph, found)


def _middle(graph: Graph, node: Node, clipped: ClippedField) -> str:
    """What the middle cell sees, no further than the borders, and the share of the cell that sees least."""
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
    """The effective field of one layer, as figures and as a picture."""
    if not (args.weights and args.images):
        raise UsageError("--weights and --images belong together", hint="trained weights look at images")
    if len(wanted) > 1:
        raise UsageError("--layer names one layer where weights are given")
    from darknet_py.analysis.effective import SHARES, effective, picture
    from darknet_py.data.images.read import read_image
    from darknet_py.files.atomic import publish_bytes
    from darknet_py.model.network import Network
    from darknet_py.model.weights import load_weights
    from darknet_py.predict.letterbox import fit_for
    from darknet_py.predict.sources import image_paths

    if graph.net.channels != 3:
        raise UsageError(f"[net] channels={graph.net.channels}, and an image has 3")
    network, layer = Network(graph), wanted[0] if wanted else _farthest(graph)
    load_weights(network, args.weights)
    paths = image_paths([args.images])[: args.most]
    pixels = (read_image(path) for path in paths)
    found = effective(network, (fit_for(graph.net, one.shape[:2]).apply(one) for one in pixels), layer)
    if found is None:
        raise UsageError(f"no pixel changes the middle cell of layer {layer}", where=args.cfg)
    title = f"{Path(args.cfg).stem}, layer {layer} [{graph[layer].layer.section}], {found.images} images"
    if args.out:
        publish_bytes(args.out, picture(found, title))
    if args.json or args.output:
        emit(args, found.to_json())
        return 0
    (top, bottom), (left, right) = found.rows, found.columns
    size = f"{bottom - top + 1} x {right - left + 1}"
    row, column = found.cell
    print(f"{title}: cell ({row}, {column}) of {graph[layer].shape.height} x {graph[layer].shape.width}")
    print(f"can see    rows {top} .. {bottom}, columns {left} .. {right}: {size} pixels")
    for share in SHARES:
        within = f"{found.radius(share):.0f} pixels of its middle"
        print(f"{100 * share:>3g} %      of the energy lies within {within}")
    if args.out:
        print(f"drawn      {args.out}")
    return 0


def _farthest(graph: Graph) -> int:
    """The output that sees most."""
    seen = fields(graph)
    return max(graph.outputs, key=lambda index: seen[index].reach)
