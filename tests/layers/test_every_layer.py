"""Property. Oracle: each layer's own declaration, its keys drawn from their declared ranges.

A drawn section is put behind two convolutions and compiled. What compile refuses is drawn again; what it
takes must run, and must be what the declaration says.
"""

from __future__ import annotations

import copy
import inspect
import itertools
import re
import typing

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import darknet_py.layers  # noqa: F401  (fills the catalogue)
from darknet_py.cfg.diagnostics import CfgError
from darknet_py.cfg.document import parse
from darknet_py.cfg.keys import REQUIRED, keys_of, types_of
from darknet_py.graph.compile import compile
from darknet_py.layers.base import ALIASES, CATALOGUE, Layer
from darknet_py.layers.head import Head

PICKY = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
few = settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=PICKY)
LAYERS = sorted(set(CATALOGUE) - {"net"})
REFERENCES = st.lists(st.sampled_from([-1, -2, 0, 1]), min_size=1, max_size=3)
RANDOM = {"dropout", "stochpool"}
# YOLOv2's [reorg] takes a block's numbers from cells that lie apart; its window is nominal.
SCATTERED = {"reorg"}
COMMON = {
    "learning_rate", "stopbackward", "onlyforward", "dont_update", "burnin_update", "train_only_bn",
    "dontload", "dontloadscales", "clip",
}  # fmt: skip


def values(key, kind):
    """What the text of a key may say, small numbers of its range."""
    if key.one_of:
        return st.sampled_from(key.one_of)
    if kind is bool:
        return st.sampled_from([0, 1])
    if kind is int:
        least = 0 if key.at_least is None else int(max(key.at_least, -3))
        return st.integers(least, min(least + 5, int(key.at_most or 9)))
    if kind is float:
        least = (
            0.25
            if key.above is None and key.at_least is None
            else max(key.above or 0, key.at_least or 0) + 0.1
        )
        return st.floats(least, min(least + 2, key.at_most or 9)).map(lambda v: f"{v:.3f}")
    return None  # lists and names: their defaults, which follow other keys


@st.composite
def texts(draw, section, **fixed):
    """The lines of a section whose keys are drawn from their declarations."""
    lines = [f"[{section}]"]
    for field, key in keys_of(CATALOGUE[section]).items():
        kind = types_of(CATALOGUE[section])[field]
        strategy = values(key, kind)
        if key.name in fixed:
            lines.append(f"{key.name}={fixed[key.name]}")
        elif key.default is REQUIRED and typing.get_origin(kind) is tuple:
            lines.append(f"{key.name}={','.join(map(str, draw(REFERENCES)))}")
        elif strategy is not None and not key.ignored and not key.refused and draw(st.booleans()):
            lines.append(f"{key.name}={draw(strategy)}")
    return "\n".join(lines)


@st.composite
def nodes(draw, section, **fixed):
    """A node of the layer, and its module with random weights."""
    height, width = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    own = draw(texts(section, **fixed))
    channels = draw(st.sampled_from([4, 12]))
    for _ in range(2):
        conv = f"[convolutional]\nfilters={channels}\nactivation=linear\n"
        head = f"[net]\nchannels=2\nheight={height}\nwidth={width}\n"
        try:
            node = compile(parse(f"{head}{conv}{conv}{own}\n"))[2]
        except CfgError as error:
            wanted = [d.suggestion for d in error.diagnostics if d.code == "bad-filters"]
            assume(wanted)
            channels = int(wanted[0])
        else:
            return node, weighted(node)
    raise AssertionError(f"filters={channels} were suggested, and refused")


def weighted(node):
    """The module, its arrays small random numbers, variances positive."""
    module, generator = node.layer.module(*node.maps), torch.Generator().manual_seed(1)
    for array in node.layer.arrays(module):
        array.data.copy_(torch.rand(array.shape, generator=generator) * 0.9 + 0.1)
    return module


def maps(node, batch=2, dtype=torch.float32):
    generator = torch.Generator().manual_seed(2)
    shapes = [(batch, m.channels, m.height, m.width) for m in node.maps]
    return [torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype) for shape in shapes]


def every_layer(test):
    return pytest.mark.parametrize("section", LAYERS)(test)


@every_layer
def test_the_example_in_the_docstring_compiles(section):
    doc = inspect.getdoc(CATALOGUE[section])
    (example,) = re.findall(rf"(?m)^ *(\[{section}\]\n(?: *\w+ ?= ?.+\n?)*)", doc + "\n")
    conv = "[convolutional]\nfilters=FILTERS\nstride=1\n"
    ahead = conv * (9 if "8" in example else 4)
    text = f"[net]\nwidth=26\nheight=26\nchannels=3\n{ahead}{example}"
    last = CATALOGUE[section]
    if issubclass(last, Head):
        with pytest.raises(CfgError) as refused:
            compile(parse(text.replace("FILTERS", "4")))
        (fault,) = refused.value.diagnostics
        text = text.replace("FILTERS", fault.suggestion)
    graph = compile(parse(text.replace("FILTERS", "4")))
    assert type(graph[len(graph) - 1].layer) is last
    assert not graph.doubts


@every_layer
def test_every_key_is_documented_and_the_common_ones_are_declared(section):
    declared = keys_of(CATALOGUE[section])
    assert declared.keys() >= COMMON
    assert all(key.doc for key in declared.values())


@every_layer
@few
@given(st.data())
def test_reading_what_a_layer_says_gives_an_equal_layer(section, data):
    node, _ = data.draw(nodes(section))
    layer, lines = node.layer, [f"[{section}]"]
    for field, key in keys_of(type(layer)).items():
        value = getattr(layer, field)
        text = (
            ",".join(map(str, value))
            if isinstance(value, tuple)
            else str(int(value) if value is True else value)
        )
        if text not in ("", "False"):
            lines.append(f"{key.name}={text}")
    filters = f"[convolutional]\nfilters={node.maps[0].channels}\nactivation=linear\n"
    head = f"[net]\nchannels=2\nheight={node.maps[0].height}\nwidth={node.maps[0].width}\n"
    assert compile(parse(head + filters * 2 + "\n".join(lines) + "\n"))[2].layer == layer


@every_layer
@few
@given(st.data())
def test_the_shape_rule_is_the_tensors_shape(section, data):
    node, module = data.draw(nodes(section))
    for training, device in ((True, "cpu"), (False, "cpu"), (False, "meta")):
        out = module.train(training).to(device)(*(m.to(device) for m in maps(node)))
        assert tuple(out.shape) == (2, node.shape.channels, node.shape.height, node.shape.width)


@every_layer
@few
@given(st.data())
def test_cost_counts_the_floats_that_the_module_holds(section, data):
    node, module = data.draw(nodes(section))
    assert node.cost.parameters == sum(a.numel() for a in node.layer.arrays(module))
    assert node.cost.trainable == sum(p.numel() for p in module.parameters())
    held = {id(t) for t in module.parameters()} | {id(b) for b in module.buffers() if b.is_floating_point()}
    assert {id(a) for a in node.layer.arrays(module)} == held, (
        "no float of the module is left out of the file"
    )


@every_layer
@few
@given(st.data())
def test_one_image_alone_is_the_same_image_in_a_batch(section, data):
    node, module = data.draw(nodes(section))
    batch = maps(node, batch=3)
    with torch.no_grad():
        together, alone = module.eval()(*batch), module(*(m[1:2] for m in batch))
    torch.testing.assert_close(together[1:2], alone, rtol=1e-5, atol=1e-6)


@every_layer
@few
@given(st.data())
def test_outputs_and_gradients_are_finite(section, data):
    node, module = data.draw(nodes(section))
    inputs = [m.mul(3).requires_grad_() for m in maps(node)]
    out = module.train()(*inputs)
    gradients = torch.autograd.grad(out.sum(), [*inputs, *module.parameters()], allow_unused=True)
    assert out.isfinite().all()
    assert gradients[0] is not None or section == "route"
    assert all(g.isfinite().all() for g in gradients if g is not None)


@every_layer
@few
@given(st.data())
def test_float32_is_near_float64(section, data):
    node, module = data.draw(nodes(section))
    double = copy.deepcopy(module).double()
    with torch.no_grad():
        exact, ours = double.eval()(*(m.double() for m in maps(node))), module.eval()(*maps(node))
    scale = max(1.0, exact.abs().max().item())
    torch.testing.assert_close(ours.double(), exact, rtol=0, atol=2e-6 * scale)


@every_layer
@few
@given(st.data())
def test_channels_last_is_contiguous(section, data):
    node, module = data.draw(nodes(section))
    last = [m.contiguous(memory_format=torch.channels_last) for m in maps(node)]
    with torch.no_grad():
        torch.testing.assert_close(module.eval()(*last), module(*maps(node)), rtol=1e-5, atol=1e-5)


@every_layer
@settings(few, max_examples=5)
@given(st.data())
def test_the_gradient_passes_gradcheck_in_float64(section, data):
    smooth = {"activation": "mish"} if "activation" in keys_of(CATALOGUE[section]) else {}
    node, module = data.draw(nodes(section, **smooth))
    inputs = [m.requires_grad_() for m in maps(node, batch=1, dtype=torch.float64)]
    assert torch.autograd.gradcheck(module.double().eval(), inputs, fast_mode=True, atol=1e-4)


def seen(axis, at):
    """The cells that a declared window covers from output cell `at`."""
    first = int(at * axis.stride // 1) - axis.before
    return first, first + axis.size - 1


@pytest.mark.parametrize("section", sorted(set(LAYERS) - SCATTERED))
@few
@given(st.data())
def test_the_declared_window_is_the_measured_one(section, data):
    """Each cell of the map is moved in turn; the outputs that change are those whose window covers it."""
    straight = {"activation": "linear"} if "activation" in keys_of(CATALOGUE[section]) else {}
    node, module = data.draw(nodes(section, **straight))
    source = node.maps[0]
    assume(all((m.height, m.width) == (source.height, source.width) for m in node.maps))
    inputs, cells = maps(node, batch=1, dtype=torch.float64), source.cells
    bumped = []
    for m in inputs:
        bump = torch.eye(cells, dtype=torch.float64).view(cells, 1, source.height, source.width)
        bumped.append(m + bump * torch.arange(20.0, 20 + m.shape[1]).view(1, -1, 1, 1))
    with torch.no_grad():
        change = module.double().eval()(*bumped) != module(*inputs)
    sees = change.any(dim=1).view(source.height, source.width, node.shape.height, node.shape.width)
    window = node.layer.window(*node.maps)
    for row, column in itertools.product(range(node.shape.height), range(node.shape.width)):
        (top, bottom), (left, right) = seen(window.rows, row), seen(window.columns, column)
        whole = top >= 0 and left >= 0 and bottom < source.height and right < source.width
        rows, columns = sees[:, :, row, column].nonzero().unbind(dim=1)
        assert len(rows) or not whole
        assert all(top <= r <= bottom for r in rows)
        assert all(left <= c <= right for c in columns)
        if whole and not getattr(node.layer, "adaptive", 0):  # of bins, the window is the largest
            assert (rows.min(), rows.max(), columns.min(), columns.max()) == (top, bottom, left, right)


@every_layer
@few
@given(st.data())
def test_random_layers_alone_tell_training_from_evaluation(section, data):
    fixed = {"batch_normalize": 0} if section == "convolutional" else {}
    node, module = data.draw(nodes(section, **fixed))
    if section in RANDOM:
        assert module.train(False)(*maps(node)).equal(module(*maps(node)))
    else:
        assert module.train()(*maps(node)).equal(module.eval()(*maps(node)))


def test_one_block_of_one_map_is_taken_from_every_image_of_a_batch():
    """yolov4-tiny's `layers=-1, groups=2, group_id=1`."""
    text = "[convolutional]\nfilters=6\n[route]\nlayers=-1\ngroups=2\ngroup_id=1"
    node = compile(parse(f"[net]\nwidth=5\nheight=4\nchannels=2\n{text}\n"))[1]
    (source,) = maps(node, batch=3)
    assert weighted(node)(source).equal(source[:, 3:])


def test_two_classes_cannot_claim_one_section():
    with pytest.raises(TypeError, match=r"\[maxpool\] is claimed by Second and by another class"):

        class Second(Layer, section="maxpool"):
            """Another one."""

    assert set(ALIASES.values()) <= set(CATALOGUE)
