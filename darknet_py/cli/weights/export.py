"""`export`: a network as a file for other programs."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from darknet_py.cli.options import add_cfg, document_of

if TYPE_CHECKING:
    from darknet_py.deploy.api import Exported

FORMATS = ("onnx", "openvino", "torch", "darknet")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    add_cfg(parser)
    parser.add_argument("--weights", required=True, type=Path, help="Darknet weights")
    parser.add_argument("--to", choices=FORMATS, default="", help="the format (default: as FILE ends)")
    parser.add_argument(
        "-o",
        dest="target",
        required=True,
        type=Path,
        metavar="FILE",
        help=".onnx, .xml (OpenVINO), .pt2 (torch.export) or .cfg (Darknet, .weights next to it)",
    )
    size = parser.add_mutually_exclusive_group()
    size.add_argument(
        "--dynamic",
        action="store_true",
        help="refuse a network whose input size cannot be free (default: free where it can; batch always)",
    )
    size.add_argument("--fixed", action="store_true", help="one image of the cfg's size")
    parser.add_argument(
        "--with-nms",
        action="store_true",
        help="the file gives boxes, scores and labels: decoding and ONNX's NonMaxSuppression (plain IoU)",
    )
    parser.add_argument(
        "--threshold", type=float, help="with --with-nms: lowest score of a detection (default: 0.25)"
    )
    parser.add_argument("--nms", type=float, help="with --with-nms: IoU that suppresses (default: 0.45)")
    parser.add_argument("--names", type=Path, help="file of class names, one a line, for the metadata")
    parser.add_argument(
        "--images",
        nargs="+",
        default=(),
        metavar="SOURCE",
        help="images, folders or lists that the file is tried with, beside 32 drawn inputs (default: scenes)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Export, and print what was written and how close it is."""
    import json

    from darknet_py.cli.progress import show_progress
    from darknet_py.deploy.api import export
    from darknet_py.deploy.settings import ExportSettings
    from darknet_py.errors import UsageError

    limits = {key: getattr(args, key) for key in ("threshold", "nms") if getattr(args, key) is not None}
    if limits and not args.with_nms:
        raise UsageError(f"--{next(iter(limits))} is of files made --with-nms")
    settings = ExportSettings(
        size="dynamic" if args.dynamic else "fixed" if args.fixed else "auto",
        with_nms=args.with_nms,
        threshold=limits.get("threshold", ExportSettings.threshold),
        nms=limits.get("nms", ExportSettings.nms),
        names=args.names,
        images=args.images,
    )
    with show_progress("inputs", title="comparing", quiet=args.json) as progress:
        done = export(
            document_of(args), args.weights, args.target, to=args.to, settings=settings, progress=progress
        )
    print(json.dumps(asdict(done), indent=1, allow_nan=False) if args.json else "\n".join(_lines(done)))
    return 0


def _lines(done: Exported) -> Iterator[str]:
    for path, size in done.files.items():
        yield f"{path}: {size:,} bytes"
    batch = "any number of images" if done.any_batch else "one image"
    size_text = "of any size that fits the layers" if done.any_size else "of the cfg's size"
    yield f"takes {batch} {size_text}"
    tried = f"{done.inputs} drawn inputs and {done.images} images"
    yield f"run on {tried}: differs from the network by at most {done.difference:.1e} of the greatest value"
    yield from (f"note: {note}" for note in done.notes)
