"""`detect`: find objects in images."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from darknet_py.cli.options import add_detection, add_engine, add_json, document_of, print_engine
from darknet_py.cli.terminal import print_json, wants_json
from darknet_py.errors import DataError

if TYPE_CHECKING:
    from darknet_py.predict.batch_detector import BatchDetector
    from darknet_py.predict.sources import MissingImage


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    add_detection(parser, threshold=0.25, nms=0.45, batch=1)
    add_engine(parser)
    parser.add_argument("source", nargs="+", type=Path, help="images, folders, or lists of images (.txt)")
    parser.add_argument("--out", type=Path, help="folder for the drawn pictures")
    parser.add_argument("--names", type=Path, help="file of class names, one a line")
    parser.add_argument(
        "--keep-going", action="store_true", help="an unreadable or missing image is no failure"
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print what is found in each image, and draw it where that is asked for."""
    from darknet_py.data.images.listing import passed_over
    from darknet_py.engines.opening import open_engine
    from darknet_py.lint.check import compile_checked
    from darknet_py.predict.batch_detector import BatchDetector, DetectorSettings
    from darknet_py.predict.names import class_names
    from darknet_py.predict.network_classes import order_warning
    from darknet_py.predict.sources import find_images, image_paths

    graph = compile_checked(document_of(args))
    settings = DetectorSettings(threshold=args.threshold, nms=args.nms, batch=args.batch)
    report = print_engine(args)
    engine = open_engine(graph, args.weights, engine=args.engine, device=args.device, report=report)
    detector = BatchDetector(engine, settings)
    images = list(find_images(args.source)) if args.keep_going else image_paths(args.source)
    for line in filter(None, (passed_over(source) for source in args.source if source.is_dir())):
        print(line, file=sys.stderr)
    classes, neighbours = graph.head_layers[-1].classes, (args.weights, Path(args.cfg))
    detector.names = class_names(classes, file=args.names, neighbours=neighbours)
    if warning := order_warning(args.names, neighbours):
        print(warning, file=sys.stderr)
    return _detect(args, detector, images)


def _detect(args: argparse.Namespace, detector: BatchDetector, images: Sequence[Path | MissingImage]) -> int:
    """Detect in each image; the exit code says whether some could not be read."""
    from darknet_py.predict.detect_files import detect_files, entry_text, unread_text

    entries: list[dict[str, Any]] = []
    failure: DataError | None = None
    try:
        for entry in detect_files(detector, images, out=args.out, keep_going=args.keep_going):
            entries.append(entry)
            if "error" in entry:
                print(entry["error"], file=sys.stderr)
            elif not args.json:
                print(entry_text(entry), flush=True)
    except DataError as error:
        failure = error
    if wants_json(args):
        print_json(args, entries)
    if failure and len(images) > 1:  # of a single image its own message is enough
        raise failure
    bad = [entry["image"] for entry in entries if "error" in entry]
    if bad and not failure and len(images) > 1:
        print(unread_text(bad, len(images)), file=sys.stderr)
    nothing = not any(isinstance(image, Path) for image in images)  # --keep-going, and all are missing
    return DataError.exit_code if failure or nothing else 0
