"""Property, parity. Oracle: the plan; a data set that counts what is read; one process against several."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from darknet_py.data.augment.detection import Augmentation
from darknet_py.data.augment.settings import AugmentSettings
from darknet_py.data.formats.synthetic.scenes import Scenes
from darknet_py.data.loader.collate import KEPT_BYTES, batches
from darknet_py.data.loader.sample_partners import POOL, GroupSampler, partners
from darknet_py.data.loader.sampler import Batches, Sampler
from darknet_py.data.loader.shared_buffer import BatchLocation, SharedBuffer
from darknet_py.errors import UsageError

MOSAIC = Augmentation(
    AugmentSettings(mosaic=True, jitter=0.2, flip=True, hue=0.1, saturation=1.5, exposure=1.5)
)


def plan(images=300, batch=8, first=1, last=40, rank=0, ranks=1, **more):
    return Batches(Sampler(images, batch, 7, 64, 96, **more), first, last, rank, ranks)


@pytest.mark.parametrize("batch", [1, 3, 8, 64, 100])
@pytest.mark.parametrize("first", [1, 2, 6, 9])
def test_groups_hold_the_iterations_in_order_and_pools_that_no_start_changes(batch, first):
    whole, part = (list(GroupSampler(plan(batch=batch, first=at), mixed=True)) for at in (1, first))
    found = [draws for group in part for draws in group.draws]
    assert found == list(plan(batch=batch, first=first))
    pool_of = {id(draws): group.pool for group in whole for draws in group.draws}
    expected = [pool_of[id(draws)] for group in whole for draws in group.draws][first - 1 :]
    assert [group.pool for group in part for _ in group.draws] == expected
    for group in whole[:-1]:
        own = [draw.index for draws in group.draws for draw in draws]
        assert POOL <= len(own) < POOL + batch
        assert set(group.pool) == set(own)


def test_nothing_is_grouped_where_nothing_is_mixed():
    groups = GroupSampler(plan(), mixed=False, workers=1)
    assert [(len(group.draws), group.pool) for group in groups] == [(1, ())] * 40
    assert (groups.ahead, groups.slots) == (2, 3)
    assert [group.slot for group in list(groups)[:5]] == [0, 1, 2, 0, 1]
    mixed = GroupSampler(plan(), mixed=True, workers=2)
    assert (mixed.size, mixed.ahead, mixed.slots) == (8, 1, 3)


def test_the_pool_of_a_rank_is_its_own_share():
    one, other = (
        next(iter(GroupSampler(plan(batch=16, rank=rank, ranks=2, last=80), mixed=True))) for rank in (0, 1)
    )
    assert len(one.draws) == len(other.draws) == POOL // 8
    assert not set(one.pool) & set(other.pool)


def test_partners_are_others_of_the_pool_each_as_often():
    counts, rng = Counter(), np.random.default_rng(0)
    for _ in range(4000):
        found = partners(3, range(10), 3, rng)
        assert len(set(found)) == 3
        assert 3 not in found
        counts.update(found)
    assert max(counts.values()) - min(counts.values()) < 240, "1333 each, six standard deviations"


def test_a_pool_that_is_too_small_gives_images_twice():
    rng = np.random.default_rng(0)
    assert set(partners(1, [1, 2], 3, rng)) == {2}
    assert partners(1, [1], 3, rng) == [1, 1, 1]
    assert partners(1, [], 0, rng) == []


class Counted(Scenes):
    """Notes which images are read."""

    def __init__(self, count: int) -> None:
        super().__init__("train", train=count, size=96)
        self.seen: list[int] = []

    def pixels(self, index: int) -> np.ndarray:
        self.seen.append(index)
        return super().pixels(index)


@pytest.mark.parametrize("batch", [8, 64])
def test_a_mosaic_costs_one_image_a_sample(batch):
    data, epoch = Counted(192), plan(192, batch, last=192 // batch)
    assert len(list(batches(data, epoch, MOSAIC))) == 192 // batch
    assert sorted(data.seen) == list(range(192)), "each once in an epoch"


def test_what_there_is_no_room_for_is_read_again():
    data = Counted(64)
    expected = list(batches(data, plan(64, last=8), MOSAIC))
    assert len(data.seen) == 64
    found = list(batches(data, plan(64, last=8), MOSAIC, kept_bytes=96 * 96 * 3 * 10))
    assert len(data.seen) > 64 + 100
    same(found, expected)
    assert KEPT_BYTES >= 64 * 640 * 480 * 3, "a group of COCO's images fits"


def same(some, others):
    assert len(some) == len(others)
    for one, other in zip(some, others, strict=True):
        assert one.samples == other.samples
        np.testing.assert_array_equal(one.images, other.images)
        for mine, theirs in zip(one.rows, other.rows, strict=True):
            np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("workers", [1, 2])
def test_mosaics_are_alike_for_any_number_of_workers_and_from_any_start(workers):
    """All batches are held to the end: what loaders write later changes none that was handed out."""
    data = Scenes("train", train=90, size=96)
    more = {"images": 90, "batch": 24, "last": 3 * 3 * (workers + 3), "random": 1.4}
    alone = list(batches(data, plan(**more), MOSAIC))
    assert len({batch.images.shape for batch in alone}) > 1
    same(list(batches(data, plan(**more), MOSAIC, workers=workers)), alone)
    same(list(batches(data, plan(first=5, **more), MOSAIC, workers=workers)), alone[4:])


def test_the_largest_size_fits_into_a_slot():
    for random in (0, 0.7, 1, 1.2, 1.4, 2):
        sampler = Sampler(10, 2, 0, 416, 224, random)
        height, width = sampler.largest()
        sizes = {sampler.size(iteration) for iteration in range(1, 20000, 10)}
        assert max(high * wide for high, wide in sizes) <= height * width
        assert Batches(sampler, 1, 1).bytes() == 2 * 3 * height * width


def test_a_shared_buffer_gives_copies():
    buffer = SharedBuffer(2, 24)
    place = BatchLocation(1, 0, (1, 2, 4, 3))
    buffer.at(place)[:] = 7
    copy = buffer.copy_of(place)
    buffer.at(place)[:] = 8
    assert copy.unique().tolist() == [7]
    assert buffer.at(BatchLocation(0, 0, (1, 2, 4, 3))).max() == 0


def test_memory_that_cannot_be_had_is_refused_in_words():
    with pytest.raises(UsageError, match="no memory for the batches of the loaders"):
        SharedBuffer(3, 1 << 62)
