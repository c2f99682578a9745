"""Oracle: a server on this machine that misbehaves in one way each; archives made by hand. Kind: story."""

from __future__ import annotations

import hashlib
import http.client
import io
import json
import random
import stat
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from darknet_py.__main__ import main
from darknet_py.data.download import unpack as unpacking
from darknet_py.data.download.download import TRIES, download
from darknet_py.data.download.fetch import fetch
from darknet_py.data.download.sources import SOURCES, Remote, Source
from darknet_py.data.download.unpack import unpack
from darknet_py.errors import DataError, UsageError
from tests.data.check.damaged import put

CONTENT = random.Random(0).randbytes(300_000)
SHA = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Server:
    """What the server does, and the Range headers it was sent."""

    content: bytes = CONTENT
    cuts: list[int] = field(default_factory=list)  # bytes that the next answers send before they break off
    ranges: bool = True
    status: int = 200
    location: str = ""
    length: bool = True
    asked: list[str] = field(default_factory=list)
    address: str = ""

    def remote(self, **changed: object) -> Remote:
        facts = {"address": f"{self.address}/file.bin", "size": len(CONTENT), "sha256": SHA}
        return Remote(**{**facts, **changed})


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers["Range"] or ""
            state.asked.append(asked)
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and state.ranges else 0
            if state.location or state.status != 200:
                self.send_response(302 if state.location else state.status)
                self.send_header("Location", state.location)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            body = state.content[start:]
            self.send_response(206 if start else 200)
            if start:
                total = len(state.content)
                self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
            if state.length:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: state.cuts.pop(0)] if state.cuts else body)

        def log_message(self, *_: object) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.address = f"http://127.0.0.1:{running.server_port}"
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield state
    running.shutdown()
    running.server_close()
    thread.join()


def bring(remote: Remote, path: Path) -> str:
    return download(remote, path, progress=lambda done, total: None, wait=lambda seconds: None)


def refused(remote: Remote, path: Path) -> str:
    with pytest.raises(DataError) as caught:
        bring(remote, path)
    assert not path.exists()
    return str(caught.value)


def test_a_file_comes_whole_and_its_digest_is_told(tmp_path: Path, server: Server) -> None:
    seen: list[tuple[int, int]] = []
    digest = download(server.remote(), tmp_path / "f", progress=lambda *now: seen.append(now))
    assert digest == SHA
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_D23_a_dropped_connection_is_taken_up_where_it_stopped(tmp_path: Path, server: Server) -> None:
    server.cuts = [100_000, 50_000, 0]
    bring(server.remote(), tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert server.asked == ["", "bytes=100000-", "bytes=150000-", "bytes=150000-"]


def test_D23_a_part_stays_and_the_next_call_goes_on(tmp_path: Path, server: Server) -> None:
    server.cuts = [120_000] + [0] * TRIES
    told = refused(server.remote(), tmp_path / "f")
    assert "f.part` is kept; the same command goes on from there" in told
    assert (tmp_path / "f.part").read_bytes() == CONTENT[:120_000]
    server.asked.clear()
    bring(server.remote(), tmp_path / "f")
    assert server.asked == ["bytes=120000-"]
    assert (tmp_path / "f").read_bytes() == CONTENT


def test_a_server_that_ignores_ranges_is_read_from_the_beginning(tmp_path: Path, server: Server) -> None:
    server.ranges, server.cuts = False, [100_000]
    bring(server.remote(), tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == CONTENT


def test_D22_a_wrong_digest_leaves_nothing(tmp_path: Path, server: Server) -> None:
    server.content = bytes(len(CONTENT))
    assert f"not {SHA}" in refused(server.remote(), tmp_path / "f")
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_part_is_found_by_the_digest(tmp_path: Path, server: Server) -> None:
    put(tmp_path / "f.part", bytes(1000))
    refused(server.remote(), tmp_path / "f")
    bring(server.remote(), tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == CONTENT


def test_a_part_that_is_too_long_is_begun_anew(tmp_path: Path, server: Server) -> None:
    put(tmp_path / "f.part", CONTENT + b"more")
    bring(server.remote(), tmp_path / "f")
    assert server.asked == [""]


def test_D23_a_body_of_another_size_is_refused(tmp_path: Path, server: Server) -> None:
    server.content = CONTENT[:1000]
    assert "the server offers 1000 bytes, and 300000 were expected" in refused(
        server.remote(), tmp_path / "f"
    )


def test_D23_an_endless_body_is_cut(tmp_path: Path, server: Server) -> None:
    server.content, server.length = CONTENT * 20, False
    assert "at most 300000 are taken" in refused(server.remote(), tmp_path / "f")
    assert (tmp_path / "f.part").stat().st_size <= len(CONTENT)


def test_a_body_without_a_length_is_taken_until_it_ends(tmp_path: Path, server: Server) -> None:
    server.length = False
    assert bring(server.remote(size=0), tmp_path / "f") == SHA


@pytest.mark.parametrize("status", [403, 404])
def test_a_refusal_of_the_server_is_told_at_once(tmp_path: Path, server: Server, status: int) -> None:
    server.status = status
    assert f"the server says {status}" in refused(server.remote(), tmp_path / "f")
    assert len(server.asked) == 1


def test_an_error_of_the_server_is_tried_again(tmp_path: Path, server: Server) -> None:
    server.status = 503
    assert "was not received: the server says 503" in refused(server.remote(), tmp_path / "f")
    assert len(server.asked) == TRIES


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/"])
def test_D23_a_redirect_to_another_scheme_is_refused(tmp_path: Path, server: Server, location: str) -> None:
    server.location = location
    refused(server.remote(), tmp_path / "f")
    assert not any(path.read_bytes() for path in tmp_path.iterdir())


@pytest.mark.parametrize("host", ["localhost", "10.0.0.1", "169.254.169.254", "example.org", "2.127.0.0.1"])
def test_D23_a_redirect_to_another_host_is_refused(tmp_path: Path, server: Server, host: str) -> None:
    server.location = f"http://{host}/x"
    assert "is on another host than 127.0.0.1" in refused(server.remote(), tmp_path / "f")


ADDRESSES = [
    (
        "http://pjreddie.com/a",
        "`http:` is not allowed\n   = http is allowed only where the sha256 is known",
    ),
    ("file:///etc/passwd", "`file:` is not allowed"),
    ("ftp://pjreddie.com/a", "`ftp:` is not allowed"),
]


@pytest.mark.parametrize(("address", "told"), ADDRESSES)
def test_D23_only_https_is_let_pass_without_a_digest(tmp_path: Path, address: str, told: str) -> None:
    assert told in refused(Remote(address), tmp_path / "f")


def test_D24_two_downloads_of_one_file_do_not_mix(tmp_path: Path, server: Server) -> None:
    fcntl = pytest.importorskip("fcntl")
    with (tmp_path / "f.part").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert "another process is downloading this" in refused(server.remote(), tmp_path / "f")
    bring(server.remote(), tmp_path / "f")


def zipped(members: dict[str, bytes], *, mode: int = 0) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            packed.writestr(info, content, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def tarred(*members: tuple[str, bytes], kind: bytes = tarfile.REGTYPE, link: str = "") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as packed:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size, info.type, info.linkname = len(content), kind, link
            packed.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def twice() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        packed.writestr("a", "1")
        with pytest.warns(UserWarning, match="Duplicate name"):
            packed.writestr("a", "2")
    return stream.getvalue()


ARCHIVES: dict[str, tuple[Callable[[], bytes], str]] = {
    "zip up": (lambda: zipped({"ok": b"1", "../out": b"2"}), "leaves the folder, `../out`"),
    "zip inside up": (lambda: zipped({"a/../../out": b"2"}), "leaves the folder"),
    "zip absolute": (lambda: zipped({"/tmp/out": b"2"}), "leaves the folder"),
    "zip backslash": (lambda: zipped({"..\\out": b"2"}), "strange name"),
    "zip drive": (lambda: zipped({"C:out": b"2"}), "strange name"),
    "zip control": (lambda: zipped({"a\nb": b"2"}), "strange name"),
    "zip link": (lambda: zipped({"a": b"/etc"}, mode=stat.S_IFLNK | 0o777), "a link or a device, `a`"),
    "zip twice": (twice, "has the member `a` twice"),
    "zip bomb": (lambda: zipped({"a": bytes(100 << 20)}), "would unpack to 104857600"),
    "zip cut": (lambda: zipped({"a": CONTENT})[:-40], "neither zip nor tar"),
    "zip damaged": (lambda: zipped({"a": CONTENT}).replace(CONTENT[500:600], bytes(100)), "damaged archive"),
    "tar up": (lambda: tarred(("ok", b"1"), ("../out", b"2")), "leaves the folder, `../out`"),
    "tar absolute": (lambda: tarred(("/out", b"2")), "leaves the folder"),
    "tar link": (lambda: tarred(("a", b""), kind=tarfile.SYMTYPE, link="/etc"), "a link or a device"),
    "tar hard link": (lambda: tarred(("a", b""), kind=tarfile.LNKTYPE, link="/etc/passwd"), "a link or"),
    "tar device": (lambda: tarred(("a", b""), kind=tarfile.CHRTYPE), "a link or a device"),
    "tar pipe": (lambda: tarred(("a", b""), kind=tarfile.FIFOTYPE), "a link or a device"),
    "tar twice": (lambda: tarred(("a", b"1"), ("./a", b"2")), "has the member `a` twice"),
    "tar bomb": (lambda: tarred(("a", bytes(100 << 20))), "would unpack to 104857600"),
    "tar cut": (lambda: tarred(("a", CONTENT))[:-2000], "damaged archive"),
    "text": (lambda: b"<html>", "neither zip nor tar"),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_D22_an_archive_that_could_do_harm_is_refused(tmp_path: Path, name: str) -> None:
    make, told = ARCHIVES[name]
    archive = put(tmp_path / "in" / "archive", make())
    (tmp_path / "in" / "folder").mkdir()
    with pytest.raises(DataError) as caught:
        unpack(archive, tmp_path / "in" / "folder", progress=lambda done, total: None)
    assert told in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    assert sorted(path.name for path in (tmp_path / "in").iterdir()) == ["archive", "folder"]
    if "damaged" not in told:
        assert list((tmp_path / "in" / "folder").iterdir()) == []


@pytest.mark.parametrize("make", [lambda: zipped({"a": b"1", "b": b"2", "c": b"3"}),
                                  lambda: tarred(("a", b"1"), ("b", b"2"), ("c", b"3"))])  # fmt: skip
def test_D22_the_number_of_members_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[], bytes]
) -> None:
    monkeypatch.setattr(unpacking, "MOST_MEMBERS", 2)  # a million take half a minute to read
    archive = put(tmp_path / "archive", make())
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataError, match="has more than the 2 members"):
        unpack(archive, tmp_path / "folder", progress=lambda done, total: None)


@pytest.mark.parametrize("make", [lambda: zipped({"x/a": b"1", "x/y/b": CONTENT}),
                                  lambda: tarred(("x/a", b"1"), ("x/y/b", CONTENT))])  # fmt: skip
def test_an_archive_without_harm_is_unpacked(tmp_path: Path, make: Callable[[], bytes]) -> None:
    archive = put(tmp_path / "archive", make())
    (tmp_path / "folder").mkdir()
    unpack(archive, tmp_path / "folder", progress=lambda done, total: None)
    assert (tmp_path / "folder" / "x" / "a").read_bytes() == b"1"
    assert (tmp_path / "folder" / "x" / "y" / "b").read_bytes() == CONTENT


def source(server: Server, content: bytes, *, gives: str = "x", known: bool = True) -> Source:
    server.content = content
    digest = hashlib.sha256(content).hexdigest()
    remote = server.remote(size=len(content), sha256=digest if known else "", gives=gives)
    return Source("things", "for a test", (remote,), "things")


def fetched(one: Source, to: Path, *, keep: bool = False) -> list[str]:
    said: list[str] = []
    fetch(one, to, print_line=said.append, keep=keep, wait=lambda seconds: None)
    return said


def test_an_archive_is_fetched_unpacked_and_not_fetched_again(tmp_path: Path, server: Server) -> None:
    one = source(server, zipped({"x/a": b"1", "readme": b"2"}))
    assert fetched(one, tmp_path)[-1] == f"{tmp_path}/things/x: unpacked"
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == [
        "things", "things/x", "things/x/a",
    ]  # fmt: skip
    assert fetched(one, tmp_path) == [f"{tmp_path}/things/x: there already"]
    assert len(server.asked) == 1


def test_the_archive_may_be_kept(tmp_path: Path, server: Server) -> None:
    fetched(source(server, zipped({"x/a": b"1"})), tmp_path, keep=True)
    assert (tmp_path / "things" / "file.bin").is_file()


def test_nothing_is_unpacked_of_an_archive_that_escapes(tmp_path: Path, server: Server) -> None:
    with pytest.raises(DataError, match="leaves the folder"):
        fetched(source(server, zipped({"x/a": b"1", "../y": b"2"})), tmp_path)
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*"))
    assert left == ["things", "things/file.bin"]


def test_an_archive_of_something_else_is_refused(tmp_path: Path, server: Server) -> None:
    with pytest.raises(DataError, match="does not hold `x`"):
        fetched(source(server, zipped({"y/a": b"1"})), tmp_path)


def test_a_file_that_is_there_is_compared(tmp_path: Path, server: Server) -> None:
    one = source(server, CONTENT, gives="")
    assert fetched(one, tmp_path)[-1] == f"{tmp_path}/file.bin: complete, and its sha256 is right"
    assert fetched(one, tmp_path) == [f"{tmp_path}/file.bin: there already"]
    put(tmp_path / "file.bin", "mine")
    with pytest.raises(DataError, match="is there already, and has the sha256"):
        fetched(one, tmp_path)
    assert (tmp_path / "file.bin").read_text() == "mine"


def test_without_a_known_digest_the_computed_one_is_told(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = http.client.HTTPConnection.connect
    monkeypatch.setattr(http.client.HTTPSConnection, "connect", connect)  # the server has no certificate
    server.address = server.address.replace("http:", "https:")
    (_, told) = fetched(source(server, CONTENT, gives="", known=False), tmp_path)
    assert told == f"{tmp_path}/file.bin: warning: complete, but no sha256 is known to compare; it has {SHA}"


def test_the_table_is_whole() -> None:
    for one in SOURCES.values():
        for remote in one.files:
            assert remote.address.startswith("https://") or remote.sha256
            assert remote.sha256 == "" or len(bytes.fromhex(remote.sha256)) == 32
            assert bool(remote.gives) == bool(one.folder)


def test_the_verb_prints_the_table_and_refuses_other_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "fetch", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["name"] for row in rows} == set(SOURCES)
    assert main(["data", "fetch"]) == 0
    assert "252,209,544 bytes, sha256 unknown" in capsys.readouterr().out
    assert main(["data", "fetch", "everything"]) == 2
    assert main(["data", "fetch", "yolov3-tiny", "--to", str(tmp_path / "nowhere")]) == 2
    assert "known are coco2017" in capsys.readouterr().err


def test_the_verb_fetches(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(SOURCES, "things", source(server, zipped({"x/a": b"1"})))
    assert main(["data", "fetch", "things", "--to", str(tmp_path)]) == 0
    assert capsys.readouterr().out.endswith(f"{tmp_path}/things/x: unpacked\n")
    assert main(["data", "fetch", "things", "--to", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["paths"] == [f"{tmp_path}/things/x"]


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path, server: Server) -> None:
    with pytest.raises(UsageError, match="there is no such folder"):
        fetched(source(server, CONTENT), tmp_path / "nowhere")
