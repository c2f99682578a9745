"""Compare public cfgs with Darknet's own tables: which compile, and whether shapes and BFLOPs agree.

    python bench/zoo.py FOLDER

FOLDER holds cfgs and `darknet-tables.json`. For each cfg it lists the layers as Darknet prints them (type,
channels, rows, columns, BFLOPs) and the total, or Darknet's last message where Darknet refused the cfg. Sizes
of 0 are layers for which Darknet stores no size. Prints the table of docs/public-cfgs.md.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from darknet_py.cfg.diagnostics import CfgError
from darknet_py.cfg.document import read
from darknet_py.graph.compile import compile
from darknet_py.graph.graph import Graph
from darknet_py.lint.check import warnings

HEAD = "| cfg | layers | parameters | BFLOPs | BFLOPs by Darknet | result |\n|---|---:|---:|---:|---:|---|"
ROUNDING = 1e-6  # Darknet prints a layer's BFLOPs with six digits
HALF_ULP = 2**-24  # and holds them as 32-bit floats before
TOTAL_ROUNDING = 0.0011  # and their sum with three


@dataclass(frozen=True)
class Row:
    """One cfg.

    Args:
        kind: equal, differs, refused here, or refused by Darknet.
        cells: the columns of the table after the name.
        lossless: whether the text was written back byte for byte.
    """

    kind: str
    cells: tuple[str, ...]
    lossless: bool


def differences(graph: Graph, table: dict[str, Any]) -> Iterator[str]:
    """Describe each value that differs from Darknet's table."""
    if len(graph) != len(table["layers"]):
        yield f"{len(graph)} layers, Darknet has {len(table['layers'])}"
    for node, (_, *shape, bflops) in zip(graph, table["layers"], strict=False):
        mine = [node.shape.channels, node.shape.height, node.shape.width]
        if any(shape) and mine != shape:
            yield f"{node.name}: {mine}, Darknet has {shape}"
        if abs(node.cost.bflops - bflops) > max(ROUNDING, bflops * HALF_ULP):
            yield f"{node.name}: {node.cost.bflops:.6f} BFLOPs, Darknet has {bflops:.6f}"
    if abs(graph.cost.bflops - table["total_bflops"]) > TOTAL_ROUNDING:
        yield f"{graph.cost.bflops:.3f} BFLOPs in all, Darknet has {table['total_bflops']:.3f}"


def row(path: Path, table: dict[str, Any]) -> Row:
    """Compare one cfg with Darknet's table."""
    document = read(path)
    lossless = str(document).encode("utf-8", "surrogateescape") == path.read_bytes()
    try:
        graph = compile(document)
    except CfgError as error:
        (first, *others) = [d for d in error.diagnostics if d.severity == "error"]
        words = f"line {first.span.line}: {first.message}" + (f"; {len(others)} more" if others else "")
        theirs = "" if "refused" in table else f"{table['total_bflops']:.3f}"
        return Row("refused here", ("", "", "", theirs, words), lossless)
    not_executable = sorted({d.message.split(" is ")[0] for d in warnings(graph) if d.code == "not-run"})
    notes = f"; not run: {', '.join(not_executable)}" if not_executable else ""
    mine = (str(len(graph)), f"{graph.cost.parameters:,}", f"{graph.cost.bflops:.3f}")
    if "refused" in table:
        reason = (
            "aborts: `from` of another size"
            if "Assertion" in table["refused"]
            else "crashes: no layer is a map"
        )
        return Row("refused by Darknet", (*mine, reason, f"compiles{notes}"), lossless)
    found = list(differences(graph, table))
    words = f"differs: {found[0]}" if found else "equal"
    theirs = f"{table['total_bflops']:.3f}"
    return Row("differs" if found else "equal", (*mine, theirs, words + notes), lossless)


def main(folder: Path) -> int:
    """Print the table; 1 when anything differs."""
    tables = json.loads((folder / "darknet-tables.json").read_text(encoding="utf-8"))
    rows = {path.stem: row(path, tables[path.name]) for path in sorted(folder.glob("*.cfg"))}
    print(HEAD)
    for name, one in rows.items():
        print(f"| {name} | {' | '.join(one.cells)} |")
    kinds = Counter(one.kind for one in rows.values())
    print(f"\n{len(rows)} cfgs: " + ", ".join(f"{count} {kind}" for kind, count in kinds.most_common()))
    print(f"written back byte for byte: {sum(one.lossless for one in rows.values())}")
    return int(kinds["differs"] > 0 or not all(one.lossless for one in rows.values()))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
