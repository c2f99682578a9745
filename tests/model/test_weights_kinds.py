"""Story and table. Oracle: the first bytes of other formats, by their specifications; the advice as text."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.numpy import save

from tests.model.test_weights import CFG, HEADER, payload, refusal

PAGE = "the address was that of a page: download it again from the file's own address; "
PAGE += "`darknet-py data fetch` lists published weights"
ANSWER = "a server may have answered with a message in place of the file; download it again"


def zipped(name: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, b"weights")
    return buffer.getvalue()


def checkpoint(*, archive: bool = True) -> bytes:
    buffer = io.BytesIO()
    torch.save({"a": torch.zeros(2)}, buffer, _use_new_zipfile_serialization=archive)
    return buffer.getvalue()


CASES: dict[str, tuple[bytes, str, str]] = {
    "page": (b"<!DOCTYPE html><html><head>", "a web page", PAGE),
    "page after blank lines": (b"\xef\xbb\xbf\r\n\n <html>", "a web page", PAGE),
    "answer of a store": (b'<?xml version="1.0"?><Error><Code>AccessDenied', "a web page", PAGE),
    "git lfs": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 248007048\n",
        "a Git LFS pointer",
        "`git lfs pull` in its repository gets the file itself",
    ),
    "short text": (b"404: Not Found", "a text, it begins with `404: Not Found`", ANSWER),
    "json": (
        b'{"message":"Bad credentials"}\n',
        'a text, it begins with `{"message":"Bad credentials"}`',
        ANSWER,
    ),
    "cfg": (
        CFG.encode(),
        "a cfg, it begins with `[net]`",
        "name the weights here, and the cfg with --cfg",
    ),
    "gzip": (gzip.compress(HEADER), "a file packed with gzip", "unpack it first: `gzip -d {}`"),
    "xz": (b"\xfd7zXZ\0\0\4", "a file packed with xz", "unpack it first: `xz -d {}`"),
    "zip": (zipped("a.weights"), "a zip archive", "the weights may be in it: `unzip {}`"),
    "checkpoint": (
        checkpoint(),
        "a zip archive, that of a PyTorch checkpoint",
        "`darknet-py convert {} file.weights --cfg CFG` makes Darknet weights of a PyTorch checkpoint",
    ),
    "old checkpoint": (
        checkpoint(archive=False),
        "a Python pickle",
        "`darknet-py convert {} file.weights --cfg CFG` makes Darknet weights of a PyTorch checkpoint",
    ),
    "safetensors": (
        save({"0.convolutional.biases": payload()}),
        "a safetensors file",
        "`darknet-py convert {} file.weights` makes Darknet weights of it",
    ),
    "onnx": (
        b"\x08\x08\x12\ndarknet-py" + bytes(64),
        "an ONNX network",
        "`detect --model` and `eval --model` run one that `export` wrote",
    ),
    "keras": (
        b"\x89HDF\r\n\x1a\n" + bytes(16),
        "an HDF5 file (Keras)",
        "weights are read from .weights files; `darknet-py convert` makes one of .safetensors and .pt",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_15_W02_a_file_of_another_kind_is_named_with_what_to_do(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from darknet_py.__main__ import main

    content, what, advice = CASES[case]
    path = tmp_path / "file"
    path.write_bytes(content)
    advice = advice.format(path)
    expected = f"{path}: error: is not Darknet weights; it looks like {what}\n   = {advice}"
    assert refusal(path) == expected
    assert main(["weights", str(path)]) == 3
    assert expected in capsys.readouterr().err
