"""The options of `data` and its subverbs; what they do is in `data`, which needs more to be imported."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

Number = Callable[[str], int]
Parser = argparse.ArgumentParser
Verbs = argparse._SubParsersAction  # argparse has no public name for what add_subparsers returns


def declare(
    verbs: Verbs[Parser],
    *,
    count: Number,
    natural: Number,
    output: Callable[[Parser], None],
) -> None:
    """Add `data` to the verbs.

    Args:
        count: reads a whole number of 1 or more.
        natural: reads a whole number of 0 or more.
        output: adds `-o FILE`.
    """
    top = verbs.add_parser("data", help="data sets: their damage, anchors, layouts, official downloads")
    subverbs = top.add_subparsers(dest="subverb", required=True, metavar="SUBVERB")
    made = (
        _check(subverbs, natural),
        _anchors(subverbs, count, natural),
        _convert(subverbs),
        _fetch(subverbs),
    )
    for subverb in made:
        subverb.add_argument("--json", action="store_true", help="print JSON")
        output(subverb)


def _check(subverbs: Verbs[Parser], natural: Number) -> Parser:
    check = subverbs.add_parser("check", help="every damage of a data set, each at its place")
    check.add_argument("data", help="what --data takes: a folder, or a .data file")
    check.add_argument(
        "--limit", type=natural, default=0, metavar="N", help="show N of each kind (default: all)"
    )
    check.add_argument("--strict", action="store_true", help="warnings are errors")
    return check


def _anchors(subverbs: Verbs[Parser], count: Number, natural: Number) -> Parser:
    anchors = subverbs.add_parser(
        "anchors", help="anchors for the boxes of a data set, as Darknet finds them"
    )
    anchors.add_argument("data", help="what --data takes")
    anchors.add_argument("--num", type=count, default=6, help="how many (default: 6)")
    anchors.add_argument("--width", type=count, default=416, help="of the network's input (default: 416)")
    anchors.add_argument("--height", type=count, default=416, help="of the network's input (default: 416)")
    anchors.add_argument("--seed", type=natural, default=0, help="of the first centres (default: 0)")
    anchors.add_argument("--tries", type=count, default=1, help="seeds to try; the best is kept (default: 1)")
    anchors.add_argument("--split", default="train", help="train or val (default: train)")
    return anchors


def _convert(subverbs: Verbs[Parser]) -> Parser:
    convert = subverbs.add_parser("convert", help="a data set in another layout")
    convert.add_argument("source", help="what --data takes, or a folder of VOC's")
    convert.add_argument("--to", required=True, choices=("darknet", "coco"), help="the layout to write")
    convert.add_argument(
        "--out", required=True, type=Path, help="a folder that is not there yet, or is empty"
    )
    convert.add_argument("--copy", action="store_true", help="copy the images (default: link to them)")
    return convert


def _fetch(subverbs: Verbs[Parser]) -> Parser:
    fetch = subverbs.add_parser("fetch", help="official downloads: data sets and weights")
    fetch.add_argument("name", nargs="?", help="which; without, the table of what there is")
    fetch.add_argument("--to", type=Path, default=Path(), help="folder to put it in (default: this one)")
    fetch.add_argument("--keep", action="store_true", help="keep the archive after unpacking")
    return fetch
