"""Parity. Oracle: the baseline's own first weights, draws and batches, which a variant shares."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from darknet_py.cfg.document import parse
from darknet_py.compare.experiment import Experiment
from darknet_py.compare.variants import fit_variants, parse_variants
from darknet_py.data.formats.registry import open_data
from darknet_py.distributed.communicator import Communicator
from darknet_py.graph.compile import compile
from darknet_py.graph.graph import Graph
from darknet_py.model.adapt.paired_start import has_same_start, initialise_like
from darknet_py.model.adapt.parameters import named_arrays
from darknet_py.model.network import Network
from darknet_py.tasks.selection import task_of
from darknet_py.train.run.setup import build_trainer
from darknet_py.train.settings import Settings, TrainingPlan, source_of

NET = "[net]\nwidth=32\nheight=32\nchannels=3\nbatch=4\nmax_batches=2\n"
CONV = "[convolutional]\nbatch_normalize=1\nfilters={}\nsize={}\npad=1\nactivation=leaky\n"
FIRST, LAST = CONV.format(4, 3), CONV.format(6, 1)
END = "[convolutional]\nfilters=18\nsize=1\nactivation=linear\n"
YOLO = "[yolo]\nmask=0,1,2\nanchors=4,4, 8,8, 16,16\nclasses=1\nnum=3\njitter=.3\n"
POOL = "[stochpool]\nsize=3\nstride=1\n"
DROP = "[dropout]\nprobability=.5\n"
BASE = NET + FIRST + LAST + DROP + END + YOLO
VARIANTS = {  # text; by layer of the variant the layer of the baseline with the same weights
    "a layer more": (NET + FIRST + CONV.format(4, 3) + LAST + DROP + END + YOLO, {0: 0, 2: 1, 4: 3}),
    "a pool before": (NET + FIRST + POOL + LAST + DROP + END + YOLO, {0: 0, 2: 1}),
    "another kernel": (BASE.replace("filters=4\nsize=3", "filters=4\nsize=5"), {1: 1, 3: 3}),
    "a pyramid": (NET + FIRST + "[spp]\nsizes=3,5\n" + LAST + DROP + END + YOLO, {0: 0, 4: 3}),
}


def graph(text: str) -> Graph:
    return compile(parse(text))


def started(text: str, like: Graph | None, *, seed: int = 3) -> Network:
    network = Network(graph(text))
    initialise_like(network, like, seed=seed)
    return network


def weights(network: Network, layer: int) -> torch.Tensor:
    return named_arrays(network, network.graph[layer])["weights"]


@pytest.mark.parametrize("case", VARIANTS)
def test_layers_that_match_begin_with_the_same_weights(case: str) -> None:
    text, same = VARIANTS[case]
    base, alone, variant = started(BASE, None), started(text, None), started(text, graph(BASE))
    assert not has_same_start(graph(BASE), graph(text))
    for layer, of in same.items():
        assert torch.equal(weights(variant, layer), weights(base, of)), layer
    by_itself = all(torch.equal(weights(alone, layer), weights(base, of)) for layer, of in same.items())
    assert by_itself == (case == "a pool before")


def test_rows_and_columns_that_both_have_are_the_same_up_to_the_fan_in() -> None:
    text = BASE.replace("filters=4\n", "filters=2\n")
    base, variant = started(BASE, None), started(text, graph(BASE))
    torch.testing.assert_close(weights(variant, 0), weights(base, 0)[:2])
    torch.testing.assert_close(weights(variant, 1), weights(base, 1)[:, :2] * 2**0.5)
    assert weights(variant, 1).abs().max() <= (2 / 2) ** 0.5, "uniform in its own bounds"
    shared = initialise_like(Network(graph(text)), graph(BASE), seed=3)
    assert shared == 2 * 27 + 6 * 2 + graph(BASE)[3].cost.parameters


def test_a_stochastic_layer_more_leaves_the_draws_of_the_others() -> None:
    found = []
    for text in (BASE, VARIANTS["a pool before"][0]):
        network = started(text, None if text == BASE else graph(BASE)).train()
        network.at(seed=3, iteration=1, samples=(0, 1))
        drop = next(m for m in network.modules() if type(m).__name__ == "KeyedDropout")
        found.append(drop(torch.ones(2, 6, 32, 32)) != 0)
    assert torch.equal(*found)


def test_networks_with_the_same_parameters_in_order_have_the_same_start() -> None:
    without = BASE.replace(DROP, "")
    pool = NET + FIRST + "[maxpool]\nsize=3\nstride=1\n" + LAST + END + YOLO
    assert has_same_start(graph(without), graph(pool))
    assert torch.equal(weights(started(pool, None), 2), weights(started(without, None), 1))


def test_all_variants_of_a_seed_have_the_same_batches_and_first_weights(tmp_path: Path) -> None:
    (tmp_path / "a.cfg").write_text(BASE)
    (tmp_path / "b.cfg").write_text(VARIANTS["a layer more"][0])
    data = "scenes:train=6,val=2,size=96"
    train, val = open_data(data, split="train"), open_data(data, split="val")
    variants = parse_variants([str(tmp_path / name) for name in ("a.cfg", "b.cfg")])
    fitted = fit_variants(variants, train, Settings(), epochs=None)
    plans = Experiment(fitted, data, train, val, tmp_path / "out").plans
    batches = [batch(plan) for plan in plans]
    assert batches[0] == batches[1]
    assert batches[2] == batches[3]
    assert batches[0] != batches[2], "another seed"
    base, variant = (build_trainer(plan, Communicator()).network for plan in plans[:2])
    assert torch.equal(weights(variant, 4), weights(base, 3))
    keys = [plan.fingerprint().keys() for plan in plans[:2]]
    assert keys[1] - keys[0] == {"first weights like"}


def batch(plan: TrainingPlan) -> tuple[bytes, bytes]:
    """The pixels and boxes of the first iteration."""
    first = next(iter(source_of(plan, task_of(plan.graph))))
    return first.images.numpy().tobytes(), b"".join(rows.tobytes() for rows in first.rows)
