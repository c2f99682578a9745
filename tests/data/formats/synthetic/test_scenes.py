"""Oracle: the pixels: what is drawn lies in its box, and only form tells the class. Kind: property."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from darknet_py.data.formats.registry import DATA_HELP, open_data
from darknet_py.data.formats.synthetic.drawing import FIGURES, Pose, inside, paint, stamp
from darknet_py.data.formats.synthetic.scenes import LARGEST, SMALLEST, Scenes
from darknet_py.errors import DataError, UsageError
from tests.paths import ROOT


@pytest.fixture(scope="module")
def scenes() -> Scenes:
    return Scenes("val", val=120)


def test_a_scene_follows_from_seed_split_and_index_alone(scenes: Scenes) -> None:
    backwards = Scenes("val", val=9)
    for index in (8, 3, 0):
        np.testing.assert_array_equal(backwards.pixels(index), scenes.pixels(index))
        np.testing.assert_array_equal(backwards.record(index).boxes_xywh, scenes.record(index).boxes_xywh)
        np.testing.assert_array_equal(backwards.record(index).labels, scenes.record(index).labels)


def test_another_process_draws_the_same_pixels(scenes: Scenes) -> None:
    module = "darknet_py.data.formats.synthetic.scenes"
    code = f"from {module} import Scenes; open(1, 'wb').write(Scenes('val').pixels(4))"
    drawn = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True).stdout
    assert drawn == scenes.pixels(4).tobytes()


def test_splits_seeds_and_indices_differ(scenes: Scenes) -> None:
    others = [Scenes("train"), Scenes("val", seed=1)]
    pictures = [scenes.pixels(0), scenes.pixels(1), *(other.pixels(0) for other in others)]
    assert len({picture.tobytes() for picture in pictures}) == 4


def test_a_picture_is_drawn_once_and_writing_to_it_changes_a_copy(scenes: Scenes) -> None:
    assert scenes.record(5).boxes_xywh is scenes.record(5).boxes_xywh
    before = scenes.pixels(5).tobytes()
    scenes.pixels(5)[:] = 0
    assert scenes.pixels(5).tobytes() == before


def test_records_have_one_to_five_boxes_inside_the_image(scenes: Scenes) -> None:
    for index in range(len(scenes)):
        record = scenes.record(index)
        assert scenes.pixels(index).shape == (record.height, record.width, 3) == (160, 160, 3)
        assert scenes.pixels(index).dtype == np.uint8
        assert 1 <= len(record.labels) <= 5
        ends = record.boxes_xywh[:, :2] + record.boxes_xywh[:, 2:]
        assert (record.boxes_xywh[:, :2] >= 0).all()
        assert (ends <= 160 + 1e-9).all()
        assert (record.boxes_xywh[:, 2:] > 2).all()


def test_sides_cover_a_range_of_ten_to_one_and_small_objects_are_frequent(scenes: Scenes) -> None:
    boxes = np.concatenate([scenes.record(index).boxes_xywh for index in range(len(scenes))])
    sides = np.sqrt(boxes[:, 2] * boxes[:, 3])
    low, high = np.percentile(sides, [2, 98])
    assert high / low > 8
    assert LARGEST / SMALLEST >= 10
    assert 0.25 < (sides < 32).mean() < 0.6


def test_classes_are_equally_frequent_and_sizes_say_nothing_of_them() -> None:
    data = Scenes("train", train=400)
    records = [data.record(index) for index in range(len(data))]
    labels = np.concatenate([record.labels for record in records])
    sides = np.concatenate([record.boxes_xywh[:, 2:].max(axis=1) for record in records])
    counts = np.bincount(labels, minlength=len(data.names))
    assert len(data.names) >= 8
    assert counts.min() > 0.7 * counts.mean()
    medians = [np.median(sides[labels == label]) for label in range(len(data.names))]
    assert max(medians) / min(medians) < 1.5


def test_colours_say_nothing_of_the_class(scenes: Scenes) -> None:
    def middle(index: int, box: np.ndarray) -> np.ndarray:
        x, y = (box[:2] + box[2:] / 2).astype(int).clip(0, 159)
        return scenes.pixels(index)[y, x].astype(float)

    found = [
        (label, middle(index, box))
        for index in range(len(scenes))
        for label, box in zip(scenes.record(index).labels, scenes.record(index).boxes_xywh, strict=True)
    ]
    labels, colours = np.array([label for label, _ in found]), np.array([colour for _, colour in found])
    means = np.array([colours[labels == label].mean(axis=0) for label in range(len(scenes.names))])
    spread = colours.std(axis=0) / np.sqrt(np.bincount(labels).min())
    assert (np.abs(means - colours.mean(axis=0)) < 4 * spread).all()


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
@pytest.mark.parametrize("side", [8.0, 30.0, 96.0])
def test_a_box_is_the_extent_of_what_is_drawn(figure: object, side: float) -> None:
    for angle in (0.0, 0.4, 2.0):
        mark = stamp(figure, Pose(80.3, 79.6, side / 2, side / 2.2, angle))
        rows, columns = (np.flatnonzero((mark.cover >= 64).any(axis=axis)) for axis in (1, 0))
        drawn = (
            mark.left + columns[0],
            mark.top + rows[0],
            mark.left + columns[-1] + 1,
            mark.top + rows[-1] + 1,
        )
        # The tip of a star is thinner than a pixel, so it may be missing from the pixels.
        assert np.abs(np.array(drawn) - mark.box_xyxy).max() <= 1.0 + 0.03 * side


def test_coverage_adds_up_to_the_area_of_the_polygon() -> None:
    by_name = {figure.name: figure for figure in FIGURES}
    areas = {
        "plain-square": 1.7**2,
        "plain-disc": np.pi,
        "ring": np.pi * (1 - 0.55**2),
    }
    for name, area in areas.items():
        for half in (5, 30):
            mark = stamp(by_name[name], Pose(50.2, 49.9, half, half, 0.3))
            assert mark.cover.sum() / 255 == pytest.approx(area * half**2, rel=0.02)


def test_figures_differ_in_outline_or_in_ink() -> None:
    drawn = set()
    for figure in FIGURES:
        mark = stamp(figure, Pose(20, 20, 15, 15, 0))
        drawn.add((mark.cover.tobytes(), np.minimum(mark.cover, mark.ink).tobytes()))
    assert len(drawn) == len(FIGURES)


@pytest.mark.parametrize(("x", "y"), [(0, 0), (39, 20), (-30, 5), (60, 60)])
def test_a_figure_that_leaves_the_picture_is_painted_as_far_as_it_lies_in_it(x: float, y: float) -> None:
    picture = np.zeros((3, 30, 40), dtype=np.float32)
    mark = stamp(FIGURES[0], Pose(x, y, 12, 12, 0))
    white = np.full(3, 255.0)
    paint(picture, mark, colour=white, ink=white, slope=(0, 0))
    there, here = inside(mark, 30, 40)
    np.testing.assert_allclose(picture[0][there], mark.cover[here], atol=0.01)
    assert picture[0].sum() == pytest.approx(picture[0][there].sum())


def test_the_spec_is_read(scenes: Scenes) -> None:
    assert len(open_data("scenes", split="train")) == 1200
    assert len(open_data("scenes", split="val")) == 300
    small = open_data("scenes:val=20,size=96", split="val")
    assert (len(small), small.pixels(0).shape) == (20, (96, 96, 3))
    seeded = open_data("scenes:seed=7", split="val", seed=3)
    assert isinstance(seeded, Scenes)
    assert seeded.seed == 7


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("scenes:", "error: `` in `scenes:` is not understood"),
        ("scenes:trian=3", "error: `trian=3` in `scenes:trian=3` is not understood"),
        ("scenes:size=1e2", "error: `size=1e2` in `scenes:size=1e2` is not understood"),
        ("scenes:size=8", "error: scenes: size = 8 is not from 96 to 1024"),
        ("scenes:val=0", "error: scenes: val = 0 is not from 1 to 1000000"),
        ("scenes:val=3,val=4", "error: `scenes:val=3,val=4` gives `val` twice"),
    ],
)
def test_a_spec_that_is_not_understood_is_a_usage_error(spec: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_data(spec, split="val")
    assert str(caught.value).split("\n")[0] == told


def test_anything_else_is_not_a_data_set() -> None:
    with pytest.raises(DataError) as caught:
        open_data("coco.yaml", split="val")
    assert str(caught.value) == (
        f"error: `coco.yaml` is not a data set: found nothing of that name\n   = give {DATA_HELP}"
    )


def test_an_unknown_split_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="scenes have no split `test`; they have train and val"):
        Scenes("test")


def test_the_fingerprint_follows_every_option_and_draws_nothing() -> None:
    variants = [
        Scenes("train"),
        Scenes("val"),
        *(Scenes("val", **{key: 128}) for key in ("val", "size", "seed")),
    ]
    assert len({data.fingerprint for data in variants}) == 5
    assert Scenes("val", train=5).fingerprint == Scenes("val").fingerprint
    assert not any(scene for data in variants for scene in data._scenes)


def test_the_ground_truth_numbers_categories_from_one(scenes: Scenes) -> None:
    truth = scenes.ground_truth()
    assert truth["categories"][0] == {"id": 1, "name": "plain-disc"}
    assert [image["id"] for image in truth["images"]] == list(range(1, 121))
    assert len(truth["annotations"]) == sum(len(scenes.record(index).labels) for index in range(120))
    assert {annotation["iscrowd"] for annotation in truth["annotations"]} == {0}
    first = truth["annotations"][0]
    assert first["area"] == pytest.approx(first["bbox"][2] * first["bbox"][3])
