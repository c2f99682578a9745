"""`eval`: the figures of weights on a data set."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from darknet_py.cli.options import (
    add_data,
    add_detection,
    add_engine,
    add_json,
    add_model,
    add_skip_bad,
    check_place,
)
from darknet_py.cli.progress import show_progress
from darknet_py.cli.terminal import print_opening, print_result
from darknet_py.cli.training import print_class_notes, readable_data
from darknet_py.errors import UsageError, quoted
from darknet_py.files.atomic import publish_bytes

if TYPE_CHECKING:
    from darknet_py.graph.graph import Graph
    from darknet_py.tasks.base import EvaluationSettings

MATCHERS = ("darknet-py", "pycocotools")
THRESHOLDS = {"valid": (0.001, 0.6), "map": (0.005, 0.45)}  # of the score and of NMS, as in Darknet
SHARES = {"precision": "precision", "recall": "recall", "f1": "F1"}
OF_CLASS = {"ap": "AP", "ap50": "AP50", **SHARES}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    add_detection(parser, threshold=0.001, nms=0.6, batch=8, network=False)
    add_model(parser)
    parser.add_argument(
        "--detect-as",
        choices=tuple(THRESHOLDS),
        default="valid",
        help="as Darknet's `detector valid`, with NMS in pixels and boxes clipped to the image; or as its "
        "`detector map`: threshold 0.005, NMS 0.45 in fractions, boxes as they are (default: valid)",
    )
    parser.set_defaults(threshold=None, nms=None)
    add_data(parser)
    parser.add_argument(
        "--names", type=Path, help="file of the network's class names (default: that next to the weights)"
    )
    add_skip_bad(parser)
    parser.add_argument("--split", help="train, val, test, or X of instances_X.json (default: val, or all)")
    parser.add_argument(
        "--precision-at",
        type=float,
        metavar="SCORE",
        help="count detections of this score or more for precision, recall and F1 (default: 0.25, as "
        "Darknet's map, or --threshold where it is higher)",
    )
    parser.add_argument(
        "--detections", type=Path, metavar="FILE", help="write the detections as a COCO results list"
    )
    parser.add_argument(
        "--match-by",
        choices=MATCHERS,
        default=MATCHERS[0],
        help="what matches boxes; the figures are the same to the last bit (default: darknet-py)",
    )
    add_engine(parser, others=MATCHERS)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print COCO's figures of a detector, or how often a classifier is right."""
    from darknet_py.cli.detecting.network import given_network
    from darknet_py.data.formats.registry import split_to_evaluate
    from darknet_py.engines.threads import MOST_CALLERS, callers_for
    from darknet_py.tasks.api import evaluate_network, open_in_network_order

    _rename_matcher(args)
    network = given_network(args, callers_for(MOST_CALLERS))
    args.split = args.split or split_to_evaluate(args.data)
    settings = _settings(args)
    engine = network.open()
    if args.detections:
        _check_output(args.detections, network.graph)
    data = open_in_network_order(network.graph, args.data, args.split, names=network.class_list())
    (data,) = readable_data(args, data)
    print_opening(args, {args.split: data})
    print_class_notes(args, data)
    with show_progress("images", quiet=args.json) as progress:
        found = evaluate_network(engine, data, settings, progress=progress)
    if args.detections:
        publish_bytes(args.detections, json.dumps(getattr(found, found.separate)).encode() + b"\n")
    print_result(
        args,
        lambda: {**found.to_json(), "data": data.summary.to_json()},
        lambda: _lines(args, found.to_json()),
    )
    return 0


def _settings(args: argparse.Namespace) -> EvaluationSettings:
    from darknet_py.tasks.base import EvaluationSettings

    return EvaluationSettings(
        split=args.split,
        batch=args.batch,
        threshold=THRESHOLDS[args.detect_as][0] if args.threshold is None else args.threshold,
        nms=THRESHOLDS[args.detect_as][1] if args.nms is None else args.nms,
        detect_as=args.detect_as,
        precision_at=args.precision_at,
        engine=args.match_by,
    )


def _rename_matcher(args: argparse.Namespace) -> None:
    """`--engine` named what matches boxes when only torch ran networks; its values still do."""
    if args.engine in MATCHERS:
        note = f"note: `--engine {args.engine}` is now `--match-by {args.engine}`; --engine names what runs"
        print(f"{note} the network", file=sys.stderr)
        args.match_by, args.engine = args.engine, "auto"


def _check_output(path: Path, graph: Graph) -> None:
    """Refuse a place that cannot be written to before the images are evaluated."""
    if graph.classifier is not None:
        raise UsageError("--detections: the network is a classifier, and detects nothing")
    check_place("--detections", path)


def _lines(args: argparse.Namespace, figures: dict[str, Any]) -> Iterator[str]:
    from darknet_py.scoring.classification import confusion_lines
    from darknet_py.scoring.coco import FIGURES
    from darknet_py.tasks.metrics import in_percent

    yield f"{figures['images']} images of {args.data} ({args.split}), {figures['protocol']['metric']}"
    classifier = "top1" in figures
    for key in ("top1", "top5") if classifier else FIGURES:
        yield f"{key.replace('top', 'top-'):<10} {in_percent(figures[key], digits=2)}"
    if classifier:
        yield f"{'loss':<10} {figures['loss']:.4f}"
        yield from confusion_lines(figures["confusion"], list(figures["per_class"]))
    else:
        yield from detection_lines(figures)


def detection_lines(figures: dict[str, Any]) -> Iterator[str]:
    """Precision, recall and F1, and a table of the classes; `figures` as `--json` prints them."""
    from darknet_py.tasks.metrics import in_percent

    at = figures["precision_at"]
    yield ""
    yield f"detections of score {at['score']:g} or more, IoU {at['iou']:g}: " + ", ".join(
        f"{figures[key]:,} {word}"
        for key, word in (
            ("true_positives", "true"),
            ("false_positives", "false"),
            ("false_negatives", "boxes missed"),
        )
    )
    for key, word in SHARES.items():
        yield f"{word:<10} {in_percent(figures[key], digits=2)}"
    names = [quoted(one["name"]) for one in figures["classes"]]
    wide = max(map(len, ["class", *names]))
    yield ""
    yield f"{'class':<{wide}} {'images':>7} {'boxes':>7}" + "".join(
        f" {word:>9}" for word in OF_CLASS.values()
    )
    for name, one in zip(names, figures["classes"], strict=True):
        shares = (f" {in_percent(one[key]):>9}" for key in OF_CLASS)
        yield f"{name:<{wide}} {one['images']:>7,} {one['boxes']:>7,}{''.join(shares)}"
