"""`data anchors`: anchors for the boxes of a data set."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from darknet_py.cli.options import add_data, count, natural
from darknet_py.cli.terminal import print_result
from darknet_py.errors import UsageError

if TYPE_CHECKING:
    from darknet_py.data.tools.anchors import Anchors
    from darknet_py.edit.anchors import AnchorHeads
    from darknet_py.graph.graph import Graph

NUMBER, SIDE = 6, 416  # without a cfg


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the subverb's options."""
    add_data(parser, option=False)
    cfg = "as the cfg of --write has it, else"
    parser.add_argument("--num", type=count, help=f"how many ({cfg} {NUMBER})")
    parser.add_argument("--width", type=count, help=f"of the network's input ({cfg} {SIDE})")
    parser.add_argument("--height", type=count, help=f"of the network's input ({cfg} {SIDE})")
    parser.add_argument("--seed", type=natural, default=0, help="of the first centres (default: 0)")
    parser.add_argument("--tries", type=count, default=1, help="seeds to try; the best is kept (default: 1)")
    parser.add_argument("--split", default="train", help="train or val (default: train)")
    parser.add_argument(
        "--write",
        metavar="CFG",
        help="write the anchors and masks into the heads of a cfg; into the file itself, or into another "
        "with -o NEW",
    )


@dataclass(frozen=True)
class _Target:
    """The cfg to write to: its network, the heads, and the file that is written."""

    graph: Graph
    heads: AnchorHeads
    file: Path


def run(args: argparse.Namespace) -> int:
    """Print the anchors and how well they fit, and write them into a cfg where that is asked for."""
    from darknet_py.data.formats.registry import open_data
    from darknet_py.data.tools.anchors import anchors_of

    target = _target(args) if args.write else None
    number = target.heads.number if target else args.num or NUMBER
    width, height = (
        (target.heads.width, target.heads.height) if target else (args.width or SIDE, args.height or SIDE)
    )
    data = open_data(args.data, split=args.split)
    found = anchors_of(data, number=number, width=width, height=height, seed=args.seed, tries=args.tries)
    changes = _write(target, found) if target else ()
    facts = _json(found, width, height)
    if target:
        facts |= {"written": str(target.file), "heads": list(changes)}
    print_result(args, lambda: facts, lambda: (*_lines(found, width, height), *changes))
    return 0


def _target(args: argparse.Namespace) -> _Target:
    """See that the cfg can be written and has as many anchors as are asked for; -o is then not for JSON.

    Raises: UsageError: when it cannot.
    """
    from darknet_py.cfg.document import read
    from darknet_py.cfg.shipped import find_cfg
    from darknet_py.edit.anchors import anchor_heads
    from darknet_py.lint.check import compile_checked

    path, file = find_cfg(args.write), args.output or Path(args.write)
    args.output = None
    if not file.exists() and file == Path(args.write):
        raise UsageError("is a shipped cfg, which is not changed", where=path, hint="name a new file with -o")
    if file.exists() and not file.samefile(path):
        raise UsageError("exists already", where=file, hint="name another file with -o")
    graph = compile_checked(read(path))
    heads = anchor_heads(graph)
    if args.num not in (None, heads.number):
        raise UsageError(
            f"--num {args.num}, but its heads predict {heads.sizes} in a cell",
            where=path,
            hint="leave --num out; for another number change `mask` of the heads, and `filters` before them",
        )
    for option, asked, given in (
        ("width", args.width, graph.net.width),
        ("height", args.height, graph.net.height),
    ):
        if asked not in (None, given):
            hint = f"leave --{option} out, or set it in the cfg: `darknet-py edit --set net.{option}={asked}`"
            raise UsageError(f"--{option} {asked}, but its input has {option}={given}", where=path, hint=hint)
    return _Target(graph, heads, file)


def _write(target: _Target, found: Anchors) -> tuple[str, ...]:
    """Write the cfg; what its heads have now, and where."""
    from darknet_py.edit.anchors import write_anchors
    from darknet_py.files.atomic import publish_bytes

    done = write_anchors(target.graph, target.heads, found.pairs(target.heads.width))
    publish_bytes(target.file, str(done.document).encode("utf-8", "surrogateescape"))
    return (*done.changes, f"written to {target.file}")


def _json(found: Anchors, width: int, height: int) -> dict[str, Any]:
    return {
        "anchors": found.sizes.tolist(),
        "shares": found.shares.tolist(),
        "average_iou": found.average_iou,
        "boxes": found.boxes,
        "width": width,
        "height": height,
        "seed": found.seed,
    }


def _lines(found: Anchors, width: int, height: int) -> Iterator[str]:
    from darknet_py.data.tools.anchors import SMALL_NETWORK

    yield found.line(width)
    size = f"num={len(found.sizes)}, width={width}, height={height}, seed {found.seed}"
    yield f"{size}: {found.boxes:,} boxes, average IoU {100 * found.average_iou:.2f} %"
    decimals = 2 if width <= SMALL_NETWORK else 0
    for (w, h), share in zip(found.sizes.tolist(), found.shares.tolist(), strict=True):
        yield f"{w:6.{decimals}f} x {h:<6.{decimals}f} {100 * share:5.1f} % of the boxes"
