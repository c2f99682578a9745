"""FFmpeg's options for one opening: which protocols and containers it may follow.

OpenCV takes them from the environment, which all threads share: one opens at a time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

CONTAINERS = (
    "mov,avi,matroska,webm,mpegts,mpeg,mpegvideo,flv,asf,ogg,mpjpeg,mjpeg,"  # no comma after the last
    "h264,hevc,m4v,ivf,dv,mxf,gif,rtsp,rtp"
)
PROTOCOLS = {
    "file": "file",
    "http": "http,https,httpproxy,tls,tcp",
    "https": "https,httpproxy,tls,tcp",
    "rtsp": "rtsp,rtp,rtcp,udp,tcp",
    "rtsps": "rtsp,rtsps,rtp,srtp,rtcp,udp,tcp,tls",
}
OPTIONS = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
_opening = Lock()


@contextmanager
def options_of(scheme: str, *, patience_s: float = -1) -> Iterator[bool]:
    """Within, FFmpeg opens addresses of this scheme alone.

    Args:
        scheme: of `PROTOCOLS`.
        patience_s: how long to wait for another opening; by default as long as it takes.

    Yields: whether it is so: False when the other opening took longer.
    """
    if not _opening.acquire(timeout=patience_s):
        yield False
        return
    given = os.environ.get(OPTIONS)
    try:
        mine = f"protocol_whitelist;{PROTOCOLS[scheme]}|format_whitelist;{CONTAINERS}"
        os.environ[OPTIONS] = f"{given or 'rtsp_transport;tcp'}|{mine}"
        yield True
    finally:
        os.environ.pop(OPTIONS) if given is None else os.environ.update({OPTIONS: given})
        _opening.release()
