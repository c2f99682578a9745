"""Golden. Oracle: Darknet's counts of the published networks; of variants, the cfg they come from."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from darknet_py.cfg.document import parse, read
from darknet_py.cfg.edits import parse_edits, set_values
from darknet_py.graph.compile import compile
from darknet_py.graph.graph import Graph
from darknet_py.lint.check import warnings
from darknet_py.losses.truths import Truths
from darknet_py.model.initialization import initialise
from darknet_py.model.network import Network
from darknet_py.train.step import Trainer
from tests.paths import ROOT, SHARED

CFG = ROOT / "cfg"
ZOO = SHARED / "zoo"
ALL = sorted(CFG.rglob("*.cfg"))
TINY = sorted((CFG / "pools").glob("yolov3-tiny-*.cfg"))
DOWNSAMPLING = (1, 3, 5, 7, 9)  # yolov3-tiny's pools with stride 2


def everywhere(section: str) -> str:
    """The edits that make every pool with stride 2 another."""
    return ",".join(f"{layer}.section={section}" for layer in DOWNSAMPLING)


EDITED = {  # variant: the cfg it comes from, and the edits of its text
    "pools/yolov3-tiny-blurpool.cfg": ("yolov3-tiny.cfg", everywhere("blurpool")),
    "pools/yolov3-tiny-gempool.cfg": ("yolov3-tiny.cfg", "11.section=gempool"),
    "pools/yolov3-tiny-local_avgpool.cfg": ("yolov3-tiny.cfg", "11.section=local_avgpool"),
    "pools/yolov3-tiny-lppool.cfg": ("yolov3-tiny.cfg", "11.section=lppool"),
    "pools/yolov3-tiny-lsepool.cfg": ("yolov3-tiny.cfg", "11.section=lsepool"),
    "pools/yolov3-tiny-medianpool.cfg": ("yolov3-tiny.cfg", "11.section=medianpool"),
    "pools/yolov3-tiny-minpool.cfg": ("yolov3-tiny.cfg", "11.section=minpool"),
    "pools/yolov3-tiny-mixpool-add.cfg": ("yolov3-tiny.cfg", "11.section=mixpool,11.mode=add"),
    "pools/yolov3-tiny-mixpool-cat.cfg": ("yolov3-tiny.cfg", "11.section=mixpool,11.mode=cat"),
    "pools/yolov3-tiny-mixpool-gated.cfg": ("yolov3-tiny.cfg", "11.section=mixpool,11.mode=gated"),
    "pools/yolov3-tiny-mixpool-random.cfg": ("yolov3-tiny.cfg", "11.section=mixpool,11.mode=random"),
    "pools/yolov3-tiny-softpool.cfg": ("yolov3-tiny.cfg", everywhere("softpool")),
    "pools/yolov3-tiny-stochpool.cfg": ("yolov3-tiny.cfg", "11.section=stochpool"),
    "demo/strokes-lsepool.cfg": ("demo/strokes.cfg", "7.section=lsepool,7.r=10"),
    "demo/strokes-minpool.cfg": ("demo/strokes.cfg", "0.section=minpool"),
    "demo/yolov3-tiny-stochpool.cfg": ("demo/yolov3-tiny.cfg", "11.section=stochpool"),
    "yolov3-spp-19.cfg": ("yolov3-spp.cfg", "82.size=19"),
}
PYRAMIDS = {  # variant: the cfg it comes from, the windows, and the filters of layer 13
    "pools/yolov3-tiny-spp.cfg": ("yolov3-tiny.cfg", "5,9,13", 256),
    "pools/yolov3-tiny-spp-5-9-19.cfg": ("yolov3-tiny.cfg", "5,9,19", 256),
    "pools/yolov3-tiny-spp-5-9-13-19.cfg": ("yolov3-tiny.cfg", "5,9,13,19", 256),
    "demo/yolov3-tiny-spp.cfg": ("demo/yolov3-tiny.cfg", "3,5,9", 128),
}
SPP_SECTIONS = """[spp]
sizes={sizes}

[convolutional]
batch_normalize=1
filters={filters}
size=1
stride=1
pad=1
activation=leaky

"""
REPLACED = {  # variant: the cfg it comes from, and pieces of its text, each of which stands there once
    "pools/yolov3-tiny-unpool.cfg": (
        "yolov3-tiny.cfg",
        {
            "filters=128\nsize=1\n": "filters=256\nsize=1\n",
            "[upsample]\nstride=2\n": "[unpool]\nfrom=9\n",
            "the first head's map, enlarged,": "the first head's map, put back where pool 9 took its maxima,",
        },
    ),
    "pools/yolov3-spp-5-9-13-19.cfg": (
        "yolov3-spp.cfg",
        {
            "three pools of one map": "four pools of one map",
            "[route]\nlayers=-1,-3,-5,-6\n": "[route]\nlayers=-6\n\n[maxpool]\nsize=19\nstride=1\n\n"
            "[route]\nlayers=-1,-3,-5,-7,-8\n",
        },
    ),
}


def graph(name: str) -> Graph:
    return compile(read(CFG / name))


def body(name: str) -> str:
    """A cfg without the comment it begins with."""
    lines = (CFG / name).read_text().splitlines(keepends=True)
    start = next(i for i, line in enumerate(lines) if line.startswith("["))
    return "".join(lines[start:])


def with_pyramid(text: str, sizes: str, filters: int) -> str:
    """The cfg with [spp] and a convolution before layer 14."""
    document = parse(text)
    lines = list(document.lines)
    at = document.sections[15].span.line - 1
    lines.insert(at, SPP_SECTIONS.format(sizes=sizes, filters=filters))
    return "".join(lines).replace("layers=-4\n", "layers=-6\n")


def with_pieces(text: str, pieces: dict[str, str]) -> str:
    """The cfg with some of its text replaced."""
    for old, new in pieces.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def derivations() -> dict[str, tuple[str, str]]:
    """Of every variant the cfg it comes from, and the text that follows from that."""
    found = {}
    for variant, (base, edits) in EDITED.items():
        found[variant] = base, str(set_values(parse(body(base)), parse_edits(edits)))
    for variant, (base, sizes, filters) in PYRAMIDS.items():
        found[variant] = base, with_pyramid(body(base), sizes, filters)
    for variant, (base, pieces) in REPLACED.items():
        found[variant] = base, with_pieces(body(base), pieces)
    return found


DERIVATIONS = derivations()


@pytest.mark.parametrize("path", ALL, ids=lambda p: str(p.relative_to(CFG)))
def test_every_cfg_compiles_without_a_warning(path: Path) -> None:
    """But for the anchor that yolov3-tiny leaves out, and pyramids that are as large as their map."""
    known = {"unused-anchor", "covers-map"} if "spp" in path.stem else {"unused-anchor"}
    assert {warning.code for warning in warnings(compile(read(path)))} <= known


def test_the_published_networks_have_darknets_counts() -> None:
    facts = {  # BFLOPs of all layers, of convolutions, floats of the published weights file
        "yolov3-tiny.cfg": (5.571, 5.565, 8_858_734),
        "yolov3.cfg": (65.879, 65.86, 62_001_757),
        "yolov3-spp.cfg": (141.531, 141.45, 63_052_381),
    }
    for name, (bflops, bflops_conv, parameters) in facts.items():
        cost = graph(name).cost
        assert cost.bflops == pytest.approx(bflops, abs=6e-4)
        assert cost.bflops_conv == pytest.approx(bflops_conv, abs=6e-3)
        assert cost.parameters == parameters


@pytest.mark.parametrize("name", ["yolov3-tiny", "yolov3", "yolov3-spp"])
def test_the_published_networks_are_the_published_ones_to_the_last_key(name: str) -> None:
    published = ZOO / f"alexeyab--{name}.cfg"
    if not published.exists():
        pytest.skip(f"needs {ZOO.parent.name}/ beside the checkout")
    ours, theirs = graph(f"{name}.cfg"), compile(read(published))
    training = {
        "batch": theirs.net.batch,
        "subdivisions": theirs.net.subdivisions,
    }  # theirs are set for testing
    assert dataclasses.replace(ours.net, **training) == theirs.net
    for mine, other in zip(ours, theirs, strict=True):
        layer = mine.layer
        if name == "yolov3-tiny" and mine.index == 23:
            assert layer.mask == (1, 2, 3), (
                "the published weights were trained so; the published text says 0,1,2"
            )
            layer = dataclasses.replace(layer, mask=(0, 1, 2))
        assert (layer, mine.inputs, mine.shape) == (other.layer, other.inputs, other.shape)


def test_the_second_head_of_yolov3_tiny_has_the_mask_its_weights_were_trained_with() -> None:
    assert graph("yolov3-tiny.cfg")[23].layer.mask == (1, 2, 3)


@pytest.mark.parametrize("variant", sorted(DERIVATIONS))
def test_a_variant_follows_from_its_base_and_says_so_in_its_first_line(variant: str) -> None:
    base, text = DERIVATIONS[variant]
    assert body(variant) == text
    first = (CFG / variant).read_text().splitlines()[0]
    assert first.startswith(f"# {base} with ")
    new = {section.name for section in parse(text).sections} - {node.layer.section for node in graph(base)}
    assert all(f"[{name}]" in first for name in new - {"net"})


def test_every_variant_of_a_detector_has_its_derivation() -> None:
    bases = {"yolov3.cfg", "yolov3-spp.cfg", "yolov3-tiny.cfg", "demo/yolov3-tiny.cfg", "demo/strokes.cfg"}
    detectors = {p.relative_to(CFG).as_posix() for p in ALL if p.parent.name != "cifar"}
    assert detectors - bases == set(DERIVATIONS)


def test_every_cfg_stands_in_the_table() -> None:
    table = (CFG / "README.md").read_text()
    assert all(f"({path.relative_to(CFG).as_posix()})" in table for path in ALL)


@pytest.mark.parametrize("variant", [name for name, (base, _) in EDITED.items() if base == "yolov3-tiny.cfg"])
def test_another_pool_keeps_every_shape_and_cat_doubles_the_channels(variant: str) -> None:
    for ours, before in zip(graph(variant), graph("yolov3-tiny.cfg"), strict=True):
        doubled = variant == "pools/yolov3-tiny-mixpool-cat.cfg" and ours.index == 11
        expected = dataclasses.replace(before.shape, channels=1024) if doubled else before.shape
        assert ours.shape == expected


@pytest.mark.parametrize("path", TINY, ids=lambda p: p.stem)
def test_a_variant_of_yolov3_tiny_takes_a_step_and_every_float_has_its_gradient(path: Path) -> None:
    small = set_values(read(path), parse_edits("net.width=64,net.height=64"))
    network = Network(compile(small))
    initialise(network, seed=0)
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    truths = Truths.of([[[0.5, 0.5, 0.4, 0.6, 3]], [[0.3, 0.6, 0.9, 0.5, 0]]])
    loss = Trainer(network).step(images, truths, rate=1e-4, iteration=1, samples=range(2)).loss
    assert 0 < loss < float("inf")
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


def test_the_pyramid_of_four_windows_has_the_largest_first_and_the_map_last() -> None:
    nodes = graph("pools/yolov3-spp-5-9-13-19.cfg")
    (pyramid,) = (node for node in nodes if len(node.inputs) == 5)
    *pools, source = (nodes[i] for i in pyramid.inputs)
    assert [pool.layer.size for pool in pools] == [19, 13, 9, 5]
    before = {nodes[i].inputs for pool in pools for i in pool.inputs if i != source.index}
    assert before == {(source.index,)}, "every window reads the same map"
    assert pyramid.shape.channels == 5 * source.shape.channels


def test_the_unpooled_map_is_zero_but_where_pool_9_found_its_maxima() -> None:
    ours, base = graph("pools/yolov3-tiny-unpool.cfg"), graph("yolov3-tiny.cfg")
    assert [ours[i].shape for i in ours.heads] == [base[i].shape for i in base.heads]
    assert ours.heads == base.heads
    network = Network(ours).eval()
    initialise(network, seed=0)
    with torch.no_grad():
        maps = network.trace(torch.rand(1, 3, 416, 416, generator=torch.Generator().manual_seed(0)))
    # Windows of 2 x 2 that do not overlap: (C, 13, 2, 13, 2) to (C, 13, 13, 4).
    windows, unpooled = (
        maps[i][0].unflatten(1, (13, 2)).unflatten(3, (13, 2)).permute(0, 1, 3, 2, 4).flatten(3)
        for i in (8, 19)
    )
    chosen = windows.argmax(dim=-1, keepdim=True)
    values = maps[18][0].unsqueeze(-1)
    assert values.all(), "a zero would hide its place"
    assert torch.equal(unpooled, torch.zeros_like(unpooled).scatter(-1, chosen, values))
