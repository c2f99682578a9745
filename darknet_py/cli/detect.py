"""`detect`: find objects in images, videos, cameras and streams."""

from __future__ import annotations

import argparse
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from darknet_py.cli.options import (
    add_detection,
    add_engine,
    add_json,
    add_model,
    natural,
    positive,
)
from darknet_py.cli.progress import show_progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from darknet_py.cli.detecting.network import GivenNetwork
    from darknet_py.predict.running import Output, Running
    from darknet_py.predict.sources.found import Found, Sources

SOURCES = (
    "images, folders, patterns, lists (.txt), videos, numbers of cameras, rtsp: or http: addresses; - is "
    "standard input, a list or one image"
)
FOLDER = "FOLDER"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    add_detection(parser, threshold=0.25, nms=0.45, batch=1, network=False)
    add_model(parser)
    add_engine(parser)
    parser.add_argument("source", nargs="+", help=SOURCES)
    parser.add_argument("--recursive", action="store_true", help="enter the folders in a folder")
    parser.add_argument(
        "--classes", metavar="NAMES", help="report these alone: names or numbers, with commas"
    )
    parser.add_argument(
        "--nms-kind", choices=("default", "greedynms", "diounms", "cornersnms"), help="(default: the cfg's)"
    )
    fit = parser.add_mutually_exclusive_group()
    fit.add_argument(
        "--letterbox", dest="letterbox", action="store_true", default=None, help="keep the images' shape"
    )
    fit.add_argument(
        "--stretch", dest="letterbox", action="store_false", help="fill the input (default: as the cfg says)"
    )
    parser.add_argument("--names", type=Path, help="file of class names, one a line")
    _add_outputs(parser)
    parser.add_argument(
        "--keep-going", action="store_true", help="an unreadable or missing image is no failure"
    )
    parser.add_argument(
        "--isolate", action="store_true", help="decode in other processes; a crash there is a bad image"
    )
    parser.add_argument(
        "--timeout", type=positive, default=5.0, help="seconds that a stream may be silent (default: 5)"
    )
    parser.add_argument(
        "--reconnects", type=natural, default=5, help="in a row, to a stream that was lost (default: 5)"
    )
    add_json(parser)


def _add_outputs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, metavar=FOLDER, help="draw on the images and videos")
    parser.add_argument("--txt", type=Path, metavar=FOLDER, help="write YOLO label files, with scores")
    parser.add_argument("--crops", type=Path, metavar=FOLDER, help="cut the detections out, by class")
    parser.add_argument("--coco", type=Path, metavar="FILE", help="write a COCO results list, of images")
    parser.add_argument("--show", action="store_true", help="show them on the screen; q ends")


def run(args: argparse.Namespace) -> int:
    """DetectionReport what is found in each image and each frame, and write what is asked for."""
    from darknet_py.cli.detecting.network import given_network
    from darknet_py.cli.detecting.report import DetectionReport, RunClock

    found = _sources(args)
    network = given_network(args, _callers(found, args.batch))
    with DetectionReport(args, found) as report:
        running = _running(args, network, found)
        clock = RunClock(running.timings)
        total = 0 if report.videos else len(found)
        quiet = sys.stdout.isatty() and not args.output  # its lines are the progress
        try:
            with show_progress("images", quiet=quiet) as bar, closing(running.detect(found)) as all_detected:
                for detected in all_detected:
                    clock.count(detected)
                    bar(clock.images, total, {"images_per_second": clock.speed})
                    if not report.take(detected):
                        break
        finally:
            if clock.images > 1:
                print(clock.summary(), file=sys.stderr)
        return report.end()


def _sources(args: argparse.Namespace) -> Sources:
    from darknet_py.data.images.listing import passed_over
    from darknet_py.predict.sources.found import Sources, find_sources

    found = find_sources(args.source, recursive=args.recursive, given=sys.stdin.buffer)
    folders = [Path(word) for word in args.source if Path(word).is_dir()]
    for line in filter(None, (passed_over(folder, inside=args.recursive) for folder in folders)):
        print(line, file=sys.stderr)
    named = args.out or args.txt or args.crops or args.coco  # after all of them, so that no two are one
    return Sources(list(found)) if named else found


def _callers(found: Sequence[Found] | Sources, batch: int) -> int:
    """How many threads run the network: one for a stream, whose frames are shown as soon as possible."""
    from darknet_py.engines.threads import MOST_CALLERS, callers_for
    from darknet_py.predict.sources.found import videos_of

    videos = videos_of(found)
    if any(each.live for each in videos):
        return 1
    return callers_for(MOST_CALLERS if videos else -(-len(found) // max(1, batch)))


def _running(args: argparse.Namespace, network: GivenNetwork, found: Sources) -> Running:
    """The detector, ready to run; wrong options are refused before the weights are read."""
    from darknet_py.predict.batch_detector import BatchDetector, DetectorSettings
    from darknet_py.predict.class_filter import wanted_labels
    from darknet_py.predict.running import Running
    from darknet_py.predict.sources.capture import Limits
    from darknet_py.predict.sources.decoding import Decoder, InThisProcess

    decoder: Decoder = InThisProcess()
    if args.isolate:
        from darknet_py.predict.sources.isolated import Isolated

        decoder = Isolated()
    settings = DetectorSettings(
        threshold=args.threshold,
        nms=args.nms,
        batch=args.batch,
        nms_kind=args.nms_kind,
        letterbox=args.letterbox,
    )
    outputs = _outputs(args, found)
    detector = BatchDetector(network.open(), settings)
    detector.names = network.names()
    return Running(
        detector,
        outputs,
        note=lambda text: print(text, file=sys.stderr, flush=True),
        limits=Limits(open_s=args.timeout, read_s=args.timeout, reconnects=args.reconnects),
        labels=None if args.classes is None else wanted_labels(args.classes, detector.names),
        decoder=decoder,
    )


def _outputs(args: argparse.Namespace, found: Sources) -> list[Output]:
    from darknet_py.predict.outputs.crops import Crops
    from darknet_py.predict.outputs.labels import Labels
    from darknet_py.predict.outputs.names import label_outputs, output_paths
    from darknet_py.predict.outputs.pictures import Drawn
    from darknet_py.predict.sources.found import Video
    from darknet_py.predict.sources.frames import file_of

    if not (args.out or args.txt or args.crops):
        return []
    files = [file_of(each) for each in found]
    videos = {at for at, each in enumerate(found) if isinstance(each, Video)}
    outputs: list[Output] = []
    if args.out:
        outputs.append(Drawn(dict(enumerate(output_paths(files, args.out, videos=videos)))))
    if args.txt:
        outputs.append(Labels(dict(enumerate(label_outputs(files, args.txt)))))
    if args.crops:
        outputs.append(Crops(dict(enumerate(label_outputs(files, args.crops)))))
    return outputs
