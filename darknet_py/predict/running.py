"""Sources through a detector to outputs: reading, the network and writing side by side."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from threading import Event, Lock
from typing import NamedTuple, Protocol

import numpy as np

from darknet_py.engines.base import callers_of
from darknet_py.errors import DarknetPyError
from darknet_py.predict.batch_detector import BatchDetector
from darknet_py.predict.class_filter import of_classes
from darknet_py.predict.detections import Detections
from darknet_py.predict.letterbox import Fit
from darknet_py.predict.sources.capture import STREAM_LIMITS, Limits
from darknet_py.predict.sources.decoding import Decoder, InThisProcess
from darknet_py.predict.sources.files import MissingImage
from darknet_py.predict.sources.found import Found, Sources, Video, videos_of
from darknet_py.predict.sources.frames import Frame, VideoReader, still
from darknet_py.predict.sources.standard_input import GivenImage
from darknet_py.predict.sources.waiting import Halted

READERS = WRITERS = 2  # threads
AHEAD = 4  # results of a stage that wait for the next


_Job = tuple[int, Path | MissingImage | GivenImage]  # the number of a source, and an image


class Detected(NamedTuple):
    """A frame and what was found in it; None of a frame that could not be read."""

    frame: Frame
    detections: Detections | None


class Output(Protocol):
    """Something that is written for every frame; called in threads, for a video one frame after the other."""

    def write(self, frame: Frame, detections: Detections) -> None:
        """Write a frame's."""

    def close(self) -> None:
        """Complete what is open; also called after an error."""


class _Ready(NamedTuple):
    """A frame, fitted to the network's input."""

    frame: Frame
    fit: Fit | None = None
    inputs: np.ndarray | None = None


@dataclass
class Timings:
    """Seconds that the stages worked; side by side, so their sum is more than the time that passed."""

    decoding: float = 0.0
    network: float = 0.0
    writing: float = 0.0
    _lock: Lock = field(default_factory=Lock, repr=False)

    def add(self, stage: str, began: float) -> None:
        """Count the time since `began`, of `time.perf_counter`."""
        took = time.perf_counter() - began
        with self._lock:
            setattr(self, stage, getattr(self, stage) + took)


@dataclass
class Running:
    """Detects in sources.

    Args:
        outputs: are closed in the end.
        note: is called with what a person should know about a stream or video.
        limits: of cameras and streams.
        labels: classes that are kept; None keeps all.
        decoder: of images and videos; is closed in the end.

    Attributes:
        stop: ends the run when it is set.
        timings: so far.
    """

    detector: BatchDetector
    outputs: Sequence[Output] = ()
    note: Callable[[str], None] = lambda text: None
    limits: Limits = STREAM_LIMITS
    labels: frozenset[int] | None = None
    decoder: Decoder = field(default_factory=InThisProcess)
    stop: Event = field(default_factory=Event)
    timings: Timings = field(default_factory=Timings)

    def detect(self, found: Sequence[Found] | Sources) -> Generator[Detected, None, None]:
        """Every frame of every source, in order, after its outputs are written.

        Raises:
            StreamLost: when a camera or stream is lost for good, after all frames before.
            UsageError: when an output cannot be written.
        """
        alone = len(found) == 1 and not videos_of(found)
        with ExitStack() as stack:
            stack.callback(self.decoder.close)
            for output in self.outputs:
                stack.callback(output.close)
            results = self._alone(found) if alone else self._overlapped(found, stack)
            with suppress(Halted):
                yield from results

    def _alone(self, found: Sequence[Found] | Sources) -> Iterator[Detected]:
        """Of one image, which nothing can overlap with."""
        batches = ([self._ready(job)] for job in self._jobs(found))
        return map(self._write, chain.from_iterable(map(self._detected, batches)))

    def _overlapped(self, found: Sequence[Found] | Sources, stack: ExitStack) -> Iterator[Detected]:
        """The stages in threads; `stack` ends them."""
        from darknet_py.predict.overlap import overlapped, side_by_side

        ahead = max(AHEAD, self.detector.settings.batch)
        ready = overlapped(self._ready, self._jobs(found), workers=READERS, ahead=ahead, stop=self.stop)
        stack.callback(ready.close)
        batches = _batches(ready, self.detector.settings.batch)
        callers = callers_of(self.detector.engine)
        networked = side_by_side(self._detected, batches, callers=callers, stop=self.stop)
        stack.callback(networked.close)
        detected = chain.from_iterable(networked)
        writers = 1 if videos_of(found) else WRITERS  # frames of a video are written in order
        results = overlapped(self._write, detected, workers=writers, ahead=AHEAD, stop=self.stop, final=True)
        stack.callback(results.close)  # before the outputs: nobody writes when they are closed
        return results

    def _jobs(
        self, found: Sequence[Found] | Sources
    ) -> Iterator[tuple[int, Path | MissingImage | GivenImage] | Frame]:
        reader = VideoReader(self.limits, self.stop, self.note, self.decoder)
        for at, each in enumerate(found):
            if not isinstance(each, Video):
                yield at, each
                continue
            yield from reader.frames(at, each)
            self.timings.decoding, reader.decoding_s = self.timings.decoding + reader.decoding_s, 0.0

    def _ready(self, job: _Job | Frame) -> _Ready:
        began = time.perf_counter()
        frame = job if isinstance(job, Frame) else still(*job, self.decoder, self.stop)
        ready = _Ready(frame)
        if frame.pixels is not None:
            fit = self.detector.fit(frame.pixels.shape[:2])
            ready = _Ready(frame, fit, self.detector.inputs([frame.pixels], [fit]))
        self.timings.add("decoding", began)
        return ready

    def _detected(self, batch: Sequence[_Ready]) -> list[Detected]:
        began = time.perf_counter()
        good = [each for each in batch if each.inputs is not None]
        found: Iterator[Detections] = iter(())
        if good:
            inputs = [each.inputs for each in good if each.inputs is not None]
            raws = self.detector.engine(inputs[0] if len(inputs) == 1 else np.concatenate(inputs))
            found = self.detector.found(raws, [each.fit for each in good if each.fit])
        detected = [Detected(each.frame, self._kept(next(found)) if each.fit else None) for each in batch]
        self.timings.add("network", began)
        return detected

    def _kept(self, found: Detections) -> Detections:
        return found if self.labels is None else of_classes(found, self.labels)

    def _write(self, detected: Detected) -> Detected:
        began = time.perf_counter()
        if detected.detections is not None:
            for output in self.outputs:
                output.write(detected.frame, detected.detections)
        self.timings.add("writing", began)
        return detected


def _batches(frames: Iterable[_Ready], size: int) -> Iterator[list[_Ready]]:
    """Frames by so many at once; what came before an error is done before it is raised."""
    batch: list[_Ready] = []
    try:
        for frame in frames:
            batch.append(frame)
            if len(batch) == size:
                yield batch
                batch = []
    except DarknetPyError:
        if batch:
            yield batch
        raise
    if batch:
        yield batch
