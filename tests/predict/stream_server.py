"""A camera on the loopback address that serves Motion JPEG over HTTP, and fails as it is told to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np

Send = Callable[[bytes], object]


def jpeg_part(pixels: np.ndarray) -> bytes:
    data = cv2.imencode(".jpg", pixels)[1].tobytes()
    return b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(data), data)


class Server(ThreadingHTTPServer):
    """`serve(number, send, ended)` answers connection `number`; `ended` is set when the test is over."""

    daemon_threads = True

    def __init__(self, serve: Callable[[int, Send, threading.Event], None], kind: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.serve, self.kind, self.connections = serve, kind, 0
        self.ended = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/camera"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        number, self.server.connections = self.server.connections, self.server.connections + 1
        self.send_response(200)
        self.send_header("Content-Type", self.server.kind)
        self.end_headers()
        with suppress(OSError):  # the reader left
            self.server.serve(number, self.wfile.write, self.server.ended)


@contextmanager
def camera(
    serve: Callable[[int, Send, threading.Event], None],
    kind: str = "multipart/x-mixed-replace; boundary=frame",
) -> Iterator[Server]:
    server = Server(serve, kind)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.ended.set()
        server.shutdown()
        server.server_close()
