"""One file from its address: resumed where it stopped, bounded, published only with the right digest."""

from __future__ import annotations

import http.client
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from darknet_py.data.download.sources import Remote
from darknet_py.errors import DataError, quoted
from darknet_py.files.digest import sha256_of
from darknet_py.progress import Progress

BLOCK = 1 << 20
TIMEOUT_SECONDS = 30.0  # without a byte
TRIES = 5  # without a byte between them
MOST_BYTES = 64 << 30  # of a file whose size is unknown
_LOST = (OSError, http.client.HTTPException)


def download(
    remote: Remote, path: Path, *, progress: Progress, wait: Callable[[float], None] = time.sleep
) -> str:
    """Download a file to `path`, through `path` + ".part", which stays for the next try when it fails.

    Returns: its sha256.
    Raises: DataError: when the address is refused, the server sends something else, or the digest is wrong.
    """
    _require_safe(remote.address, remote)
    part = path.with_name(f"{path.name}.part")
    with part.open("ab") as file:
        _lock(file, part)
        _receive(remote, file, part, progress, wait)
        file.flush()
        os.fsync(file.fileno())
        digest = sha256_of(part)
        if remote.sha256 and digest != remote.sha256:
            part.unlink()
            raise DataError(
                f"has the sha256 {digest}, not {remote.sha256}",
                where=remote.address,
                hint="what was received is deleted",
            )
        part.replace(path)
    return digest


def _lock(file: IO[bytes], part: Path) -> None:
    """Refuse a part that another process is writing."""
    if os.name != "posix":
        return
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise DataError("another process is downloading this", where=part) from None


def _receive(
    remote: Remote, file: IO[bytes], part: Path, progress: Progress, wait: Callable[[float], None]
) -> None:
    """Send requests until the file is complete; each goes on where the last one stopped."""
    if remote.size and os.fstat(file.fileno()).st_size > remote.size:
        file.truncate(0)
    tries = 0
    while not remote.size or os.fstat(file.fileno()).st_size < remote.size:
        before = os.fstat(file.fileno()).st_size
        try:
            if _ask(remote, file, before, progress):
                break
            reason: object = "the connection was closed too early"
        except urllib.error.HTTPError as error:
            if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE and before:
                file.truncate(0)
            elif error.code < 500:
                raise DataError(
                    f"the server says {error.code} {error.reason}", where=remote.address
                ) from None
            reason = f"the server says {error.code} {error.reason}"
        except _LOST as error:
            reason = getattr(error, "reason", None) or error
        tries = 0 if os.fstat(file.fileno()).st_size > before else tries + 1
        if tries == TRIES:
            raise DataError(
                f"was not received: {quoted(reason)}",
                where=remote.address,
                hint=f"`{quoted(part)}` is kept; the same command goes on from there",
            ) from None
        wait(min(2.0**tries, 30.0))


def _ask(remote: Remote, file: IO[bytes], start: int, progress: Progress) -> bool:
    """Send one request, from byte `start`; return whether all that was announced was received."""
    headers = {"User-Agent": "darknet-py", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    request = urllib.request.Request(remote.address, headers=headers)  # noqa: S310 - checked by _require_safe
    opener = urllib.request.build_opener(_Redirects(remote))
    with opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
        resumed = answer.status == http.client.PARTIAL_CONTENT
        if resumed and not (answer.headers["Content-Range"] or "").startswith(f"bytes {start}-"):
            raise DataError("the server sends another range than was asked for", where=remote.address)
        if not resumed:
            file.truncate(0)  # it does not know ranges: from the beginning
            start = 0
        announced = int(answer.headers["Content-Length"] or 0)
        total = start + announced
        if remote.size and announced and total != remote.size:
            message = f"the server offers {total} bytes, and {remote.size} were expected"
            raise DataError(message, where=remote.address)
        _require_size(remote, total)
        have = start
        try:
            while block := answer.read(BLOCK):
                have += len(block)
                _require_size(remote, have)
                file.write(block)
                progress(have, remote.size or total)
        finally:
            file.flush()
    return have >= total and (announced > 0 or not remote.size)


def _require_size(remote: Remote, size: int) -> None:
    if size > (remote.size or MOST_BYTES):
        raise DataError(
            f"the server sends {size} bytes or more, and at most {remote.size or MOST_BYTES} are taken",
            where=remote.address,
        )


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to the same host or its domain, under the rules for the first address."""

    max_redirections = 5

    def __init__(self, remote: Remote) -> None:
        self.remote = remote

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """Check the new address first."""
        _require_safe(newurl, self.remote)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _require_safe(address: str, remote: Remote) -> None:
    """Allow https, http where the digest is known, and no host but that of the table or its domain."""
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and remote.sha256):
        hint = "http is allowed only where the sha256 is known" if parts.scheme == "http" else ""
        raise DataError(f"`{quoted(parts.scheme)}:` is not allowed", where=address, hint=hint)
    host, home = parts.hostname or "", urlsplit(remote.address).hostname or ""
    domain = ".".join(home.split(".")[-2:])
    named = any(c.isalpha() for c in home.rpartition(".")[2])  # of an address in digits, all of it counts
    if host != home and not (named and host.endswith(f".{domain}")) and not (named and host == domain):
        raise DataError(f"is on another host than {quoted(home)}", where=address)
