"""Reference. Oracle: `tests/reference/classification.py`, on a network of one matrix."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from darknet_py.__main__ import main
from darknet_py.data.formats.labelled.base import Labelled
from darknet_py.data.formats.registry import open_data
from darknet_py.engines.torch_engine import TorchEngine, engine_of_copy
from darknet_py.errors import DataError, NotFinite, UsageError
from darknet_py.model.network import Network
from darknet_py.model.weights import save_weights
from darknet_py.tasks.base import EvaluationSettings
from darknet_py.tasks.classification_evaluation import evaluate_classifier, fitted_image
from tests.cli.test_bad_input import CFG as DETECTOR
from tests.layers.nets import network, section
from tests.reference import classification as reference

SIDE = 6
NAMES = ("ant", "bee", "cat", "dog", "emu", "fox", "gnu")


class Pictures(Labelled):
    """Noise, in several sizes, with labels; the last class has no image."""

    def __init__(self, count: int = 40, *, names: tuple[str, ...] = NAMES, seed: int = 0) -> None:
        draw = np.random.default_rng(seed)
        sizes = [(SIDE, SIDE), (9, 13), (15, 8), (5, 5)]
        self.images = [draw.integers(0, 256, (*sizes[k % 4], 3), np.uint8) for k in range(count)]
        self.labels = draw.integers(0, len(names) - 1, count)
        self.names, self.category_ids, self.dropped = names, tuple(range(len(names))), {}

    def name(self, index: int) -> str:
        return f"{index}.png"

    def size(self, index: int) -> tuple[int, int]:
        return self.images[index].shape[:2]

    def pixels(self, index: int) -> np.ndarray:
        return self.images[index]


def classifier(classes: int = len(NAMES), *, temperature: float = 1, cost: bool = True, body: str = ""):
    ends = [section("softmax", temperature=temperature), *([section("cost")] if cost else [])]
    net = network(
        body + section("connected", output=classes, activation="linear"), *ends, shape=(3, SIDE, SIDE)
    )
    for parameter in net.parameters():
        parameter.data.mul_(4)  # so that answers are sure of themselves
    return net


def logits_of(net, data: Pictures) -> np.ndarray:
    planes = [image.transpose(2, 0, 1) / 255 for image in data.images]
    seen = [reference.centre_crop(image, SIDE, SIDE) for image in planes]
    linear = net.layers[0].linear
    return reference.connected(seen, linear.weight.detach().numpy(), linear.bias.detach().numpy())


@pytest.mark.parametrize("temperature", [1, 3])
@pytest.mark.parametrize("cost", [True, False])
def test_the_figures_are_those_of_numpy(temperature, cost):
    net, data = classifier(temperature=temperature, cost=cost), Pictures()
    found = evaluate_classifier(TorchEngine(net), data, EvaluationSettings(batch=7))
    logits = logits_of(net, data)
    scores = reference.softmax(logits, temperature)
    assert found.top1 == pytest.approx(reference.top(scores, data.labels, 1))
    assert found.top5 == pytest.approx(reference.top(scores, data.labels, 5))
    assert 0 < found.top1 < found.top5 < 1
    losses = reference.cross_entropy(logits, data.labels, temperature=temperature)
    assert found.loss == pytest.approx(losses.mean(), rel=1e-4)
    confusion = reference.confusion(scores, data.labels, len(NAMES))
    assert found.confusion == confusion.tolist()
    assert found.predictions == scores.argmax(axis=1).tolist()
    counts = confusion.sum(axis=1)
    assert found.per_class == {
        name: pytest.approx(confusion[k, k] / counts[k]) if counts[k] else None
        for k, name in enumerate(NAMES)
    }
    assert found.per_class["gnu"] is None
    assert (found.images, found.train_top1, found.train_loss) == (40, None, None)


def test_training_images_are_scored_as_they_are_evenly_spread():
    net, val, train = classifier(), Pictures(5), Pictures(17, seed=1)
    found = evaluate_classifier(TorchEngine(net), val, EvaluationSettings(train=train))
    chosen, logits = [0, 4, 8, 12, 16], logits_of(net, train)
    labels = train.labels[chosen]
    assert found.train_top1 == pytest.approx(reference.top(logits[chosen], labels, 1))
    assert found.train_loss == pytest.approx(reference.cross_entropy(logits[chosen], labels).mean(), rel=1e-4)
    assert found.images == 5
    assert found.protocol["train_top1"].startswith("of 5 training images")


def test_few_classes_have_no_top5():
    names = NAMES[:5]
    found = evaluate_classifier(TorchEngine(classifier(5)), Pictures(8, names=names))
    assert found.top5 is None
    assert evaluate_classifier(TorchEngine(classifier(6)), Pictures(8, names=NAMES[:6])).top5 is not None


@pytest.mark.parametrize("training", [False, True])
def test_the_network_is_left_alone_and_progress_is_told(training):
    drop = classifier(body=section("dropout", probability=0.5)).train(training)
    told: list[tuple[int, int]] = []
    settings = EvaluationSettings(batch=2, train=Pictures(9))
    engine = engine_of_copy(drop, "cpu")
    found = evaluate_classifier(engine, Pictures(5), settings, progress=lambda *args: told.append(args))
    assert drop.training is training
    assert told == [(n, 10) for n in (2, 4, 5, 7, 9, 10)]
    assert found.top1 == evaluate_classifier(engine, Pictures(5)).top1


def test_the_json_has_the_figures_and_not_the_predictions():
    found = evaluate_classifier(TorchEngine(classifier()), Pictures()).to_json()
    assert list(found) == [
        *("top1", "top5", "loss", "train_top1", "train_loss"),
        *("per_class", "confusion", "images", "protocol"),
    ]
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["protocol"] == {
        "metric": "top-1 and top-5 accuracy",
        "split": "val",
        "size": [SIDE, SIDE],
        "resize": "shorter side, middle crop",
    }


@pytest.mark.parametrize("image", [(6, 6), (20, 30), (31, 17), (5, 5), (4, 9), (183, 122), (1, 1), (1, 7)])
def test_an_image_is_resized_to_its_shorter_side_and_cut_from_the_middle(image):
    pixels = np.random.default_rng(0).integers(0, 256, (*image, 3), np.uint8)
    for size in (6, 10):
        expected = reference.centre_crop(pixels.transpose(2, 0, 1) / 255, size, size)
        found = fitted_image(pixels, (size, size))
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("size", [(6, 10), (10, 6)])
@pytest.mark.parametrize("image", [(20, 30), (31, 17), (5, 5)])
def test_an_input_that_is_not_square_is_filled(image, size):
    """Darknet's own crop would reach beyond the image here; the image covers all of the input instead."""
    (high, wide), (rows, columns) = image, size
    inner = (rows, wide * rows // high) if rows / high > columns / wide else (high * columns // wide, columns)
    pixels = np.random.default_rng(0).integers(0, 256, (*image, 3), np.uint8)
    whole = reference.resized(pixels.transpose(2, 0, 1) / 255, *inner)
    top, left = (inner[0] - rows) // 2, (inner[1] - columns) // 2
    np.testing.assert_allclose(
        fitted_image(pixels, size), whole[:, top : top + rows, left : left + columns], atol=1e-5
    )


def test_other_classes_are_refused():
    with pytest.raises(DataError) as caught:
        evaluate_classifier(TorchEngine(classifier(3)), Pictures())
    assert str(caught.value) == "error: the data has 7 classes, and the network outputs 3"


def test_boxes_are_refused_by_a_classifier():
    with pytest.raises(DataError) as caught:
        evaluate_classifier(TorchEngine(classifier(8)), open_data("scenes:train=2,val=2", split="val"))
    assert str(caught.value) == (
        "error: the data has boxes, and the network is a classifier\n"
        "   = give train/CLASS/*.jpg folders, or a .data file with `labels`"
    )


@pytest.mark.parametrize("keys", [{"groups": 2}, {"spatial": 1}])
def test_several_distributions_are_refused(keys):
    net = network(section("connected", output=6), section("softmax", **keys), shape=(3, 2, 2))
    with pytest.raises(UsageError) as caught:
        evaluate_classifier(TorchEngine(net), Pictures(names=NAMES[:6]))
    assert str(caught.value) == (
        "error: layer 1 [softmax] (cfg line 10) outputs several distributions; a classifier has one\n"
        "   = groups=1 and spatial=0 are trained and scored"
    )


def test_a_classifier_is_a_network_that_ends_in_softmax_and_has_no_heads():
    connected, softmax, cost = section("connected", output=18), section("softmax"), section("cost")
    head = section("yolo", mask="0,1,2", anchors="1,1,2,2,3,3", num=3, classes=1)
    for sections, index in (
        ((connected, softmax), 1),
        ((connected, softmax, cost), 1),
        ((softmax, connected, softmax, cost, cost), 2),
        ((softmax, connected), None),
        ((connected, cost), None),
        ((connected, head, section("route", layers=0), softmax), None),
    ):
        assert network(*sections, shape=(3, 4, 4)).graph.classifier == index


def test_weights_that_are_not_finite_are_told():
    net = classifier()
    net.layers[0].linear.bias.data[2] = torch.nan
    with pytest.raises(NotFinite, match="the output of the network is not finite"):
        evaluate_classifier(TorchEngine(net), Pictures(4))


def test_a_network_without_weights_is_scored():
    data = Pictures(8, names=("red", "green", "blue", "none"))
    data.names, data.category_ids = data.names[:3], (0, 1, 2)
    net = network(section("avgpool"), section("softmax"), shape=(3, SIDE, SIDE))
    middles = [reference.centre_crop(i.transpose(2, 0, 1) / 255, SIDE, SIDE) for i in data.images]
    brightest = [int(one.mean(axis=(1, 2)).argmax()) for one in middles]
    assert evaluate_classifier(TorchEngine(net), data).predictions == brightest


# The command line: what does not go together is told in one message, before anything is trained.

CLASSIFIER = DETECTOR.partition("[yolo]")[0] + "[avgpool]\n[softmax]\n[cost]\n"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "boxes.cfg").write_text(DETECTOR)
    (tmp_path / "classes.cfg").write_text(CLASSIFIER)
    for split in ("train", "val"):
        for name in ("red", "blue"):
            file = tmp_path / "folders" / split / name / "a.png"
            file.parent.mkdir(parents=True)
            Image.new("RGB", (32, 32), name).save(file)
    return tmp_path


@pytest.mark.parametrize("verb", [["train", "--cfg"], ["compare"]], ids=["train", "compare"])
@pytest.mark.parametrize(
    ("cfg", "data", "said"),
    [
        (
            "classes.cfg",
            "scenes:train=2,val=2,size=96",
            "error: the data has boxes, and the network is a classifier\n"
            "   = give train/CLASS/*.jpg folders, or a .data file with `labels`\n",
        ),
        (
            "boxes.cfg",
            "folders",
            "error: the data has labels, and the network finds boxes\n"
            "   = a network that ends in [softmax] is trained on labels; a detector needs boxes\n",
        ),
    ],
)
def test_a_network_and_data_of_the_other_kind_are_told_before_anything_is_trained(
    place, capsys, monkeypatch, verb, cfg, data, said
):
    monkeypatch.chdir(place)
    assert main([*verb, cfg, "--data", data, "--out", "out"]) == 3
    assert capsys.readouterr().err.endswith(said)
    assert not list(place.glob("out/**/net.cfg"))


def test_eval_refuses_data_of_the_other_kind_and_scores_its_own(place, capsys, monkeypatch):
    monkeypatch.chdir(place)
    (place / "two.cfg").write_text(CLASSIFIER.replace("filters=18", "filters=2"))

    def evaluated(name: str, data: str) -> tuple[int, str, str]:
        save_weights(Network.from_cfg(f"{name}.cfg"), Path(f"{name}.weights"))
        code = main(
            ["eval", "--json", "--cfg", f"{name}.cfg", "--weights", f"{name}.weights", "--data", data]
        )
        return code, *capsys.readouterr()

    for name, data, said in (
        ("classes", "scenes:train=2,val=2,size=96", "the data has boxes, and the network is a classifier"),
        ("classes", "folders", "the data has 2 classes, and the network outputs 18"),
        ("boxes", "folders", "the data has labels, and the network finds boxes"),
    ):
        code, _, error = evaluated(name, data)
        assert (code, said in error) == (3, True)
    code, out, _ = evaluated("two", "folders")
    found = json.loads(out)
    assert (code, found["images"], sum(map(sum, found["confusion"]))) == (0, 2, 2)


def test_a_training_that_ends_in_what_is_not_finite_is_no_traceback(place, capsys, monkeypatch):
    monkeypatch.chdir(place)
    hot = CLASSIFIER.replace("max_batches=2", "max_batches=1\nlearning_rate=1e38")
    (place / "hot.cfg").write_text(hot)
    assert main(["train", "--cfg", "hot.cfg", "--data", "folders", "--out", "out"]) == 4
    assert "the output of the network is not finite" in capsys.readouterr().err
    assert not (place / "out" / "result.json").exists()
