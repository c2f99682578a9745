"""`eval`: the figures of weights on a data set."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from darknet_py.cli.options import add_data, add_detection, add_json, document_of
from darknet_py.cli.progress import show_progress
from darknet_py.cli.terminal import print_result
from darknet_py.cli.training import print_class_notes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    add_detection(parser, threshold=0.001, nms=0.6, batch=8)
    add_data(parser)
    parser.add_argument(
        "--names", type=Path, help="file of the network's class names (default: that next to the weights)"
    )
    parser.add_argument("--split", default="val", help="train, val, or X of instances_X.json (default: val)")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print COCO's figures of a detector, or how often a classifier is right."""
    from darknet_py.model.api import load
    from darknet_py.model.device import usable
    from darknet_py.predict.network_classes import names_file
    from darknet_py.tasks.api import evaluate_network, open_in_network_order
    from darknet_py.tasks.base import EvaluationSettings

    network, names = load(document_of(args), args.weights), names_file((args.weights, Path(args.cfg)))
    data = open_in_network_order(network, args.data, args.split, names=args.names or names)
    print_class_notes(args, data)
    settings = EvaluationSettings(
        usable(args.device), args.split, args.batch, threshold=args.threshold, nms=args.nms
    )
    with show_progress("images", quiet=args.json) as progress:
        found = evaluate_network(network, data, settings, progress=progress)
    print_result(args, found.to_json, lambda: _lines(args, found.to_json()))
    return 0


def _lines(args: argparse.Namespace, figures: dict[str, Any]) -> Iterator[str]:
    from darknet_py.scoring.classification import confusion_lines
    from darknet_py.scoring.coco import FIGURES

    yield f"{figures['images']} images of {args.data} ({args.split}), {figures['protocol']['metric']}"
    classifier = "top1" in figures
    for key in ("top1", "top5") if classifier else FIGURES:
        word = key.replace("top", "top-")
        yield f"{word:<10} {'n/a' if figures[key] is None else f'{100 * figures[key]:.2f}'}"
    if classifier:
        yield f"{'loss':<10} {figures['loss']:.4f}"
        yield from confusion_lines(figures["confusion"], list(figures["per_class"]))
