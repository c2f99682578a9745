"""What a file is that holds no Darknet weights, by its first bytes, and what to do about it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from darknet_py.errors import quoted, quoted_path

START = 512  # bytes that are looked at; the names at the start of a PyTorch archive are within them
LONGEST_LINE = 60  # characters of a text that are quoted
PACKED = {
    b"\x1f\x8b": ("gzip", "gzip -d"),
    b"BZh": ("bzip2", "bzip2 -d"),
    b"\xfd7zXZ": ("xz", "xz -d"),
    b"\x28\xb5\x2f\xfd": ("Zstandard", "zstd -d"),
    b"7z\xbc\xaf": ("7z", "7z x"),
    b"Rar!": ("RAR", "unrar x"),
}
OTHERS = {
    b"\x89HDF": "an HDF5 file (Keras)",
    b"\x93NUMPY": "a NumPy array",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"%PDF": "a PDF document",
}


class FileKind(NamedTuple):
    """What a file looks like, and what to do next."""

    what: str
    advice: str


def kind_of(start: bytes, path: Path) -> FileKind | None:
    """What a file is, by its first bytes; None where they can be those of a `.weights` file.

    >>> kind_of(b"version https://git-lfs.github.com/spec/v1", Path("a.weights")).what
    'a Git LFS pointer'
    """
    return _converted(start, path) or _packed(start, path) or _text(start) or _other(start)


def is_safetensors(start: bytes) -> bool:
    """Whether the first bytes are those of a safetensors file: a length, then JSON."""
    return len(start) > 9 and start[8:9] == b"{" and int.from_bytes(start[:8], "little") < 1 << 32


def is_pickle(start: bytes) -> bool:
    """Whether the first bytes are those of a Python pickle, as `torch.save` wrote until 2020."""
    return len(start) > 1 and start[0] == 0x80 and 2 <= start[1] <= 5


def _converted(start: bytes, path: Path) -> FileKind | None:
    """Formats that `convert` reads."""
    name, target = quoted_path(path), quoted_path(path.with_suffix(".weights").name)
    if is_safetensors(start):
        words = f"darknet-py convert {name} {target}"
        return FileKind("a safetensors file", f"`{words}` makes Darknet weights of it")
    if is_pickle(start) or (start.startswith(b"PK") and b"data.pkl" in start):
        what = "a Python pickle" if is_pickle(start) else "a zip archive, that of a PyTorch checkpoint"
        words = f"darknet-py convert {name} {target} --cfg CFG"
        return FileKind(what, f"`{words}` makes Darknet weights of a PyTorch checkpoint")
    return None


def _packed(start: bytes, path: Path) -> FileKind | None:
    if start.startswith(b"PK"):
        return FileKind("a zip archive", f"the weights may be in it: `unzip {quoted_path(path)}`")
    for magic, (name, command) in PACKED.items():
        if start.startswith(magic):
            return FileKind(f"a file packed with {name}", f"unpack it first: `{command} {quoted_path(path)}`")
    return None


def _text(start: bytes) -> FileKind | None:
    """Pages, pointers and other texts; a header of weights has zero bytes."""
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"<"):
        advice = "the address was that of a page: download it again from the file's own address; "
        return FileKind("a web page", f"{advice}`darknet-py data fetch` lists published weights")
    if text.startswith(b"version https://git-"):
        return FileKind("a Git LFS pointer", "`git lfs pull` in its repository gets the file itself")
    if not text or any(byte < 32 and byte not in b"\t\n\r\f\v" for byte in text):
        return None
    line = quoted(text.decode("utf-8", errors="replace").splitlines()[0], limit=LONGEST_LINE)
    if text.startswith((b"[", b"#")):
        return FileKind(f"a cfg, it begins with `{line}`", "name the weights here, and the cfg with --cfg")
    advice = "a server may have answered with a message in place of the file; download it again"
    return FileKind(f"a text, it begins with `{line}`", advice)


def _other(start: bytes) -> FileKind | None:
    if start[:1] == b"\x08" and start[2:3] == b"\x12":  # its version, and then who wrote it
        return FileKind("an ONNX network", "`detect --model` and `eval --model` run one that `export` wrote")
    found = (what for magic, what in OTHERS.items() if start.startswith(magic))
    advice = "weights are read from .weights files; `darknet-py convert` makes one of .safetensors and .pt"
    return next((FileKind(what, advice) for what in found), None)
