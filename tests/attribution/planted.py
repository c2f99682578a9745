"""A network and images that are made so that one branch of an SPP block tells objects from other spots.

Every image has green spots. A spot is an object when a red mark lies at a distance that the window of the
useful branch reaches, and the next smaller window does not. The network reads the block of the red map with a
weight on that branch alone, and noise on all that does not see the mark: the green map, and smaller windows.
Its batch normalisation has the statistics of such images, as that of trained weights has, and undoes itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.optim.swa_utils import update_bn

from darknet_py.cfg.document import parse
from darknet_py.data.dataset import Dataset, Record
from darknet_py.lint.check import compile_checked
from darknet_py.model.network import Network

CELLS, STRIDE, SPOTS = 15, 8, 6
CFG = f"""[net]
width={CELLS * STRIDE}
height={CELLS * STRIDE}
channels=3
[convolutional]
filters=2
size={STRIDE}
stride={STRIDE}
activation=linear
[maxpool]
size=3
stride=1
[route]
layers=-2
[maxpool]
size=5
stride=1
[route]
layers=-4
[maxpool]
size=9
stride=1
[route]
layers=-1,-3,-5,-6
[convolutional]
batch_normalize=1
filters=1
size=1
stride=1
activation=linear
[convolutional]
filters=6
size=1
stride=1
activation=linear
[yolo]
mask=0
anchors={STRIDE},{STRIDE}
classes=1
num=1
"""
INPUTS = {5: 0, 3: 1, 1: 2}  # by the layer of a branch: its place among the block's inputs of 2 channels
REACH = {1: (1, 1), 3: (2, 2), 5: (3, 4)}  # by the useful layer: distances of a mark, in cells


class Marked(Dataset):
    """Images drawn for one useful branch."""

    names = ("object",)
    category_ids = (1,)

    def __init__(self, useful: int, images: int, seed: int) -> None:
        """Draw them."""
        self.dropped = {}
        rng = np.random.default_rng(seed)
        self.drawn = [_draw(rng, REACH[useful]) for _ in range(images)]

    def __len__(self) -> int:
        """How many."""
        return len(self.drawn)

    def record(self, index: int) -> Record:
        """The boxes of the objects."""
        cells = self.drawn[index][1]
        boxes = np.array([[x * STRIDE, y * STRIDE, STRIDE, STRIDE] for y, x in cells], float).reshape(-1, 4)
        none = np.zeros(len(cells), np.int64)
        side = CELLS * STRIDE
        return Record(index + 1, side, side, boxes, none, none.astype(bool), f"{index}.png")

    def pixels(self, index: int) -> np.ndarray:
        """The image."""
        return self.drawn[index][0]


def _draw(rng: np.random.Generator, reach: tuple[int, int]) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """An object with its mark, and spots whose windows of 9 do not reach the mark."""
    cells = np.zeros((CELLS, CELLS, 3), np.uint8)
    corners = [(y, x) for y in (2, 7, 12) for x in (2, 7, 12)]
    y, x = corners[int(rng.integers(len(corners)))]
    distance = int(rng.integers(reach[0], reach[1] + 1))
    sides = [(y + distance, x), (y - distance, x), (y, x + distance), (y, x - distance)]
    inside = [side for side in sides if min(side) >= 0 and max(side) < CELLS]
    mark = inside[int(rng.integers(len(inside)))]
    far = [spot for spot in corners if max(abs(spot[0] - mark[0]), abs(spot[1] - mark[1])) > 4]
    for spot in [(y, x), *(far[at] for at in rng.permutation(len(far))[: SPOTS - 1])]:
        cells[spot[0], spot[1], 1] = 255
    cells[mark[0], mark[1], 0] = 255
    return np.repeat(np.repeat(cells, STRIDE, 0), STRIDE, 1), [(y, x)]


def network(useful: int, seed: int) -> Network:
    """The network that reads one branch, with noise on the weights that see no mark."""
    built = Network(compile_checked(parse(CFG))).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        first = built.layers[0].conv.weight.zero_()
        first[0, 0] = first[1, 1] = 1 / STRIDE**2  # red marks, green spots
        built.layers[0].conv.bias.zero_()
        block = built.layers[7]
        block.conv.weight.normal_(0, 0.003, generator=generator)
        for layer, place in INPUTS.items():
            if layer >= useful:  # its window is as large, or larger
                block.conv.weight[0, 2 * place] = float(layer == useful)
        block.conv.weight[0, 6] = 0.0  # the mark's own cell
        block.conv.weight[0, 7] = 2.0  # the spot itself
        head = built.layers[8]
        head.conv.weight.zero_()
        head.conv.weight[4] = 4.0
        head.conv.bias.copy_(torch.tensor([0.0, 0, 0, 0, -6, 8]))
        _normalise(built, Marked(useful, 24, seed))
    return built


def _normalise(built: Network, images: Marked) -> None:
    """Give the norm the statistics of images, and the scale and shift that undo them."""
    norm = built.layers[7].norm
    pixels = np.stack([images.pixels(index) for index in range(len(images))]).transpose(0, 3, 1, 2)
    update_bn([torch.from_numpy(pixels).float() / 255], built)
    norm.weight.copy_((norm.running_var + norm.eps).sqrt())
    norm.bias.copy_(norm.running_mean)
    built.eval()


@dataclass(frozen=True)
class Planted:
    """A drawn case."""

    useful: int
    network: Network
    val: Marked
    train: Marked

    @classmethod
    def draw(cls, seed: int) -> Planted:
        """The branch is drawn, too."""
        useful = list(INPUTS)[seed % 3]
        return cls(
            useful, network(useful, seed), Marked(useful, 24, 2 * seed), Marked(useful, 24, 2 * seed + 1)
        )
