"""Verbs that look at images with trained weights."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from darknet_py.analysis.pool_view import maps_of, panels, picture, window_pools
from darknet_py.cli.terminal import bar, emit
from darknet_py.cli.text import document_of
from darknet_py.data.dataset import Dataset
from darknet_py.data.formats.registry import open_data
from darknet_py.data.images.read import read_image
from darknet_py.errors import DataError
from darknet_py.files.atomic import publish_bytes
from darknet_py.lint.check import compile_checked
from darknet_py.model.device import usable
from darknet_py.model.network import Network
from darknet_py.model.weights import load_weights
from darknet_py.predict.batch_detector import BatchDetector, DetectorSettings
from darknet_py.predict.detect_files import detect_files, entry_text
from darknet_py.predict.names import class_names
from darknet_py.predict.sources import image_paths
from darknet_py.scoring.classification import confusion_lines
from darknet_py.scoring.coco import FIGURES
from darknet_py.tasks.base import EvaluationSettings
from darknet_py.tasks.classification_evaluation import evaluate_classifier
from darknet_py.tasks.detection_evaluation import evaluate_detector


def detect(args: argparse.Namespace) -> int:
    """Boxes in images."""
    network = network_of(args)
    device = usable(args.device)
    settings = DetectorSettings(threshold=args.threshold, nms=args.nms, device=device, batch=args.batch)
    head = network.graph[network.graph.outputs[-1]].layer
    paths = image_paths(args.source)
    names = class_names(
        getattr(head, "classes", 0), file=args.names, neighbours=(args.weights, Path(args.cfg))
    )
    detector = BatchDetector(network, settings, names=names)
    entries: list[dict[str, Any]] = []
    failure: DataError | None = None
    try:
        for entry in detect_files(detector, paths, out=args.out, keep_going=args.keep_going):
            entries.append(entry)
            if "error" in entry:
                print(entry["error"], file=sys.stderr)
            elif not args.json:
                print(entry_text(entry), flush=True)
    except DataError as error:
        failure = error
    if args.json or args.output:
        emit(args, entries)
    if failure and len(paths) > 1:  # of a single image its own message is enough
        raise failure
    return failure.exit_code if failure else 0


def evaluate(args: argparse.Namespace) -> int:
    """COCO figures of weights on a data set."""
    network, data = network_of(args), open_data(args.data, split=args.split)
    if network.graph.classifier is not None:
        return _classify(args, network, data)
    with bar(len(data), "images", quiet=args.json) as advance:
        settings = EvaluationSettings(usable(args.device), args.split, args.batch, args.threshold, args.nms)
        scores = evaluate_detector(
            network, data, settings, progress=lambda done, total, facts=None: advance(done, {})
        )
    figures = scores.to_json()
    if args.json or args.output:
        emit(args, figures)
        return 0
    print(f"{scores.images} images of {args.data} ({args.split}), {figures['protocol']['metric']}")
    for key in FIGURES:
        print(f"{key:<10} {'n/a' if figures[key] is None else f'{100 * figures[key]:.2f}'}")
    return 0


def _classify(args: argparse.Namespace, network: Network, data: Dataset) -> int:
    """How often a classifier is right."""
    with bar(len(data), "images", quiet=args.json) as advance:
        settings = EvaluationSettings(usable(args.device), args.split, args.batch)
        accuracy = evaluate_classifier(
            network, data, settings, progress=lambda done, total, facts=None: advance(done, {})
        )
    if args.json or args.output:
        emit(args, accuracy.to_json())
        return 0
    print(f"{accuracy.images} images of {args.data} ({args.split}), {accuracy.protocol['metric']}")
    for word, share in (("top-1", accuracy.top1), ("top-5", accuracy.top5)):
        print(f"{word:<10} {'n/a' if share is None else f'{100 * share:.2f}'}")
    print(f"{'loss':<10} {accuracy.loss:.4f}")
    print("\n".join(confusion_lines(accuracy.confusion, data.names)))
    return 0


def pool_view(args: argparse.Namespace) -> int:
    """Pools side by side on one picture."""
    maps = maps_of(read_image(args.image))
    columns = list(panels(list(maps.values()), args.name, size=args.size, stride=args.stride))
    publish_bytes(args.out, picture(columns, list(maps)))
    pools = len(args.name or window_pools())
    print(f"{args.out}: {pools} pools of size {args.size} and stride {args.stride} on {args.image}")
    return 0


def network_of(args: argparse.Namespace) -> Network:
    """The network named on the command line, its weights loaded."""
    network = Network(compile_checked(document_of(args)))
    load_weights(network, args.weights)
    return network
