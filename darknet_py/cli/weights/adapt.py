"""`adapt`: weights of one cfg for another."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from darknet_py.cli.options import CFG_HELP, natural
from darknet_py.errors import UsageError
from darknet_py.model.adapt.choices import STARTS

if TYPE_CHECKING:
    from darknet_py.graph.graph import Graph
    from darknet_py.model.adapt.api import Adaptation


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    parser.add_argument("weights", type=Path, metavar="WEIGHTS", help="Darknet weights of A")
    parser.add_argument(
        "--from", dest="a", required=True, metavar="A", help=f"{CFG_HELP}; also with edits, CFG@82.size=19"
    )
    parser.add_argument("--to", dest="b", required=True, metavar="B", help="the cfg that they are wanted for")
    parser.add_argument(
        "-o", dest="target", type=Path, metavar="NEW", help="weights of B (default: only report)"
    )
    parser.add_argument(
        "--adapt",
        choices=STARTS,
        default=STARTS[0],
        help="what new inputs of a layer start from: zero keeps its outputs; copy takes those of the most "
        "similar pool; none draws them, and new layers, at random (default: zero)",
    )
    parser.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="A=B",
        help="layer A of A is layer B of B, where that would be a guess; may be repeated",
    )
    parser.add_argument(
        "--from-names", type=Path, metavar="FILE", help="class names of A (default: next to WEIGHTS or A)"
    )
    parser.add_argument("--to-names", type=Path, metavar="FILE", help="class names of B (default: next to B)")
    parser.add_argument("--seed", type=natural, default=0, help="of what starts at random (default: 0)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Write the weights, and print what became of every tensor; 0 also where outputs are not preserved."""
    from darknet_py.edit.variant import compile_variant
    from darknet_py.model.adapt.api import adapt
    from darknet_py.model.weights import save_weights
    from darknet_py.model.weights_fit.header import first_bytes, read_header

    if args.target is not None:
        if not args.target.parent.is_dir():
            raise UsageError("there is no such folder to write to", where=args.target.parent)
        if args.target.exists() and args.weights.exists() and args.target.samefile(args.weights):
            raise UsageError("is the file that is read", where=args.target, hint="name another file with -o")
    a, b = compile_variant(args.a), compile_variant(args.b)
    network, ledger = adapt(args.weights, a, b, _options(args, a))
    if args.target is not None:
        seen = read_header(first_bytes(args.weights), args.weights).seen
        save_weights(network, args.target, seen=seen)
    print(json.dumps(ledger.json(), indent=1, allow_nan=False) if args.json else "\n".join(ledger.lines()))
    return 0


def _options(args: argparse.Namespace, a: Graph) -> Adaptation:
    from darknet_py.model.adapt.api import Adaptation
    from darknet_py.predict.carried_classes import carried_classes
    from darknet_py.predict.network_classes import names_file, read_network_names

    old = args.from_names or names_file((args.weights, Path(args.a)))
    new = args.to_names or names_file((Path(args.b),))
    names = None if new is None else read_network_names(new)
    return Adaptation(start=args.adapt, pins=args.map, classes=carried_classes(a, old, names), seed=args.seed)
