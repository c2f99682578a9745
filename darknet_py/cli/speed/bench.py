"""`bench`: the engines that are installed, side by side on this machine."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from darknet_py.cli.options import add_cfg, add_device, add_json, count, document_of, positive
from darknet_py.cli.terminal import print_result
from darknet_py.errors import DarknetPyError

HEAD = (
    "engine          version      ms/image   least - greatest   ratio   off torch   "
    "start s   first s   peak MB"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    add_cfg(parser)
    parser.add_argument("--weights", type=Path, help="Darknet weights (default: random)")
    parser.add_argument("--batch", type=count, default=1, help="images at once (default: 1)")
    parser.add_argument("--rounds", type=count, default=7, help="turns of each engine (default: 7)")
    parser.add_argument(
        "--turn", type=positive, default=0.3, metavar="SECONDS", help="how long a turn is (default: 0.3)"
    )
    add_device(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print what was measured, the fastest engine first."""
    from darknet_py.analysis.speed.engines import BenchSettings, race_engines
    from darknet_py.analysis.speed.race import Rounds
    from darknet_py.graph.executable import must_run
    from darknet_py.lint.check import compile_checked
    from darknet_py.model.weights_file import read_arrays

    graph = must_run(compile_checked(document_of(args)))
    if args.weights:
        read_arrays(graph, args.weights)  # one message, not one of each engine
    rounds = Rounds(args.rounds, args.turn)
    settings = BenchSettings(args.batch, args.device, rounds, tuple(args.plugin))
    found = race_engines(graph, args.weights, settings)
    print_result(args, lambda: found, lambda: _lines(found))
    return 0 if found["engines"] else DarknetPyError.exit_code


def _lines(found: dict[str, Any]) -> Iterator[str]:
    size = "x".join(map(str, found["input"]))
    yield f"{found['cfg']}, input {size}, {found['bflops']:.3f} BFLOPs, {found['threads']} threads"
    yield HEAD
    for row in found["engines"]:
        spread = f"{row['ms_least']:.2f} - {row['ms_greatest']:.2f}"
        off = "-" if row["difference"] is None else f"{row['difference']:.1e}"
        yield (
            f"{row['engine']:<15} {row['version'][:11]:<11} {row['ms']:>9.2f}   {spread:>16}   "
            f"{row['ratio']:>5.2f}   {off:>9}   {row['start_s']:>7.2f}   {row['first_s']:>7.3f}   "
            f"{row['peak_mb']:>7.0f}"
        )
    for name, why in found["missing"].items():
        yield f"{name} did not take part: {why}"
