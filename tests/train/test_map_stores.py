"""Property. Oracle: what was put in; and files that were damaged."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from darknet_py.data.cache import byte_files
from darknet_py.train.prefix.stores import FileMaps, MemoryMaps, open_maps


def map_of(seed: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(1, 4, 3, 5, generator=generator).to(dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_files_return_what_was_put_in(dtype: torch.dtype, tmp_path: Path) -> None:
    store, one = FileMaps(tmp_path, 10**6), map_of(1, dtype)
    store.put(b"k" * 16, one.contiguous(memory_format=torch.channels_last))
    found = FileMaps(tmp_path, 10**6).get(b"k" * 16)
    assert found is not None
    assert found.dtype == dtype
    assert torch.equal(found, one)
    assert store.get(b"l" * 16) is None


@pytest.mark.parametrize("damage", ["cut", "empty", "head", "shape", "content", "another's"])
def test_a_damaged_file_is_removed_and_not_believed(damage: str, tmp_path: Path) -> None:
    store, key = FileMaps(tmp_path, 10**6), b"k" * 16
    store.put(key, map_of(1))
    (path,) = (path for path in tmp_path.glob("*/*") if path.is_file())
    data = bytearray(path.read_bytes())
    if damage == "another's":
        store.put(b"l" * 16, map_of(2))
        data = bytearray(store.path(b"l" * 16).read_bytes())
    at = {"head": 3, "shape": 65, "content": len(data) - 7}.get(damage)
    if at is not None:
        data[at] ^= 1
    path.write_bytes({"cut": data[:-1], "empty": b""}.get(damage, data))
    assert store.get(key) is None
    assert not path.exists()
    store.put(key, map_of(1))
    assert torch.equal(store.get(key), map_of(1))


def test_stores_stay_within_their_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = map_of(0)
    memory, files = MemoryMaps(3 * one.nbytes), FileMaps(tmp_path / "maps", 1000)
    for store, least in ((memory, 3), (files, 1)):
        for number in range(20):
            store.put(bytes([number]) * 16, map_of(number))
        kept = [number for number in range(20) if bytes([number]) * 16 in store]
        assert len(kept) >= least
        assert all(torch.equal(store.get(bytes([n]) * 16), map_of(n)) for n in kept)
    assert sum(one.nbytes for one in memory.maps.values()) <= 3 * one.nbytes
    assert sum(path.stat().st_size for path in (tmp_path / "maps").glob("*/*")) <= 1000
    assert open_maps(0, None) is None


@pytest.mark.parametrize("kind", ["memory", "files"])
def test_what_nobody_reads_any_more_makes_room(kind: str, tmp_path: Path) -> None:
    keys, one = [bytes([number]) * 16 for number in range(6)], map_of(0)
    store = MemoryMaps(3 * one.nbytes) if kind == "memory" else FileMaps(tmp_path, 3 * 400)
    for key in keys[:3]:
        store.put(key, one)
    before = [key in store for key in keys[:3]]
    assert all(before)
    store.put(keys[3], one)
    assert keys[3] not in store, "nothing makes room for what comes later in an epoch"
    store.begin()
    assert store.get(keys[0]) is not None
    for key in keys[3:]:
        store.put(key, one)
    assert [key in store for key in keys] == [True, False, False, True, True, False]


def test_a_disk_that_is_nearly_full_takes_no_maps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    usage = type("Usage", (), {"free": 10**9})
    monkeypatch.setattr(byte_files.shutil, "disk_usage", lambda _: usage)
    store = FileMaps(tmp_path, 10**6)
    for number in range(3):
        store.put(bytes([number]) * 16, map_of(number))
    assert [p for p in tmp_path.glob("*/*") if p.is_file()] == []
    (message,) = caplog.messages
    assert message.endswith("warning: the cache takes no more maps: less than 2 GB of the disk are left")
