"""Parity, story. Oracle: the decoder without a cache; files edited, damaged and cut by hand."""

from __future__ import annotations

import errno
import logging
import multiprocessing
import os
import pickle
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from darknet_py.data.augment.detection import Augmentation
from darknet_py.data.augment.settings import AugmentSettings
from darknet_py.data.cache.cache import Cache, default_folder, keep_images, key_of
from darknet_py.data.cache.file_store import HEAD, FileStore
from darknet_py.data.cache.memory_store import MemoryStore
from darknet_py.data.cache.store import Store, locked
from darknet_py.data.dataset import Dataset
from darknet_py.data.formats.registry import open_data
from darknet_py.data.images.read import read_image
from darknet_py.data.loader.collate import batches
from darknet_py.data.loader.sampler import Batches, Sampler
from darknet_py.errors import DataError, UsageError

IMAGES, SIDES = 12, (40, 56)  # 6720 bytes each
BYTES = 3 * SIDES[0] * SIDES[1]
MIB = 1 << 20


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Twelve noisy images of Darknet's lists, with a box each."""
    draw = np.random.default_rng(0)
    for k in range(IMAGES):
        pixels = draw.integers(0, 256, (*SIDES, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{k}.{'png' if k % 2 else 'jpg'}")
        (tmp_path / f"{k}.txt").write_text("0 .5 .5 .4 .4\n")
    lines = [f"{tmp_path}/{k}.{'png' if k % 2 else 'jpg'}" for k in range(IMAGES)]
    (tmp_path / "list.txt").write_text("\n".join(lines))
    (tmp_path / "names.txt").write_text("thing\n")
    facts = {"classes": 1, "train": "list.txt", "valid": "list.txt", "names": "names.txt"}
    (tmp_path / "a.data").write_text("".join(f"{key} = {value}\n" for key, value in facts.items()))
    return tmp_path


def opened(data: Path) -> Dataset:
    return open_data(str(data / "a.data"), split="train")


def stores(data: Path, limit: int = MIB) -> list[Store]:
    return [MemoryStore(limit), FileStore(data / "cache", limit)]


class Reads:
    """A decoder that counts."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, path: Path) -> np.ndarray:
        self.count += 1
        return read_image(path)


def test_an_image_is_decoded_once_and_comes_back_as_it_was(data: Path) -> None:
    files = sorted(data.glob("*.jpg")) + sorted(data.glob("*.png"))
    for store in stores(data):
        cache, reads = Cache(store), Reads()
        for _ in range(3):
            for path in files:
                np.testing.assert_array_equal(cache(path, reads), read_image(path))
        assert reads.count == IMAGES


def all_batches(data: Path, workers: int, kind: str) -> list[tuple[bytes, bytes, tuple[int, ...]]]:
    images = opened(data)
    keep_images(images, kind=kind, gib=0.01, folder=data / "cache")
    plan = Batches(Sampler(IMAGES, 4, 3, 64, 96, random=1.3), 1, 40)
    options = AugmentSettings(mosaic=True, jitter=0.2, flip=True, hue=0.1, saturation=1.5, exposure=1.5)
    augment = Augmentation(options)
    return [
        (batch.images.numpy().tobytes(), b"".join(rows.tobytes() for rows in batch.rows), batch.samples)
        for batch in batches(images, plan, augment, workers=workers)
    ]


@pytest.mark.parametrize("kind", ["ram", "disk"])
@pytest.mark.parametrize("workers", [0, 1, 2])
def test_batches_are_the_same_with_and_without_a_cache(data: Path, kind: str, workers: int) -> None:
    plain = all_batches(data, 0, "none")
    assert all_batches(data, workers, kind) == plain, "filling it"
    assert all_batches(data, workers, kind) == plain, "from what is there"


@pytest.mark.parametrize("kind", ["ram", "disk"])
def test_what_loaders_decode_all_processes_have(data: Path, kind: str, monkeypatch) -> None:
    images = opened(data)
    keep_images(images, kind=kind, gib=0.01, folder=data / "cache")
    plan = Batches(Sampler(IMAGES, 4, 3, 64, 64), 1, 12)
    assert len(list(batches(images, plan, Augmentation(), workers=2))) == 12
    expected = [read_image(Path(line)) for line in (data / "list.txt").read_text().split("\n")]
    monkeypatch.setattr(
        "darknet_py.data.formats.darknet.image_lists.read_image", None
    )  # it would be called in vain
    for index, pixels in enumerate(expected):
        np.testing.assert_array_equal(images.pixels(index), pixels)


def test_a_training_takes_both_splits_from_one_cache(data: Path) -> None:
    train, val = opened(data), open_data(str(data / "a.data"), split="val")
    keep_images(train, val, kind="ram", gib=0.01)
    assert train.cache is val.cache
    keep_images(train, kind="none")
    assert opened(data).cache is not train.cache


# D19: a file that was edited, and what else is no longer right.


def edited(path: Path) -> None:
    """Other pixels in a file of the same size, changed at the same time as before."""
    status = path.stat()
    content = bytearray(path.read_bytes())
    pixels = 255 - np.asarray(Image.open(path))
    Image.fromarray(pixels).save(path)
    content = path.read_bytes()[: status.st_size]
    path.write_bytes(content + bytes(status.st_size - len(content)))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (status.st_size, status.st_mtime_ns)


def test_D19_a_file_edited_after_caching_is_decoded_anew(data: Path) -> None:
    path = data / "0.jpg"
    for store in stores(data):
        cache = Cache(store)
        before = cache(path, read_image).copy()
        Image.fromarray(np.full((*SIDES, 3), 77, np.uint8)).save(path)
        after = cache(path, read_image)
        np.testing.assert_array_equal(after, read_image(path))
        assert not np.array_equal(after, before)
        Image.fromarray(np.full((*SIDES, 3), 99, np.uint8)).save(path)


def test_D19_neither_size_nor_time_has_to_change(data: Path) -> None:
    path = data / "1.bmp"
    Image.fromarray(np.zeros((*SIDES, 3), np.uint8)).save(path)
    for store in stores(data):
        cache = Cache(store)
        before = cache(path, read_image).copy()
        edited(path)
        assert (cache(path, read_image) == 255 - before).all()


def test_a_file_that_changes_while_it_is_read_is_not_kept(data: Path) -> None:
    path, cache = data / "0.jpg", Cache(MemoryStore(MIB))

    def slow(path: Path) -> np.ndarray:
        pixels = read_image(path)
        path.write_bytes((data / "2.jpg").read_bytes())
        return pixels

    cache(path, slow)
    np.testing.assert_array_equal(cache(path, read_image), read_image(data / "2.jpg"))


def test_a_link_is_its_file_and_a_file_that_is_gone_is_told_of(data: Path) -> None:
    (data / "link.jpg").symlink_to(data / "0.jpg")
    assert key_of(data / "link.jpg") == key_of(data / "0.jpg")
    (data / "0.jpg").unlink()
    with pytest.raises(DataError, match="No such file"):
        Cache(MemoryStore(MIB))(data / "link.jpg", read_image)


def entry(data: Path, path: Path) -> Path:
    key = key_of(path).hex()
    return data / "cache" / key[:2] / key[2:]


def damages(whole: bytes) -> list[bytes]:
    """Cuts, additions and turned bits in the head and among the pixels."""
    cuts = [whole[:at] for at in (0, 1, HEAD.size - 1, HEAD.size, len(whole) // 2, len(whole) - 1)]
    flips = []
    for at in (*range(HEAD.size), HEAD.size + 1, len(whole) // 2, len(whole) - 1):
        flipped = bytearray(whole)
        flipped[at] ^= 1 << at % 8
        flips.append(bytes(flipped))
    return [*cuts, *flips, whole + b"\0", bytes(len(whole)), pickle.dumps(whole)]


def test_a_damaged_entry_is_dropped_and_decoded_again(data: Path) -> None:
    path, store = data / "0.jpg", FileStore(data / "cache", MIB)
    cache = Cache(store)
    pixels = cache(path, read_image).copy()
    place = entry(data, path)
    whole = place.read_bytes()
    for content in damages(whole):
        place.write_bytes(content)
        reads = Reads()
        np.testing.assert_array_equal(cache(path, reads), pixels)
        assert reads.count == 1
        assert place.read_bytes() == whole, "written again"


def test_another_images_entry_under_this_name_is_no_image_of_it(data: Path) -> None:
    one, other = data / "0.jpg", data / "2.jpg"
    cache = Cache(FileStore(data / "cache", MIB))
    cache(one, read_image), cache(other, read_image)
    entry(data, one).write_bytes(entry(data, other).read_bytes())
    np.testing.assert_array_equal(cache(one, read_image), read_image(one))


class Canary:
    """A pickle that would leave a file behind."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("canary",)


def test_D19_a_pickle_in_the_cache_is_not_run(data: Path, monkeypatch) -> None:
    monkeypatch.chdir(data)
    cache, path = Cache(FileStore(data / "cache", MIB)), data / "0.jpg"
    cache(path, read_image)
    place = entry(data, path)
    for content in (
        pickle.dumps(Canary()),
        HEAD.pack(b"dnpyrgb1", bytes(16), 1, 1, 0) + pickle.dumps(Canary()),
    ):
        place.write_bytes(content)
        np.testing.assert_array_equal(cache(path, read_image), read_image(path))
    assert not (data / "canary").exists()


# Bounds.


def used(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("??/*"))


@pytest.mark.parametrize("kept", [0, 1, 5, IMAGES])
def test_no_more_is_kept_than_was_asked_for_and_what_came_first_stays(data: Path, kept: int) -> None:
    files = sorted(data.glob("*.png")) + sorted(data.glob("*.jpg"))
    for store in stores(data, kept * (BYTES + HEAD.size)):
        cache, reads = Cache(store), Reads()
        for _ in range(2):
            for path in files:
                cache(path, reads)
        assert reads.count == 2 * IMAGES - kept
        assert [store.get(key_of(path)) is not None for path in files] == [k < kept for k in range(IMAGES)]
    assert used(data / "cache") == kept * (BYTES + HEAD.size)


def test_old_entries_make_room_for_those_of_another_training_longest_unread_first(data: Path) -> None:
    limit = 4 * (BYTES + HEAD.size)
    first, second = sorted(data.glob("*.jpg"))[:4], sorted(data.glob("*.png"))[:2]
    cache = Cache(FileStore(data / "cache", limit))
    for age, path in enumerate(first):
        cache(path, read_image)
        os.utime(entry(data, path), (1000 + age, 1000 + age))
    later = Cache(FileStore(data / "cache", limit))
    later(first[0], read_image)  # read again, and so the youngest
    for path in second:
        later(path, read_image)
    assert [entry(data, path).exists() for path in first] == [True, False, False, True]
    assert all(entry(data, path).exists() for path in second)
    assert used(data / "cache") == limit
    FileStore(data / "cache", limit // 2)
    assert used(data / "cache") == limit // 2, "a smaller limit holds from the start"


def test_two_trainings_count_together(data: Path) -> None:
    limit, files = 5 * (BYTES + HEAD.size), sorted(data.glob("*.png")) + sorted(data.glob("*.jpg"))
    one, other = (FileStore(data / "cache", limit) for _ in range(2))
    for number, path in enumerate(files):
        (one, other)[number % 2].put(key_of(path), read_image(path))
    assert used(data / "cache") == limit


def test_what_a_writer_left_behind_is_removed_when_it_is_old(data: Path) -> None:
    Cache(FileStore(data / "cache", MIB))(data / "0.jpg", read_image)
    folder = entry(data, data / "0.jpg").parent
    old, young = (folder / f".{letter * 16}.tmp" for letter in "ab")
    for path in (old, young):
        path.write_bytes(bytes(100))
    os.utime(old, (1000, 1000))
    FileStore(data / "cache", MIB)
    assert (old.exists(), young.exists()) == (False, True)


# Errors around it.


def test_a_full_disk_is_told_of_once_and_training_goes_on(data: Path, monkeypatch, caplog) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "replace", full)
    cache, reads = Cache(FileStore(data / "cache", MIB)), Reads()
    with caplog.at_level(logging.WARNING):
        for path in sorted(data.glob("*.jpg")):
            np.testing.assert_array_equal(cache(path, reads), read_image(path))
    (line,) = caplog.messages
    assert line == f"{data}/cache: warning: the cache takes no more images: No space left on device"


def test_a_folder_that_is_deleted_in_between_is_done_without(data: Path, caplog) -> None:
    cache, files = Cache(FileStore(data / "cache", MIB)), sorted(data.glob("*.jpg"))
    cache(files[0], read_image)
    shutil.rmtree(data / "cache")
    with caplog.at_level(logging.WARNING):
        for path in files:
            np.testing.assert_array_equal(cache(path, read_image), read_image(path))
    assert len(caplog.messages) == 1


def test_a_folder_that_cannot_be_used_is_refused(data: Path) -> None:
    (data / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be used as a cache: Not a directory"):
        FileStore(data / "file" / "cache", MIB)


def test_memory_that_cannot_be_had_is_refused() -> None:
    with pytest.raises(UsageError, match="a cache of 4611686018427387904 bytes cannot be had"):
        MemoryStore(1 << 62)


def test_a_folder_is_for_its_owner_alone(data: Path) -> None:
    Cache(FileStore(data / "cache", MIB))(data / "0.jpg", read_image)
    for folder in (data / "cache", entry(data, data / "0.jpg").parent):
        assert folder.stat().st_mode & 0o77 == 0


def hold(store: Store) -> None:
    with locked(store.lock if isinstance(store, MemoryStore) else store.counter):
        time.sleep(60)


def test_a_process_that_is_killed_with_the_lock_leaves_nobody_waiting(data: Path) -> None:
    for store in stores(data):
        process = multiprocessing.get_context("fork").Process(target=hold, args=(store,))
        process.start()
        time.sleep(0.3)
        os.kill(process.pid, signal.SIGKILL)
        store.put(bytes(16), read_image(data / "0.jpg"))
        np.testing.assert_array_equal(store.get(bytes(16)), read_image(data / "0.jpg"))
        process.join()


def put_all(store: Store, seed: int) -> None:
    for key in np.random.default_rng(seed).permutation(60).tolist():
        store.put(bytes([key] * 16), np.full((30, 40, 3), key, np.uint8))


def test_processes_that_put_the_same_images_in_at_once_lose_none(data: Path) -> None:
    for store in stores(data, 8 * MIB):
        processes = [
            multiprocessing.get_context("fork").Process(target=put_all, args=(store, seed))
            for seed in range(3)
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        for key in range(60):
            found = store.get(bytes([key] * 16))
            assert found is not None
            assert found.shape == (30, 40, 3)
            assert (found == key).all()


def test_an_image_in_memory_cannot_be_written_into() -> None:
    store = MemoryStore(MIB)
    store.put(bytes(16), np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(ValueError, match="read-only"):
        store.get(bytes(16))[0] = 1


def test_a_process_that_is_not_forked_does_without(data: Path) -> None:
    memory, files = (pickle.loads(pickle.dumps(store)) for store in stores(data))  # our own
    for store, kept in ((memory, False), (files, True)):
        store.put(bytes(16), np.zeros((4, 4, 3), np.uint8))
        assert (store.get(bytes(16)) is not None) == kept


def test_the_default_folder_follows_xdg(monkeypatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    for value, expected in (
        ("/data/cache", "/data/cache/darknet-py/images"),
        ("", "/home/somebody/.cache/darknet-py/images"),
        ("relative", "/home/somebody/.cache/darknet-py/images"),
    ):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert default_folder() == Path(expected)
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_folder() == Path("/home/somebody/.cache/darknet-py/images")


def test_scenes_and_cifar_have_nothing_to_keep(tmp_path: Path) -> None:
    scenes = open_data("scenes:train=3", split="train")
    keep_images(scenes, kind="disk", gib=0.01, folder=tmp_path / "cache")
    before = sorted(tmp_path.rglob("*"))
    assert scenes.pixels(0).shape == (160, 160, 3)
    assert sorted(tmp_path.rglob("*")) == before
