"""Golden and property. Oracle: zeiler-max.cfg, which the others come from; shapes counted by hand."""

from __future__ import annotations

import pytest
import torch

from darknet_py.cfg.document import parse, read
from darknet_py.cfg.edits import parse_edits, set_values
from darknet_py.graph.compile import compile
from darknet_py.graph.graph import Graph
from darknet_py.losses.truths import Truths
from darknet_py.model.initialization import initialise
from darknet_py.model.network import Network
from darknet_py.train.step import Trainer
from tests.paths import ROOT

CFG = ROOT / "cfg" / "cifar"
ALL = sorted(path.name for path in CFG.glob("*.cfg"))
BASE = "zeiler-max.cfg"
LAST_POOL = """[maxpool]
size=3
stride=2

[normalization]
size=9
alpha=.001
beta=.75
kappa=1

[connected]
"""
WINDOWS = {  # what stands in the place of all three pools
    "zeiler-average.cfg": "local_avgpool",
    "zeiler-stochastic.cfg": "stochpool",
    "zeiler-median.cfg": "medianpool",
    "zeiler-min.cfg": "minpool",
    "zeiler-soft.cfg": "softpool",
    "zeiler-lse.cfg": "lsepool",
    "zeiler-lp.cfg": "lppool",
    "zeiler-gem.cfg": "gempool",
    "zeiler-blur.cfg": "blurpool",
    "zeiler-mixed-add.cfg": "mixpool",
    "zeiler-mixed-cat.cfg": "mixpool",
    "zeiler-mixed-random.cfg": "mixpool",
    "zeiler-mixed-gated.cfg": "mixpool",
}
HEADS = {  # the section in the place of the last pool and normalisation; how many numbers [connected] gets
    "zeiler-bilinear.cfg": ("[bilinear]\n", 64 * 64),
    "zeiler-global-average.cfg": ("[avgpool]\n", 64),
    "zeiler-global-max.cfg": ("[global_maxpool]\n", 64),
    "zeiler-global-mixpool-add.cfg": ("[mixpool]\nadaptive=1\nmode=add\n", 64),
    "zeiler-global-mixpool-cat.cfg": ("[mixpool]\nadaptive=1\nmode=cat\n", 2 * 64),
    "zeiler-netvlad.cfg": ("[netvlad]\nclusters=16\n", 16 * 64),
    "zeiler-sppnet.cfg": ("[sppnet]\nlevels=4,2,1\n", (16 + 4 + 1) * 64),
}
# Their numbers have length 1 together, so those of [connected] would hardly move at the rate of the others.
FASTER = dict.fromkeys(("zeiler-bilinear.cfg", "zeiler-netvlad.cfg"), "9.learning_rate=30")


def body(name: str) -> str:
    """A cfg without the comment it begins with."""
    text = (CFG / name).read_text()
    return text[text.index("[net]\n") :]


def derivations() -> dict[str, str]:
    """The text that follows from zeiler-max.cfg, of every other."""
    base = body(BASE)
    assert base.count(LAST_POOL) == 1
    found = {
        "zeiler-max-dropout.cfg": base.replace("[connected]", "[dropout]\nprobability=.5\n\n[connected]")
    }
    for name, section in WINDOWS.items():
        mode = name.rpartition("-")[2].removesuffix(".cfg")
        more = f",{{layer}}.mode={mode}" if section == "mixpool" else ""
        edits = ",".join(f"{{layer}}.section={section}{more}".format(layer=layer) for layer in (2, 5, 8))
        found[name] = str(set_values(parse(base), parse_edits(edits)))
    for name, (section, _) in HEADS.items():
        document = parse(base.replace(LAST_POOL, f"{section}\n[connected]\n"))
        found[name] = str(set_values(document, parse_edits(FASTER[name])) if name in FASTER else document)
    return found


DERIVATIONS = derivations()


def graph(name: str, side: int = 32) -> Graph:
    """A net of pictures of that side."""
    keys = ("net.width", "net.height", "net.min_crop", "net.max_crop", "0.crop_width", "0.crop_height")
    edits = parse_edits(",".join(f"{key}={side}" for key in keys))
    return compile(set_values(read(CFG / name), edits))


def pictures(side: int, count: int = 4) -> torch.Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", sorted(DERIVATIONS))
def test_a_variant_follows_from_zeiler_max_and_says_so_in_its_first_line(name: str) -> None:
    assert body(name) == DERIVATIONS[name]
    assert (CFG / name).read_text().startswith(f"# cifar/{BASE} with ")


def test_every_classifier_has_its_derivation() -> None:
    assert sorted({BASE, *DERIVATIONS}) == ALL


@pytest.mark.parametrize(("name", "numbers"), [(name, count) for name, (_, count) in HEADS.items()])
@pytest.mark.parametrize("side", [32, 48])
def test_a_head_gives_the_same_numbers_for_pictures_of_any_size(name: str, numbers: int, side: int) -> None:
    found = graph(name, side)
    assert (found[7].shape.height, found[7].shape.width) == (side // 4, side // 4)
    assert (found[8].shape.channels, found[8].shape.cells) == (numbers, 1)
    assert found[9].cost.parameters == numbers * 10 + 10


@pytest.mark.parametrize("name", HEADS)
def test_what_a_head_learned_on_small_pictures_runs_on_larger_ones(name: str) -> None:
    small, large = (Network(graph(name, side)).eval() for side in (32, 48))
    initialise(small, seed=0)
    large.load_state_dict(small.state_dict())
    with torch.no_grad():
        logits = large.logits(pictures(48))
    assert logits.shape == (4, 10)
    assert logits.isfinite().all()
    assert not torch.equal(logits[0], logits[1])


def test_without_such_a_head_the_weights_are_of_one_size() -> None:
    small, large = graph(BASE), graph(BASE, 48)
    assert (small.cost.parameters, large.cost.parameters) == (220_042, 220_042 + 64 * (36 - 16) * 10)


@pytest.mark.parametrize("name", ALL)
def test_a_step_has_a_finite_loss_and_a_gradient_for_every_parameter(name: str) -> None:
    network = Network(graph(name))
    initialise(network, seed=0)
    truths = Truths.of([[[0.5, 0.5, 1, 1, label]] for label in (0, 3, 9, 3)])
    before = [parameter.detach().clone() for parameter in network.parameters()]
    loss = Trainer(network).step(pictures(32), truths, rate=0.02, iteration=1, samples=range(4)).loss
    assert 0 < loss < float("inf")
    for (key, parameter), old in zip(network.named_parameters(), before, strict=True):
        assert parameter.grad is not None, key
        assert parameter.grad.isfinite().all(), key
        assert parameter.grad.any(), key
        assert not torch.equal(parameter, old), key
