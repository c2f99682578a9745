"""The process of a decoder that may crash: it takes one image or video after the other.

Everything that it sends is a text of JSON, or pixels: what a damaged file makes of this process cannot make
the other one run code, as unpickling would.
"""

from __future__ import annotations

import contextlib
import json
import resource
import signal
from dataclasses import asdict
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np

from darknet_py.errors import DataError
from darknet_py.predict.sources.capture import Capture, Interrupted, Limits
from darknet_py.predict.sources.decoding import InThisProcess
from darknet_py.predict.sources.found import Video
from darknet_py.predict.sources.standard_input import LARGEST, GivenImage

MOST_MEMORY = 4 << 30  # bytes of addresses; the largest image takes a tenth of it
FACTS = ("rate", "count", "dropped", "decoding_s")  # of a Capture


def serve(pipe: Connection) -> None:
    """Decode what is asked for until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started this process ends it
    for kind, most in ((resource.RLIMIT_AS, MOST_MEMORY), (resource.RLIMIT_FSIZE, LARGEST)):
        with contextlib.suppress(ValueError, OSError):  # a lower limit is set already, or there is none
            resource.setrlimit(kind, (most, most))
    with contextlib.suppress(EOFError, ConnectionError):
        while True:
            request = json.loads(pipe.recv_bytes())
            try:
                _answer(pipe, request)
            except DataError as error:
                _send(pipe, error=error.message, hint=error.hint)
            except MemoryError:
                _send(pipe, error=f"does not fit into {MOST_MEMORY >> 30} GB of memory", hint="")
            except Interrupted as error:
                _send(pipe, interrupted=str(error))


def request_of(what: Path | GivenImage | Video, limits: Limits | None = None) -> bytes:
    """What to send for an image, or for a video and its limits; the bytes of a given image follow."""
    request: dict[str, Any] = {"given": True}
    if isinstance(what, Path):
        request = {"image": str(what)}
    elif isinstance(what, Video):
        address = what.address if what.live else str(what.address)
        request = {"video": address, "live": what.live, "limits": limits and asdict(limits)}
    return json.dumps(request).encode()


def _answer(pipe: Connection, request: dict[str, Any]) -> None:
    if "image" in request:
        _send_pixels(pipe, InThisProcess().image(Path(request["image"]), Event()))
    elif "given" in request:
        _send_pixels(pipe, InThisProcess().image(GivenImage(pipe.recv_bytes()), Event()))
    else:
        address = request["video"] if request["live"] else Path(request["video"])
        capture = Capture(Video(address), Limits(**request["limits"]), Event())
        for shot in capture.shots():
            _send_pixels(pipe, shot.pixels, seconds=shot.seconds, **_facts(capture))
        _send(pipe, end=True, **_facts(capture))


def _facts(capture: Capture) -> dict[str, Any]:
    return {name: getattr(capture, name) for name in FACTS}


def _send_pixels(pipe: Connection, pixels: np.ndarray, **facts: Any) -> None:
    _send(pipe, shape=pixels.shape, **facts)
    pipe.send_bytes(np.ascontiguousarray(pixels).data.cast("B"))


def _send(pipe: Connection, **message: Any) -> None:
    pipe.send_bytes(json.dumps(message).encode())
