"""`convert`: weights in another format."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from darknet_py.cli.options import add_cfg, add_json, document_of
from darknet_py.cli.terminal import print_result

if TYPE_CHECKING:
    from darknet_py.model.conversion.convert import WeightsConversion

SCHEMES = ("pytorch-yolov3", "ultralytics", "pytorch-yolov4")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    parser.add_argument(
        "source",
        type=Path,
        metavar="IN",
        help="a .weights, .pt or .pth file (with --cfg), or .safetensors (with its own cfg)",
    )
    parser.add_argument("target", type=Path, metavar="OUT", help="a .weights, .safetensors, .pt or .pth file")
    add_cfg(parser, option=True, required=False)
    parser.add_argument(
        "--names",
        choices=SCHEMES,
        default=SCHEMES[0],
        help=f"whose names the arrays of a .pt file get (default: {SCHEMES[0]})",
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Convert, and print what was carried over."""
    from darknet_py.model.conversion.convert import convert

    document = document_of(args) if args.cfg else None
    converted = convert(args.source, args.target, cfg=document, scheme=args.names)
    print_result(args, lambda: asdict(converted), lambda: _lines(args, converted))
    return 0


def _lines(args: argparse.Namespace, converted: WeightsConversion) -> Iterator[str]:
    yield f"{args.target}: {converted.written}, from {args.source} ({converted.read})"
    yield f"{converted.floats:,} floats, {converted.seen:,} images seen, sha256 {converted.sha256}"
    yield from converted.notes
