"""Property. Oracle: a damaged file is read, or refused by one message that says what and where."""

from __future__ import annotations

import io
import json
import os
import random
import re
import struct
import tracemalloc
import zipfile
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import torch

from darknet_py.cfg.document import parse
from darknet_py.errors import DarknetPyError, WeightsError
from darknet_py.graph.compile import compile
from darknet_py.model.conversion.safetensors_file import load_safetensors, read_cfg, write_safetensors
from darknet_py.model.conversion.schemes import SCHEMES
from darknet_py.model.conversion.state_dict import load_state_dict, write_state_dict
from darknet_py.model.network import Network
from darknet_py.model.weights import load_weights, weights_bytes
from darknet_py.model.weights_fit.header import VERSION, Header

CFG = """[net]
width=16
height=16
channels=3
[convolutional]
batch_normalize=1
filters=4
size=3
pad=1
activation=leaky
[maxpool]
size=2
[convolutional]
filters=3
activation=linear
"""
LIMIT = 1 << 20  # bytes that may be allocated before a refusal
SHORT, LONG, SLICE = 300, 5000, 1000
SLICES = [pytest.param(range(SHORT), id="short")] + [
    pytest.param(range(start, start + SLICE), id=f"{start}", marks=pytest.mark.soak)
    for start in range(0, LONG, SLICE)
]
MAGICS = (b"PK\3\4", b"\x80\2", b"<html>", b"version https://git-lfs", b"\x1f\x8b\x08", b"\x89PNG", bytes(20))
NUMBERS = (float("nan"), float("inf"), float("-inf"), -1.0, 3e38, 1e-45)
READERS: dict[str, Callable[[Network, Path], object]] = {
    ".weights": load_weights,
    ".safetensors": load_safetensors,
    ".pt": load_state_dict,
}


@cache
def network() -> Network:
    torch.manual_seed(0)
    return Network(compile(parse(CFG, path="a.cfg"))).eval()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The same weights in each format."""
    folder, header = tmp_path_factory.mktemp("weights"), Header(VERSION, 640)
    write_safetensors(network(), folder / "a.safetensors", cfg=CFG, header=header)
    write_state_dict(network(), folder / "a.pt", SCHEMES[0], header=header)
    (folder / "a.weights").write_bytes(weights_bytes(network(), seen=640))
    return {suffix: (folder / f"a{suffix}").read_bytes() for suffix in READERS}


# mutations of any file


def flipped(data: bytearray, draw: random.Random) -> None:
    """Bits anywhere, more often near the beginning."""
    end = draw.choice((20, 200, len(data)))
    for _ in range(draw.randint(1, 8)):
        data[draw.randrange(min(end, len(data)))] ^= 1 << draw.randrange(8)


def cut(data: bytearray, draw: random.Random) -> None:
    del data[draw.randrange(len(data)) :]


def shortened(data: bytearray, draw: random.Random) -> None:
    at = draw.randrange(len(data))
    del data[at : at + draw.randint(1, 64)]


def inserted(data: bytearray, draw: random.Random) -> None:
    at = draw.randrange(len(data) + 1)
    data[at:at] = draw.randbytes(draw.choice((1, 2, 4, 20, 4096)))


def overwritten(data: bytearray, draw: random.Random) -> None:
    number, count = struct.pack("<f", draw.choice(NUMBERS)), draw.randint(1, 9)
    at = min(20 + 4 * draw.randrange(len(data) // 4), len(data) - 4 * count)
    data[at : at + 4 * count] = number * count


def renamed(data: bytearray, draw: random.Random) -> None:
    magic = draw.choice(MAGICS)
    data[: len(magic)] = magic


def counted(data: bytearray, draw: random.Random) -> None:
    """Another count somewhere: in a table, a header, a directory or a pickle."""
    numbers = [found.span() for found in re.finditer(rb"(?<=[\[,:])\d+(?=[\],])", bytes(data))]
    if numbers and draw.random() < 0.7:
        begin, end = draw.choice(numbers)
        data[begin:end] = str(draw.choice((0, 1, 2**31, 10**15, -1))).encode()
    else:
        at = draw.randrange(len(data) - 8)
        data[at : at + 8] = struct.pack("<Q", draw.choice((0, 2**31, 2**40, 2**63)))


MUTATIONS = (flipped, cut, shortened, inserted, overwritten, renamed, counted)


def outcome(path: Path) -> str:
    """Read a file: "read", or the text of the refusal, after which the network is as it was."""
    into = network()
    before = {name: tensor.clone() for name, tensor in into.state_dict().items()}
    tracemalloc.start()
    try:
        READERS[path.suffix](into, path)
    except WeightsError as error:
        text = str(error)
    else:
        text = "read"
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < LIMIT, (path.suffix, peak, text)
    same = all(torch.equal(tensor, before[name]) for name, tensor in into.state_dict().items())
    into.load_state_dict(before)
    assert same or text == "read"
    return text


@pytest.mark.parametrize("seeds", SLICES)
def test_15_W04_a_damaged_file_is_read_or_refused_by_one_message(
    seeds: range, files: dict[str, bytes], tmp_path: Path
) -> None:
    counts: Counter[str] = Counter()
    for seed in seeds:
        draw = random.Random(seed)
        suffix = list(files)[seed % len(files)]
        data = bytearray(files[suffix])
        for mutation in draw.choices(MUTATIONS, k=draw.choice((1, 1, 2))):
            if len(data) > 100:
                mutation(data, draw)
        path = tmp_path / f"a{suffix}"
        path.write_bytes(data)
        text = outcome(path)
        counts["read" if text == "read" else "refused"] += 1
        if text != "read":
            first, *advice = text.splitlines()
            assert first.startswith(f"{path}: error: "), (seed, text)
            assert all(line.startswith("   = ") for line in advice), (seed, text)
            assert len(advice) == 1, (seed, text)
            assert len(text) < 1000, (seed, text)
    assert counts["refused"] > 0.4 * counts.total(), counts
    assert counts["read"] > 0.02 * counts.total(), counts


@pytest.mark.parametrize("step", [11, pytest.param(1, marks=pytest.mark.soak)])
@pytest.mark.parametrize("suffix", READERS)
def test_15_W04_a_truncation_is_refused_with_what_to_do(
    suffix: str, step: int, files: dict[str, bytes], tmp_path: Path
) -> None:
    data, path = files[suffix], tmp_path / f"a{suffix}"
    for end in range(0, len(data), step):
        path.write_bytes(data[:end])
        text = outcome(path)
        assert text != "read", end
        assert " byte" in text, text
        assert "\n   = " in text, text
        if suffix == ".weights" and end >= 20:
            assert re.search(r"inside layer \d .*, in its \w+ \(bytes [\d,]+ to [\d,]+\)", text), text


def test_15_W04_layer_and_byte_are_named_in_safetensors_too(files: dict[str, bytes], tmp_path: Path) -> None:
    data, path, layer = (
        files[".safetensors"],
        tmp_path / "a.safetensors",
        "layer 0 [convolutional] (cfg line 5)",
    )
    start = 8 + int.from_bytes(data[:8], "little")
    begin, end = (start + at for at in json.loads(data[8:start])["0.convolutional.variances"]["data_offsets"])
    damaged = "it is damaged, or was cut off: copy or download it again"
    path.write_bytes(data[: begin + 5])
    assert outcome(path) == (
        f"{path}: error: ends inside {layer}, in its variances (bytes {begin:,} to {end:,})\n"
        f"   = {begin + 5:,} bytes, {len(data) - begin - 5:,} too few; {damaged}"
    )
    path.write_bytes(data + bytes(4))
    assert outcome(path) == (
        f"{path}: error: has {len(data) + 4:,} bytes; its numbers end at byte {len(data):,}, "
        "so 4 are left over\n   = it was damaged in transfer"
    )
    for number, what in ((float("nan"), "NaN or infinite"), (-1.0, "negative")):
        path.write_bytes(data[: begin + 4] + struct.pack("<f", number) + data[begin + 8 :])
        expected = f"has 1 {what} numbers in the variances of {layer}, the first at byte {begin + 4:,}\n"
        assert expected in outcome(path)


@pytest.mark.parametrize("suffix", READERS)
def test_15_W19_gigabytes_are_refused_by_their_size(
    suffix: str, files: dict[str, bytes], tmp_path: Path
) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(files[suffix])
    os.truncate(path, 5 << 30)  # zeros that take no space
    text = outcome(path)
    assert "5,368,709,120 bytes" in text


def test_15_W19_a_table_of_exabytes_is_refused(files: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    for length in (1 << 31, 1 << 62, (1 << 64) - 1, len(files[".safetensors"])):
        path.write_bytes(length.to_bytes(8, "little") + files[".safetensors"][8:])
        assert f"its first 8 give its table {length:,} bytes" in outcome(path)
        with pytest.raises(DarknetPyError, match="give its table"):
            read_cfg(path)


def test_15_W18_a_name_that_is_there_twice_is_refused(files: dict[str, bytes], tmp_path: Path) -> None:
    data, path = files[".safetensors"], tmp_path / "a.safetensors"
    old, new = b'"2.convolutional.weights"', b'"0.convolutional.weights"'
    path.write_bytes(data.replace(old, new, 1))
    assert "`0.convolutional.weights` is there twice" in outcome(path)
    entry = re.search(rb'"0\.convolutional\.scales":\{.*?"data_offsets":(\[.*?\])', data)
    other = re.search(rb'"0\.convolutional\.means":\{.*?"data_offsets":(\[.*?\])', data)
    assert entry
    assert other
    path.write_bytes(data.replace(other[1], entry[1].ljust(len(other[1])), 1))
    assert "error: cannot be read: " in outcome(path), "two arrays in one place"


def test_15_W17_code_does_not_run_where_the_environment_asks_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    canary, path = tmp_path / "canary", tmp_path / "a.pt"
    code = f"cposix\nsystem\n(S'touch {canary}'\ntR.".encode()
    path.write_bytes(b"\x80\2" + code)
    texts = [outcome(path)]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a/data.pkl", b"\x80\2" + code)
        archive.writestr("a/version", b"3\n")
        archive.writestr("a/byteorder", b"little")
    path.write_bytes(buffer.getvalue())
    texts.append(outcome(path))
    assert "holds Python objects, which are not loaded" in texts[1]
    assert "read" not in texts
    assert not canary.exists()


def test_15_W07_weights_of_another_cfg_of_the_same_size_are_refused(tmp_path: Path) -> None:
    first = "[net]\nwidth=8\nheight=8\nchannels=3\n[convolutional]\nfilters=4\nsize=3\n"
    other = "[convolutional]\nfilters=4\n"
    normed = "batch_normalize=1\n"
    a, b = (
        Network(compile(parse(text, path="a.cfg")))
        for text in (first + normed + other, first + other + normed)
    )
    path, named = tmp_path / "a.weights", tmp_path / "a.safetensors"
    with torch.no_grad():
        dict(a.layers[1].named_parameters())["conv.bias"].copy_(torch.tensor([1.0, 1.0, -1.0, -1.0]))
    path.write_bytes(weights_bytes(a))
    write_safetensors(a, named, cfg=first, header=Header(VERSION, 0))
    with pytest.raises(WeightsError) as caught:
        load_weights(b, path)
    assert str(caught.value) == (
        f"{path}: error: has 2 negative numbers in the variances of layer 1 [convolutional] (cfg line 8), "
        f"the first at byte {20 + 4 * (4 + 108 + 3 * 4 + 2)}\n"
        "   = it is damaged, or belongs to another network of the same size"
    )
    with pytest.raises(WeightsError, match=r"lacks 3 of the network's arrays \(`1.convolutional.scales`"):
        load_safetensors(b, named)
