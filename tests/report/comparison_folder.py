"""The folder of a comparison as `compare` writes it: three variants, two seeds, computed logs."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from darknet_py.scoring.matches import Matches

NAMES = ("yolov3-tiny", "yolov3-tiny-stochpool", "yolov3-tiny-spp")
CLASSES = ("disc", "ring", "square", "cross", "triangle", "star")
# AP x 1010 of (variant, seed): the second variant is like the baseline, the third is better.
POINTS = ((409, 432), (416, 435), (557, 569))
AP = tuple(tuple(points / 1010 for points in row) for row in POINTS)
IMAGES = 200
FACTS = ((8_676_244, 8_669_876, 0.816, 0.814, 318), (8_676_244, 8_669_876, 0.816, 0.814, 318),
         (9_202_068, 9_195_700, 0.894, 0.891, 702))  # fmt: skip
EPOCHS, STEPS = 40, 125

CFG = """[net]
# what all variants share
batch=16
width=160
height=160
channels=3
learning_rate=0.001
burn_in=100
max_batches = 5000

[convolutional]
batch_normalize=1
filters=16
size=3
stride=1
pad=1
activation=leaky

[{pool}]
size=2
stride=2

[convolutional]
filters=33
size=1
stride=1
activation=linear

[yolo]
mask = 3,4,5
anchors = 10,14,  23,27,  37,58,  81,82,  135,169,  344,319
classes=6
num=6
"""


def write_json(path: Path, value: object) -> None:
    """Write a JSON file, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def wobble(*numbers: float) -> float:
    """A number in -1..1 that looks drawn and is not."""
    return math.sin(12.9898 * sum((at + 1) * number for at, number in enumerate(numbers)) + 1) * math.cos(
        78.233 * sum(numbers)
    )


def cfg_text(variant: int) -> str:
    """The cfg of a variant: the baseline, another pool, or one more section."""
    text = CFG.format(pool="stochpool" if variant == 1 else "maxpool")
    spp = "[spp]\nsizes=5,9,13\n\n[convolutional]\nfilters=33"
    return text.replace("[convolutional]\nfilters=33", spp) if variant == 2 else text


def log_text(variant: int, seed: int, ap50: float) -> str:
    """A log whose loss falls and whose AP50 rises, torn in its last line."""
    lines = []
    for iteration in range(20, EPOCHS * STEPS + 1, 20):
        epoch = iteration / STEPS
        loss = 2.1 + 60 * math.exp(-epoch / 2.2) + 5 * math.exp(-epoch / 14) - 0.2 * variant
        loss *= 1 + 0.12 * wobble(iteration, variant, seed)
        lines.append({"iteration": iteration, "epoch": epoch, "loss": loss, "learning_rate": 0.001})
        if iteration % 500 == 0:
            reached = ap50 * (1 - math.exp(-epoch / 9)) / (1 - math.exp(-EPOCHS / 9))
            reached += 0.012 * wobble(iteration, seed) * (iteration < EPOCHS * STEPS)
            lines.append({"iteration": iteration, "epoch": epoch, "ap": reached * 0.55, "ap50": reached})
    return "".join(json.dumps(line) + "\n" for line in lines) + '{"iteration": 5020, "epo'


def result(variant: int, seed: int, *, name: str, classes: tuple[str, ...]) -> dict:
    """What a finished run writes last."""
    ap = AP[variant][seed]
    parameters, trainable, bflops, bflops_conv, reach = FACTS[variant]
    per_class = {
        c: ap + 0.19 * wobble(at, 3) + 0.02 * wobble(at, variant, seed) for at, c in enumerate(classes)
    }
    metrics = {"ap": ap, "ap50": ap + 0.27, "ap75": ap + 0.02, "ap_small": ap - 0.2, "ap_medium": ap + 0.06}
    protocol = {"metric": "COCO bbox (pycocotools)", "split": "val", "score_threshold": 0.001}
    protocol |= {"nms": "default 0.6", "size": [160, 160], "resize": "stretch"}
    seconds = 412.0 + 61 * (variant == 1) + 38 * (variant == 2) + 5.5 * seed
    return {
        "format": 1,
        "variant": name,
        "seed": seed,
        "data": {"name": "scenes", "fingerprint": "5e" * 32, "images": 200, "classes": list(classes)},
        "scores": {**metrics, "ap_large": None, "per_class": per_class, "images": 200, "protocol": protocol},
        "network": {"parameters": parameters, "trainable": trainable, "bflops": bflops}
        | {"bflops_conv": bflops_conv, "reach": [reach, reach], "size": [160, 160]},
        "training": {
            "iterations": 5000,
            "epochs": 40.0,
            "images_seen": 80000,
            "seconds": seconds,
            "batch": 16,
        },
    }


def matches_of(points: int, *, seed: int) -> Matches:
    """Matches with an AP of points / 1010: an object in each image, and no false detection.

    Runs find the same easy images and differ in some. Of 200 objects, 2 r - 1 found at a threshold reach r of
    101 recalls, and not by a rounding error.
    """
    draw = np.random.default_rng(seed)
    place = np.argsort(np.argsort(np.arange(IMAGES) + draw.normal(0, 20, IMAGES)))
    recalls = [points // 10 + 18 - 4 * at + (at < points % 10) for at in range(10)]
    bits = sum((place < 2 * one - 1).astype(np.uint64) << np.uint64(at) for at, one in enumerate(recalls))
    assert isinstance(bits, np.ndarray)
    found = np.argsort(place)[: np.count_nonzero(bits)]  # those with the greatest IoU first: precision is 1
    images = np.arange(IMAGES, dtype=np.uint32)
    return Matches(
        image_ids=np.arange(IMAGES),
        category_ids=np.ones(1, np.int64),
        starts=np.array([0, len(found)]),
        images=images[found],
        scores=np.linspace(0.9, 0.1, len(found)),
        ranks=np.zeros(len(found), np.uint8),
        hits=bits[found],
        ignored=np.zeros(len(found), np.uint64),
        truth_images=images,
        truth_labels=np.zeros(IMAGES, np.uint32),
        truth_areas=np.ones(IMAGES, np.uint8),
    )


def draw_sample(path: Path, variant: int, picture: int) -> None:
    """An image with boxes, as `compare` draws them."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (320, 240), (52 + 30 * picture, 62, 78))
    pen = ImageDraw.Draw(image)
    for at in range(4):
        x, y, side = 20 + 72 * at, 30 + 35 * ((at * 3 + picture) % 4), 44 + 9 * at
        pen.ellipse((x, y, x + side, y + side), fill=(90 + 40 * at, 200 - 35 * at, 120 + 20 * picture))
        pen.rectangle(
            (x - 2 - variant, y - 2, x + side + 2, y + side + 2 + variant), outline=(255, 221, 87), width=2
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)


def write_folder(
    folder: Path, *, names: tuple[str, ...] = NAMES, classes: tuple[str, ...] = CLASSES, samples: int = 0
) -> Path:
    """Write a complete comparison: three variants, seeds 0 and 1."""
    cfgs = [("cfg/demo/yolov3-tiny.cfg", []), ("cfg/demo/yolov3-tiny.cfg", ["11.section=stochpool"])]
    cfgs.append(("cfg/demo/yolov3-tiny-spp.cfg", []))
    entries = [
        {"name": name, "cfg": cfg, "edits": edits} for name, (cfg, edits) in zip(names, cfgs, strict=True)
    ]
    write_json(
        folder / "compare.json", {"data": "scenes", "epochs": 40, "seeds": [0, 1], "variants": entries}
    )
    for variant, name in enumerate(names):
        for seed in (0, 1):
            home = folder / "runs" / name / f"seed-{seed}"
            record = result(variant, seed, name=name, classes=classes)
            write_json(home / "result.json", record)
            matches_of(POINTS[variant][seed], seed=seed).save(home / "matches.npz")
            (home / "net.cfg").write_text(cfg_text(variant), encoding="utf-8")
            (home / "log.jsonl").write_text(
                log_text(variant, seed, record["scores"]["ap50"]), encoding="utf-8"
            )
        for picture in range(samples):
            draw_sample(folder / "runs" / name / "samples" / f"{picture}.png", variant, picture)
    times = {
        name: {"median": m, "min": m - 0.2, "max": m + 0.9}
        for name, m in zip(names, (6.1, 7.9, 6.8), strict=True)
    }
    setting = {"unit": "ms per image", "batch": 1, "threads": 2, "device": "cpu", "rounds": 7}
    write_json(folder / "latency.json", setting | {"variants": times})
    return folder


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """A complete comparison, to be read or to be damaged."""
    return write_folder(tmp_path / "out")


@pytest.fixture(scope="session")
def make_folder() -> Callable[..., Path]:
    """The writer of such folders, for names of one's own."""
    return write_folder


@pytest.fixture
def change(run_folder: Path) -> Callable[..., Path]:
    """Change one value of a JSON file of the folder; the place is given as keys."""

    def change_value(file: str, *keys: str | int, to: object) -> Path:
        path = run_folder / file
        content = json.loads(path.read_text(encoding="utf-8"))
        part = content
        for key in keys[:-1]:
            part = part[key]
        part[keys[-1]] = to
        write_json(path, content)
        return path

    return change_value
