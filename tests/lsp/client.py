"""A scripted editor: a real `darknet-py lsp` process, JSON-RPC over its standard input and output."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from typing import Any

from tests.paths import ROOT

SECONDS = 30
URI = "file:///net.cfg"


class Editor:
    """One open text, `net.cfg`."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "darknet_py", "lsp"]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.inbox: queue.Queue[dict[str, Any]] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        self.number = self.version = 0
        self.capabilities = self.ask("initialize", processId=None, rootUri=None, capabilities={})[
            "capabilities"
        ]
        self.tell("initialized")

    def _listen(self) -> None:
        out = self.process.stdout
        assert out is not None
        while header := out.readline():
            length = int(header.split(b":")[1]) if header.lower().startswith(b"content-length") else 0
            while out.readline().strip():
                pass
            self.inbox.put(json.loads(out.read(length)))

    def send(self, message: dict[str, Any]) -> None:
        data = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(data), data))
        self.process.stdin.flush()

    def tell(self, method: str, **params: Any) -> None:
        self.send({"method": method, "params": params})

    def ask(self, method: str, **params: Any) -> Any:
        """The result; an AssertionError with the server's words where it refuses."""
        self.number += 1
        self.send({"id": self.number, "method": method, "params": params})
        while (answer := self.inbox.get(timeout=SECONDS)).get("id") != self.number:
            pass
        assert "error" not in answer, answer["error"]["message"]
        return answer["result"]

    def open(self, text: str) -> list[dict[str, Any]]:
        document = {"uri": URI, "languageId": "cfg", "version": 1, "text": text}
        self.version = 1
        self.tell("textDocument/didOpen", textDocument=document)
        return self.diagnostics()

    def type(self, line: int, first: int, last: int, text: str) -> list[dict[str, Any]]:
        """Replace a stretch of a line, counted from 0, and hear what the server says of it."""
        self.version += 1
        span = {"start": {"line": line, "character": first}, "end": {"line": line, "character": last}}
        changes = [{"range": span, "text": text}]
        where = {"uri": URI, "version": self.version}
        self.tell("textDocument/didChange", textDocument=where, contentChanges=changes)
        return self.diagnostics()

    def diagnostics(self) -> list[dict[str, Any]]:
        """Of the newest version."""
        while True:
            message = self.inbox.get(timeout=SECONDS)
            params = message.get("params", {})
            if (
                message.get("method") == "textDocument/publishDiagnostics"
                and params["version"] == self.version
            ):
                return list(params["diagnostics"])

    def at(self, method: str, line: int, column: int, **more: Any) -> Any:
        place = {"line": line, "character": column}
        return self.ask(f"textDocument/{method}", textDocument={"uri": URI}, position=place, **more)

    def close(self) -> int:
        self.ask("shutdown")
        self.tell("exit")
        return self.process.wait(timeout=SECONDS)
