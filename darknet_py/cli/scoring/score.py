"""`score`: figures of detections that any tool wrote, by the protocols of COCO, Darknet and Pascal VOC."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from darknet_py.cli.options import add_data, add_json, natural
from darknet_py.cli.scoring.slicing import add_error_options, error_figures, error_lines, properties_of
from darknet_py.cli.terminal import print_result
from darknet_py.errors import quoted

PROTOCOLS = ("coco", "darknet", "voc07", "voc12")
RECALLS = {f"ar{key}": f"AR{word}" for key, word in (("1", "1"), ("10", "10"), ("100", "100"))}
COUNTS = ("precision", "recall", "f1")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    parser.add_argument(
        "results",
        type=Path,
        metavar="RESULTS",
        help="a COCO results list (JSON), a run's folder, Darknet's -out file, or a folder of label files",
    )
    add_data(parser)
    parser.add_argument("--split", default="val", help="train, val, or X of instances_X.json (default: val)")
    _add_protocols(parser)
    parser.add_argument(
        "--explain",
        action="store_true",
        help="walk from each protocol's AP to the next one's, one rule at a time",
    )
    parser.add_argument(
        "--match-by",
        "--engine",
        dest="engine",
        choices=("darknet-py", "pycocotools"),
        default="darknet-py",
        help="what matches for COCO; the figures are the same to the last bit (default: darknet-py)",
    )
    add_error_options(parser)
    add_json(parser)


def _add_protocols(parser: argparse.ArgumentParser) -> None:
    """The protocols, and what may be chosen of them."""
    parser.add_argument(
        "--protocol",
        type=_protocols,
        default=["coco"],
        metavar="P",
        help=f"{', '.join(PROTOCOLS)}, several with commas, or all (default: coco)",
    )
    parser.add_argument(
        "--iou", type=_share, default=0.5, metavar="I", help="of Darknet's map and of VOC (default: 0.5)"
    )
    parser.add_argument(
        "--points",
        type=_points,
        default=0,
        metavar="P",
        help="of Darknet's map: recalls at which precision is read, 11 or 101; 0 is the area under the curve "
        "(default: 0)",
    )
    parser.add_argument(
        "--threshold",
        type=_share,
        default=0.25,
        metavar="SCORE",
        help="count true and false detections from this score on (default: 0.25)",
    )


def run(args: argparse.Namespace) -> int:
    """Print the figures, each with its protocol."""
    from darknet_py.data.formats.registry import open_data
    from darknet_py.scoring.left_out import scored_truth
    from darknet_py.scoring.results.places import places_of
    from darknet_py.scoring.results.read import DETECTIONS, read_results
    from darknet_py.scoring.score import Scorer, ScoreSettings

    data = open_data(args.data, split=args.split)
    properties = properties_of(args, data)
    truth, left_out = scored_truth(data)
    found = read_results(args.results, places_of(truth, source=f"{quoted(args.data)} ({quoted(args.split)})"))
    for note in found.notes:
        print(f"{found.path}: warning: {note}", file=sys.stderr)
    if left_out:
        note = "boxes without size or outside their image count as in pycocotools; eval leaves them out"
        print(f"{quoted(args.data)}: warning: {left_out:,} {note}", file=sys.stderr)
    settings = ScoreSettings(args.iou, args.points, args.threshold, args.engine)
    source = _source(found.path.parent) if found.path.name == DETECTIONS else {}
    scorer = Scorer(truth, found, settings, split=args.split, source=source)
    figures: dict[str, Any] = {name: scorer.figures(name) for name in args.protocol}
    if args.explain:
        figures["explain"] = scorer.walks(args.protocol)
    figures |= error_figures(args, properties, scorer.truth, found.table, data)
    scores = found.table.scores
    figures["results"] = {
        "format": found.format,
        "detections": len(scores),
        "images": len(set(found.table.images.tolist())),
        "least_score": float(scores.min()) if len(scores) else None,
    }
    print_result(args, lambda: figures, lambda: _lines(args, figures))
    return 0


def _source(folder: Path) -> dict[str, Any]:
    """How the run in a folder made its detections; nothing where there is no finished run."""
    from darknet_py.files.json_fields import read_json_object

    if not (folder / "result.json").is_file():
        return {}
    protocol = read_json_object(folder / "result.json").child("scores").child("protocol").values
    return {
        key: protocol[key] for key in ("score_threshold", "nms", "most", "size", "resize") if key in protocol
    }


def _lines(args: argparse.Namespace, figures: dict[str, Any]) -> Iterator[str]:
    from darknet_py.scoring.results.read import FORMATS

    results = figures["results"]
    kind, count = FORMATS[results["format"]], results["detections"]
    least = f", the lowest score {results['least_score']:g}" if count else ""
    yield f"{args.results} ({kind}): {count:,} detections in {results['images']:,} images{least}"
    yield f"truth: {args.data} ({args.split})"
    for name in args.protocol:
        yield ""
        yield from _block(name, figures[name])
    for walk in figures.get("explain", ()):
        yield ""
        yield from _walk(walk)
    yield from error_lines(figures)


def _block(name: str, figures: dict[str, Any]) -> Iterator[str]:
    """The figures of one protocol; those of different protocols never share a line."""
    from darknet_py.scoring.coco_figures import FIGURES, RECALL_FIGURES
    from darknet_py.tasks.metrics import in_percent

    about = figures["protocol"]
    rules, split = about["rules"], about["split"]
    yield f"{about['metric']}, split {split}: {_rules(rules)}"
    if "size" in about:
        height, width = about["size"]
        yield f"detected at {width} x {height}, score {about.get('score_threshold')}, NMS {about.get('nms')}"
    for key in (*FIGURES, *RECALL_FIGURES) if name == "coco" else ("map",):
        yield f"{key:<10} {in_percent(figures[key], digits=2)}"
    if name == "coco":
        at = figures["precision_at"]
        kinds = {"true": "true_positives", "false": "false_positives", "missed": "false_negatives"}
        counted = ", ".join(f"{figures[key]:,} {word}" for word, key in kinds.items())
        yield f"from score {at['score']:g}, IoU {at['iou']:g}: {counted}"
    elif name == "darknet":
        true, false, missed = (figures[key] for key in ("tp", "fp", "fn"))
        yield f"above score {figures['threshold']:g}: TP {true:,}, FP {false:,}, FN {missed:,}"
        yield f"{'average IoU':<10} {in_percent(figures['average_iou'], digits=2)}"
        if best := figures["best_f1"]:
            yield f"best F1 {in_percent(best['f1'], digits=2)} from score {best['threshold']:.4f}"
    if name in ("coco", "darknet"):
        for key in COUNTS:
            yield f"{key:<10} {in_percent(figures[key], digits=2)}"


def _rules(rules: dict[str, Any]) -> str:
    ious = rules["thresholds"]
    iou = f"{ious[0]:g}" if len(ious) == 1 else f"{ious[0]:g} to {ious[-1]:g}"
    points = f"{rules['points']} recalls" if rules["points"] else "area under the curve"
    parts = [f"IoU {'above' if rules['exceeding'] else 'from'} {iou}", points]
    if rules["least_score"]:
        parts.append(f"scores from {rules['least_score']:g}")
    if rules["most"]:
        parts.append(f"at most {rules['most']} of a class in an image")
    parts.append("classes without truth count 0" if rules["empty_classes"] else "classes with truth")
    return ", ".join(parts)


def _walk(walk: dict[str, Any]) -> Iterator[str]:
    """A step a line, with its share of the gap."""
    from darknet_py.scoring.explain import RULES

    first, last, gap = walk["from"], walk["to"], walk["gap"]
    start, end = 100 * walk["ap_from"], 100 * walk["ap_to"]
    yield f"from {first} {start:.2f} to {last} {end:.2f}, gap {100 * gap:+.2f}"
    for step in walk["steps"]:
        share = f"{100 * step['change'] / gap:6.0f} %" if gap else "     - %"
        before, after = (_value(step[key]) for key in ("from", "to"))
        yield f"{100 * step['change']:+8.2f} {share}  {RULES[step['rule']]}: {before} -> {after}"


def _value(value: Any) -> str:
    if isinstance(value, list):
        return f"{value[0]:g}" if len(value) == 1 else f"{value[0]:g} to {value[-1]:g}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "all" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _protocols(text: str) -> list[str]:
    names = [*PROTOCOLS] if text == "all" else text.split(",")
    unknown = next((name for name in names if name not in PROTOCOLS), None)
    if unknown is not None:
        raise argparse.ArgumentTypeError(f"{unknown!r} is none of {', '.join(PROTOCOLS)}, all")
    return list(dict.fromkeys(names))


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to below 1")
    return value


def _points(text: str) -> int:
    if natural(text) == 1:
        raise argparse.ArgumentTypeError(
            "precision is read at 0 recalls (the area under the curve) or 2 and more"
        )
    return natural(text)
