"""Golden. Oracle: Darknet's counts of the published networks; of variants, the cfg they come from."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from darknet_py.cfg.document import parse, read
from darknet_py.cfg.edit import apply_edits, parse_edits
from darknet_py.graph.compile import compile
from darknet_py.graph.graph import Graph

ROOT = Path(__file__).resolve().parents[1]
CFG = ROOT / "cfg"
ZOO = ROOT.parent / "shared" / "zoo"
ALL = sorted(CFG.rglob("*.cfg"))
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


def graph(name: str) -> Graph:
    return compile(read(CFG / name))


def body(name: str) -> str:
    """A cfg without the comment it begins with."""
    lines = (CFG / name).read_text().splitlines(keepends=True)
    start = next(i for i, line in enumerate(lines) if line.startswith("["))
    return "".join(lines[start:])


@pytest.mark.parametrize("path", ALL, ids=lambda p: str(p.relative_to(CFG)))
def test_every_cfg_compiles_without_a_doubt(path: Path) -> None:
    assert not compile(read(path)).doubts


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


@pytest.mark.parametrize(
    ("base", "variant"),
    [
        ("yolov3-tiny.cfg", "pools/yolov3-tiny-stochpool.cfg"),
        ("demo/yolov3-tiny.cfg", "demo/yolov3-tiny-stochpool.cfg"),
    ],
)
def test_the_stochpool_variants_are_one_edit_of_their_base(base: str, variant: str) -> None:
    edited = apply_edits(parse(body(base)), parse_edits("11.section=stochpool"))
    assert str(edited) == body(variant)


@pytest.mark.parametrize(
    ("base", "variant", "sizes", "filters"),
    [
        ("yolov3-tiny.cfg", "pools/yolov3-tiny-spp.cfg", "5,9,13", 256),
        ("demo/yolov3-tiny.cfg", "demo/yolov3-tiny-spp.cfg", "3,5,9", 128),
    ],
)
def test_the_spp_variants_are_their_base_with_a_pyramid(
    base: str, variant: str, sizes: str, filters: int
) -> None:
    document = parse(body(base))
    lines = list(document.lines)
    at = document.sections[15].span.line - 1  # before layer 14
    lines.insert(at, SPP_SECTIONS.format(sizes=sizes, filters=filters))
    assert "".join(lines).replace("layers=-4\n", "layers=-6\n") == body(variant)


def test_a_kernel_of_19_is_one_edit_of_yolov3_spp() -> None:
    edited = apply_edits(parse(body("yolov3-spp.cfg")), parse_edits("82.size=19"))
    assert str(edited) == body("yolov3-spp-19.cfg")


def test_the_second_head_of_yolov3_tiny_has_the_mask_its_weights_were_trained_with() -> None:
    assert graph("yolov3-tiny.cfg")[23].layer.mask == (1, 2, 3)
