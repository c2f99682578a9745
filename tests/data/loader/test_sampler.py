"""Property. Oracle: an epoch is a permutation, draws follow seed and iteration, Darknet's sizes."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from darknet_py.data.augment.detection import Augmentation
from darknet_py.data.augment.settings import AugmentSettings
from darknet_py.data.formats.synthetic.scenes import Scenes
from darknet_py.data.loader.collate import batches, truth_rows
from darknet_py.data.loader.sampler import Batches, Sampler

few = settings(max_examples=50, deadline=None, derandomize=True)


def sampler(images=10, batch=4, seed=0, height=416, width=416, **keys):
    return Sampler(images, batch, seed, height, width, **keys)


@few
@given(st.integers(1, 40), st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_each_epoch_sees_each_image_once(images, batch, seed):
    one = sampler(images, batch, seed)
    iterations = -(-3 * images // batch)
    draws = [draw for it in range(1, iterations + 1) for draw in one.draws(it)][: 3 * images]
    for epoch in range(3):
        of_epoch = draws[epoch * images : (epoch + 1) * images]
        assert {draw.epoch for draw in of_epoch} == {epoch}
        assert sorted(draw.index for draw in of_epoch) == list(range(images))


def test_the_order_differs_by_epoch_and_by_seed():
    def order(seed, epoch):
        return tuple(draw.index for draw in sampler(50, 50, seed).draws(epoch + 1))

    assert len({order(seed, epoch) for seed in range(3) for epoch in range(3)}) == 9


@few
@given(st.integers(1, 500), st.integers(0, 9))
def test_draws_depend_on_seed_and_iteration_alone(iteration, seed):
    """Not on what was drawn before: a resumed run goes on with the same images."""
    fresh, used = (sampler(7, 3, seed, random=1) for _ in range(2))
    for it in range(1, 30):
        used.draws(it)
    assert fresh.draws(iteration) == used.draws(iteration)
    resumed = list(Batches(used, iteration, iteration + 2))
    assert resumed == [fresh.draws(it) for it in range(iteration, iteration + 3)]


def test_one_image_is_in_place_and_in_first_position_equally_often():
    first = Counter(sampler(5, 5, seed).draws(1)[0].index for seed in range(2000))
    assert sum((count - 400) ** 2 / 400 for count in first.values()) < 33  # chi-square, 4 degrees: p = 1e-6


def test_without_random_every_batch_has_the_cfgs_size():
    assert {sampler(height=320, width=608).size(it) for it in range(1, 100)} == {(320, 608)}


@few
@given(
    st.sampled_from([1, 1.2, 2.0]),
    st.sampled_from([32, 64]),
    st.integers(1, 20),
    st.integers(1, 20),
    st.integers(0, 99),
)
def test_multi_scale_sizes_follow_darknets_rule(random, step, rows, columns, seed):
    """dim = round(r * init / step + 1) * step, for r < 1 at most init, with one r for both sides."""
    one = sampler(seed=seed, height=rows * step, width=columns * step, random=random, step=step)
    most = 1.4 if random == 1 else random

    def allowed(side, r):
        dim = round(r * side / step) * step + step
        return max(step, side if r < 1 and dim > side else dim)

    factors = [*np.linspace(1 / most, 1, 2000, endpoint=False), *np.linspace(1, most, 2000)]
    pairs = {(allowed(rows * step, r), allowed(columns * step, r)) for r in factors}
    found = {one.size(it) for it in range(1, 400)}
    assert found <= pairs
    assert all(side % step == 0 and side >= step for size in found for side in size)


def test_at_416_the_sizes_run_from_320_to_608_and_never_below():
    found = {sampler(seed=seed, random=1).size(1) for seed in range(500)}
    assert found == {(side, side) for side in range(320, 609, 32)}


def test_sizes_change_every_ten_iterations_alone():
    one = sampler(random=1)
    sizes = [one.size(it) for it in range(1, 401)]
    for start in range(0, 400, 10):
        assert len(set(sizes[start : start + 10])) == 1
    assert len({sizes[start] for start in range(0, 400, 10)}) > 4


def test_all_images_of_a_batch_have_its_size():
    one = sampler(random=1, seed=3)
    for iteration in (1, 11, 21):
        assert {(draw.height, draw.width) for draw in one.draws(iteration)} == {one.size(iteration)}


AUGMENTATION = Augmentation(AugmentSettings(jitter=0.3, flip=True, hue=0.1, saturation=1.5, exposure=1.5))


def collected(workers, first=1, augment=AUGMENTATION):
    plan = Batches(Sampler(6, 4, 3, 64, 96, random=1.3), first, 4)
    return list(batches(Scenes("train", train=6, size=96), plan, augment, workers=workers))


def same(a, b):
    assert torch.equal(a.images, b.images)
    assert a.samples == b.samples
    for mine, theirs in zip(a.rows, b.rows, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_batches_are_identical_for_0_and_2_workers():
    alone, helped = collected(0), collected(2)
    assert len(alone) == len(helped) == 4
    for a, b in zip(alone, helped, strict=True):
        same(a, b)


def test_a_run_that_goes_on_gets_the_batches_it_would_have_had():
    for a, b in zip(collected(0)[2:], collected(0, first=3), strict=True):
        same(a, b)


def test_batches_do_not_touch_the_global_generators():
    torch.manual_seed(0)
    np.random.seed(0)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    collected(0)
    assert torch.equal(before[0], torch.get_rng_state())
    np.testing.assert_array_equal(before[1], np.random.get_state()[1])


def test_an_image_is_augmented_anew_in_every_epoch():
    plan = Batches(Sampler(1, 1, 0, 96, 96), 1, 3)
    first, second, third = batches(Scenes("train", train=1, size=96), plan, AUGMENTATION)
    assert len({tuple(batch.images.flatten().tolist()) for batch in (first, second, third)}) == 3


def test_without_augmentation_a_batch_is_the_pixels_and_the_boxes():
    data = Scenes("val", val=3, size=96)
    (batch,) = batches(data, Batches(Sampler(3, 3, 1, 96, 96), 1, 1), Augmentation())
    assert batch.images.dtype == torch.uint8
    assert sorted(batch.samples) == [0, 1, 2]
    for image, rows, number in zip(batch.images, batch.rows, batch.samples, strict=True):
        np.testing.assert_array_equal(image.permute(1, 2, 0), data.pixels(number))
        mine, theirs = (sorted(map(tuple, r)) for r in (rows * [96, 96, 96, 96, 1], truth_rows(data, number)))
        np.testing.assert_allclose(mine, theirs, atol=1e-9)


def test_crowds_are_no_truths(monkeypatch):
    data = Scenes("val", val=1, size=96)
    record = data.record(0)
    crowd = np.arange(len(record.labels)) % 2 == 0
    monkeypatch.setattr(data, "record", lambda index: type(record)(**(vars(record) | {"crowd": crowd})))
    assert len(truth_rows(data, 0)) == (~crowd).sum()


def test_batches_know_their_number():
    assert [len(Batches(sampler(), first, last)) for first, last in ((1, 5), (5, 5), (6, 5))] == [5, 1, 0]
    assert len(list(itertools.chain.from_iterable(Batches(sampler(), 1, 5)))) == 20
