"""Golden and property. Oracle: fields known from elsewhere, a kernel's own energy, the sampler's draws."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from darknet_py.analysis.effective import effective, picture
from darknet_py.arithmetic.sizes import training_sizes
from darknet_py.cfg.document import parse, read
from darknet_py.cfg.shipped import find_cfg
from darknet_py.data.loader.sampler import Sampler
from darknet_py.graph.compile import compile
from darknet_py.graph.coverage import coverages
from darknet_py.model.network import Network
from darknet_py.model.weights import save_weights
from tests.command import Cli

SMALL = (
    "[net]\nwidth=15\nheight=15\nchannels=3\n[convolutional]\nfilters=1\nsize=5\npad=1\nactivation=linear\n"
)


def test_the_table_has_a_row_a_layer_and_the_pools_at_every_size(cli: Cli) -> None:
    lines = cli("reach", "yolov3-tiny").printed().splitlines()
    assert lines[12].split()[:7] == ["11", "maxpool", "13", "x", "13", "/32", "190"]
    assert lines[-7].split() == ["pool", *map(str, range(320, 609, 32))]
    assert lines[-1].split()[:3] == ["11", "maxpool", "4.0"]


def test_json_has_the_same_figures(cli: Cli) -> None:
    whole = json.loads(cli("reach", "yolov3-tiny", "--json", "--layer", "11").printed())
    (layer,) = whole["layers"]
    assert (layer["reach"], layer["stride"], layer["map"]) == ([190, 190], [32.0, 32.0], [13, 13])
    assert layer["middle"]["rows"] == [129, 318]
    assert {tuple(one["input"]) for one in whole["pools"]} == {(side, side) for side in range(320, 609, 32)}


@pytest.mark.parametrize("words", [["--layer", "24"], ["--weights", "x"], ["--images", "x"]])
def test_what_cannot_be_asked_is_a_usage_error(words: list[str], cli: Cli) -> None:
    code, _, err = cli("reach", "yolov3-tiny", *words)
    assert code == 2
    assert "error:" in err


@pytest.mark.parametrize("random", [0.0, 1.0, 1.2, 0.7])
@pytest.mark.parametrize(("height", "width", "step"), [(416, 416, 32), (608, 320, 32), (224, 256, 64)])
def test_the_training_sizes_are_those_that_the_sampler_draws(
    random: float, height: int, width: int, step: int
) -> None:
    sampler = Sampler(images=8, batch=1, seed=0, height=height, width=width, random=random, step=step)
    drawn = {sampler.size(10 * n) for n in range(1, 3000)}
    sizes = set(training_sizes(height, width, random, step))
    assert drawn <= sizes
    assert len(sizes - drawn) <= 2, "ends of the range, which are seldom drawn"


def test_a_window_of_13_covers_all_of_a_map_of_13_and_less_of_a_larger_one() -> None:
    found = {(one.index, one.size[0]): one.share for one in coverages(compile(read(find_cfg("yolov3-spp"))))}
    assert found[82, 608] == pytest.approx((13 / 19) ** 2)
    graph = compile(parse(find_cfg("yolov3-spp").read_text().replace("=608", "=416")))
    assert {one.share for one in coverages(graph) if one.index == 82 and one.size[0] <= 416} == {1.0}


def kernel_network(kernel: torch.Tensor) -> Network:
    network = Network(compile(parse(SMALL)))
    with torch.no_grad():
        network.layers[0].conv.weight.copy_(kernel.expand(1, 3, 5, 5))
    return network


def test_the_energy_of_one_linear_convolution_is_its_kernel_squared() -> None:
    kernel = torch.rand(5, 5)
    found = effective(kernel_network(kernel), [torch.rand(3, 15, 15) for _ in range(2)], 0)
    assert found is not None
    expected = kernel.double().square().numpy()
    np.testing.assert_allclose(found.energy[5:10, 5:10], expected / expected.sum(), rtol=1e-6)
    assert found.energy.sum() == pytest.approx(1)
    assert (found.rows, found.columns, found.images) == ((5, 9), (5, 9), 2)


def test_the_radius_is_that_of_the_smallest_disc() -> None:
    kernel = torch.zeros(5, 5)
    kernel[2, 2], kernel[2, 0], kernel[2, 4] = (
        2.0,
        1.0,
        1.0,
    )  # energy 4 in the middle, 1 two pixels off each way
    found = effective(kernel_network(kernel), [torch.rand(3, 15, 15)], 0)
    assert found is not None
    assert found.centre == (pytest.approx(7), pytest.approx(7))
    assert (found.radius(0.5), found.radius(0.95)) == (pytest.approx(0, abs=1e-9), pytest.approx(2))
    assert picture(found, "one").startswith(b"\x89PNG")


def test_a_cell_that_no_pixel_changes_has_no_field() -> None:
    assert effective(kernel_network(torch.zeros(5, 5)), [torch.rand(3, 15, 15)], 0) is None


def test_the_verb_draws_the_field_of_weights_on_images(tmp_path: Path, cli: Cli) -> None:
    import cv2

    cfg, weights = tmp_path / "small.cfg", tmp_path / "small.weights"
    cfg.write_text(SMALL)
    save_weights(kernel_network(torch.rand(5, 5)), weights)
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "image.png"), image)
    words = [str(cfg), "--weights", str(weights), "--images", str(tmp_path / "image.png")]
    text = cli("reach", *words, "--out", str(tmp_path / "field.png")).printed()
    assert "cell (7, 7) of 15 x 15" in text
    assert "rows 5 .. 9, columns 5 .. 9: 5 x 5 pixels" in text
    assert (tmp_path / "field.png").read_bytes().startswith(b"\x89PNG")
    figures = json.loads(cli("reach", *words, "--json").printed())
    assert set(figures["radius"]) == {"50", "95"}
