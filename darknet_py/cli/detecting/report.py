"""What `detect` reports: lines of text, JSON, COCO results, the summary, and the exit code."""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO

from darknet_py.cli.terminal import wants_json
from darknet_py.errors import DataError, UsageError
from darknet_py.files.atomic import publish_bytes
from darknet_py.files.json_text import json_text
from darknet_py.predict.detect_files import KEEP_GOING, NAMED, entry_of, entry_text, unread_text
from darknet_py.predict.outputs.coco_results import image_ids
from darknet_py.predict.outputs.screen import Screen
from darknet_py.predict.running import Detected, Timings
from darknet_py.predict.sources.files import MissingImage
from darknet_py.predict.sources.found import Sources
from darknet_py.predict.sources.frames import file_of

if TYPE_CHECKING:
    from darknet_py.cli.detecting.entries import Entries


class DetectionReport:
    """Takes one frame after the other; with videos, JSON is a line for each frame, as soon as it is there.

    Raises:
        UsageError: when what is asked for cannot be done with these sources, or there is no screen.
    """

    def __init__(self, args: argparse.Namespace, found: Sources) -> None:
        """Open what is written to."""
        self.args, self.found = args, found
        self.videos = bool(found.videos)
        self.results: list[dict[str, Any]] = []
        self.bad: list[str] = []  # the first of them
        self.unread = 0
        self._open = ExitStack()
        if args.coco:
            self._check_coco()
            self.ids = image_ids([file_of(each) for each in found])
        self.lines: TextIO | None = None
        if self.videos and wants_json(args):
            opened = args.output and self._open.enter_context(args.output.open("w", encoding="ascii"))
            self.lines = opened or sys.stdout
        self.entries: Entries | None = None
        if wants_json(args) and not self.videos:
            from darknet_py.cli.detecting.entries import Entries

            self.entries = self._open.enter_context(Entries())
        self.window = Screen() if args.show else None

    def __enter__(self) -> DetectionReport:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()
        if self.window:
            self.window.close()

    def take(self, detected: Detected) -> bool:
        """DetectionReport a frame; whether to go on."""
        entry = entry_of(detected)
        if "error" in entry:
            self.unread += 1
            self.bad += [entry["image"]] if len(self.bad) < NAMED else []
            print(entry["error"], file=sys.stderr, flush=True)
        if self.lines:
            print(json_text(entry), file=self.lines, flush=True)
        elif self.entries:
            self.entries.add(entry)
        elif "error" not in entry:
            print(entry_text(entry), flush=True)
        frame, found = detected
        if found is None or frame.pixels is None:
            return True
        if self.args.coco:
            self.results += found.to_coco(self.ids[frame.source])
        wait_ms = 0 if frame.number is None else 1
        return self.window is None or self.window.show(frame.pixels, found, wait_ms=wait_ms)

    def end(self) -> int:
        """Write what is complete now; the exit code.

        Raises:
            DataError: when some of several sources could not be read, and that is a failure.
        """
        if self.args.coco:
            publish_bytes(self.args.coco, json_text(self.results).encode() + b"\n")
        if self.entries:
            self.entries.publish(self.args.output)
        several = len(self.found) > 1  # of a single one its own message is enough
        if self.bad and several and not self.args.keep_going:
            raise DataError(unread_text(self.bad, len(self.found), count=self.unread), hint=KEEP_GOING)
        if self.bad and several:
            print(unread_text(self.bad, len(self.found), count=self.unread), file=sys.stderr)
        nothing = all(isinstance(each, MissingImage) for each in self.found)
        return DataError.exit_code if nothing or (self.bad and not self.args.keep_going) else 0

    def _check_coco(self) -> None:
        if self.videos:
            hint = "--json has a line for each frame"
            raise UsageError("--coco: COCO results are of images, and these are videos", hint=hint)
        if not self.args.coco.parent.is_dir():
            raise UsageError("there is no such folder to write to", where=self.args.coco.parent)


class RunClock:
    """How many images there were so far, how fast, and where the time went."""

    def __init__(self, timings: Timings) -> None:
        self.timings, self.began = timings, time.perf_counter()
        self.images = self.detections = 0

    def count(self, detected: Detected) -> None:
        """Count a frame."""
        if detected.detections is not None:
            self.images, self.detections = self.images + 1, self.detections + len(detected.detections)

    @property
    def speed(self) -> float:
        """Images a second."""
        return self.images / max(1e-9, time.perf_counter() - self.began)

    def summary(self) -> str:
        """The counts, the speed, and the seconds of each stage."""
        spent, took = self.timings, time.perf_counter() - self.began
        counts = f"{self.images:,} images, {self.detections:,} detections in {took:.1f} s"
        stages = f"decode {spent.decoding:.1f} s, network {spent.network:.1f} s, write {spent.writing:.1f} s"
        return f"{counts} ({self.speed:.3g} images/s); side by side: {stages}"
