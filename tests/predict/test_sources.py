"""Story: sources as a user types them, the names of drawn pictures, and a run over good and bad images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from darknet_py.errors import DataError, UsageError
from darknet_py.predict.batch_detector import BatchDetector, DetectorSettings
from darknet_py.predict.detect_files import detect_files, entry_text
from darknet_py.predict.outputs.names import output_paths
from darknet_py.predict.sources.files import MissingImage, find_images, image_paths
from tests.fake_engine import FakeEngine


def put_image(path: Path, size: tuple[int, int] = (12, 8)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (200, 30, 30)).save(path)
    return path


def dog_detector(batch: int = 2) -> BatchDetector:
    """Finds the same dog in every image of 12 x 8."""
    dog = np.array([[4 / 12, 4 / 8, 6.123 / 12, 4 / 8, 1.0, 0.875]])
    return BatchDetector(FakeEngine(lambda image: dog), DetectorSettings(batch=batch), names=("dog",))


def test_files_folders_and_lists_become_paths(tmp_path):
    one, two = put_image(tmp_path / "one.png"), put_image(tmp_path / "more/two.jpg")
    (tmp_path / "list.txt").write_text(f"\ufeff{one}\r\n\n  more/two.jpg  \n", encoding="utf-8")
    assert image_paths([one, tmp_path / "more"]) == [one, two]
    assert image_paths([str(tmp_path / "list.txt")]) == [one, two]


@pytest.mark.parametrize("name", ["100%d.png", "-v.png", "犬 und katze.png", "a\nb.png", "[1].png"])
def test_I09_odd_names_are_taken_literally(tmp_path, name):
    path = put_image(tmp_path / name)
    assert image_paths([path]) == [path]
    assert image_paths([tmp_path]) == [path]


def test_a_missing_path_is_named(tmp_path):
    with pytest.raises(DataError) as error:
        image_paths([tmp_path / "no.jpg"])
    assert str(error.value) == f"{tmp_path / 'no.jpg'}: error: no such file or folder"


def test_a_missing_path_in_a_list_is_named_with_its_line(tmp_path):
    listed = tmp_path / "list.txt"
    listed.write_text(f"{put_image(tmp_path / 'one.png')}\ngone.jpg\n")
    with pytest.raises(DataError) as error:
        image_paths([listed])
    assert str(error.value) == (
        f"{listed}:2: error: no such image: gone.jpg\n"
        "   = a path in a list starts from the current folder, or from the list's own"
    )


def test_a_folder_or_list_without_images_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts/a.md").write_text("no image")
    (tmp_path / "list.txt").write_text("\n\n")
    for source in ("empty", "texts", "list.txt"):
        with pytest.raises(DataError, match="no image"):
            image_paths([tmp_path / source])


def test_equal_names_do_not_overwrite_each_other():
    paths = [
        Path("a/x.jpg"),
        Path("b/x.jpg"),
        Path("c/X.JPG"),
        Path("other/b/x.jpg"),
        Path("b/y.jpg"),
        Path("b/y.png"),
    ]
    outputs = [path.name for path in output_paths(paths, Path("out"))]
    assert outputs == ["a-x.jpg", "b-x.jpg", "c-X.JPG", "b-x-2.jpg", "y.jpg", "y.png"]


def test_the_same_image_twice_has_two_pictures():
    assert len(set(output_paths([Path("a/x.jpg")] * 3, Path("out")))) == 3


def test_a_made_up_name_gives_way_to_a_real_one():
    paths = [Path("a/x.jpg"), Path("b/x.jpg"), Path("c/a-x.jpg")]
    assert len(set(output_paths(paths, Path("out")))) == 3


def test_an_ending_that_opencv_cannot_write_gets_another():
    assert output_paths([Path("a/scan.ppm")], Path("out")) == [Path("out/scan.ppm.png")]


def test_an_input_is_not_overwritten(tmp_path):
    image = put_image(tmp_path / "one.png")
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    with pytest.raises(UsageError) as error:
        output_paths([image], link)
    assert str(error.value) == (
        f"{link / 'one.png'}: error: the picture drawn for {image} would overwrite an input\n"
        "   = name another folder for the drawn pictures"
    )


def test_an_output_that_is_a_file_is_refused(tmp_path):
    with pytest.raises(UsageError, match="is a file, not a folder"):
        output_paths([tmp_path / "a.png"], put_image(tmp_path / "b.png"))


def test_each_image_has_an_entry_and_a_picture(tmp_path):
    paths = [
        put_image(tmp_path / "a/x.png"),
        put_image(tmp_path / "b/x.png"),
        put_image(tmp_path / "c/y.bmp"),
    ]
    detector = dog_detector()
    entries = list(detect_files(detector, paths, out=tmp_path / "new/out"))
    assert [len(shape) and shape[0] for shape in detector.engine.shapes] == [2, 1]
    dog = {"label": 0, "class": "dog", "score": 0.875, "box_xyxy": [0.94, 2.0, 7.06, 6.0]}
    assert entries[0] == {"image": str(paths[0]), "width": 12, "height": 8, "detections": [dog]}
    written = sorted(path.name for path in (tmp_path / "new/out").iterdir())
    assert written == ["a-x.png", "b-x.png", "y.bmp"]
    picture = np.asarray(Image.open(tmp_path / "new/out/y.bmp"))
    assert picture.shape == (8, 12, 3)


def test_a_bad_image_does_not_stop_the_rest(tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"not a picture")
    paths = [put_image(tmp_path / "one.png"), bad, put_image(tmp_path / "two.png")]
    entries = list(detect_files(dog_detector(), paths, out=None, keep_going=True))
    assert ["error" in entry for entry in entries] == [False, True, False]
    seen = []
    with pytest.raises(DataError) as error:
        seen.extend(detect_files(dog_detector(), paths, out=None))
    assert str(error.value) == (
        f"error: 1 of 3 images could not be read: {bad}\n"
        "   = the other images are done; --keep-going accepts this"
    )


def test_entries_are_told_in_lines():
    dog = {"label": 0, "class": "dog", "score": 0.874, "box_xyxy": [121.2, 33.0, 410.0, 402.4]}
    entry = {"image": "a\nb.jpg", "width": 500, "height": 450, "detections": [dog, dog]}
    assert (
        entry_text(entry)
        == "a\\nb.jpg: 2 detections\n  dog 87% at 121,33 - 410,402\n  dog 87% at 121,33 - 410,402"
    )
    assert entry_text({**entry, "detections": []}) == "a\\nb.jpg: 0 detections"
    broken = "bad.jpg: error: is empty: 0 bytes"
    assert entry_text({"image": "bad.jpg", "error": broken}) == broken
    lossy = entry_text({**entry, "detections": [], "dropped": 3})
    assert lossy == "a\\nb.jpg: 0 detections (3 boxes that are not finite are left out)"


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    blocked = put_image(tmp_path / "file.png") / "out"
    with pytest.raises(UsageError, match="cannot be written: Not a directory"):
        list(detect_files(dog_detector(), [put_image(tmp_path / "one.png")], out=blocked))


def test_what_is_missing_stands_in_its_place_among_the_images(tmp_path):
    one, two = put_image(tmp_path / "one.png"), put_image(tmp_path / "two.png")
    (tmp_path / "empty").mkdir()
    listed = tmp_path / "list.txt"
    listed.write_bytes(b"one.png\ngone.jpg\ncaf\xe9.jpg\nempty\ntwo.png\n")
    found = list(find_images([listed, tmp_path / "no.jpg", tmp_path / "empty"]))
    assert [image for image in found if isinstance(image, Path)] == [one, two]
    missing = [str(image.error).splitlines()[0] for image in found if isinstance(image, MissingImage)]
    assert missing == [
        f"{listed}:2: error: no such image: gone.jpg",
        f"{listed}:3: error: no such image: caf\\udce9.jpg",
        f"{listed}:4: error: no such image: empty",
        f"{tmp_path / 'no.jpg'}: error: no such file or folder",
        f"{tmp_path / 'empty'}: error: holds no image: no file, and none ending in "
        + missing[4].partition("ending in ")[2],
    ]


def test_a_missing_image_does_not_stop_the_rest(tmp_path):
    listed = tmp_path / "list.txt"
    listed.write_text(f"{put_image(tmp_path / 'one.png')}\ngone.jpg\n{put_image(tmp_path / 'two.png')}\n")
    images = list(find_images([listed]))
    entries = list(detect_files(dog_detector(), images, out=tmp_path / "out", keep_going=True))
    assert [entry["image"] for entry in entries] == [
        str(tmp_path / "one.png"),
        "gone.jpg",
        str(tmp_path / "two.png"),
    ]
    assert "list.txt:2: error: no such image: gone.jpg" in entries[1]["error"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["one.png", "two.png"]
    with pytest.raises(DataError, match=r"1 of 3 images could not be read: gone\.jpg"):
        list(detect_files(dog_detector(), images, out=None))
