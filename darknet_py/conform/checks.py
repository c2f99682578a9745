"""The checks of every layer, each a function of a sample that raises `CheckFailed`."""

from __future__ import annotations

import copy
import io
import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.autograd.gradcheck import GradcheckError

from darknet_py.cfg.document import parse
from darknet_py.cfg.keys import keys_of
from darknet_py.conform.sample import CheckFailed, Sample, difference, weighted
from darknet_py.lint.check import compile_checked
from darknet_py.model.network import Network
from darknet_py.model.weights import load_weights, save_weights
from darknet_py.ops.keyed import Keyed


def written(sample: Sample) -> None:
    """Writing a layer's values as text and reading them gives an equal layer."""
    entries = []
    for field, key in keys_of(type(sample.layer)).items():
        value = getattr(sample.layer, field)
        if isinstance(value, tuple):
            text = ",".join(map(str, value))
        else:
            text = str(int(value)) if isinstance(value, bool) else str(value)
        if text:
            entries.append((key.name, text))
    again = replace(sample.case, keys=tuple(entries)).node().layer
    for field, key in keys_of(type(again)).items():
        before, after = getattr(sample.layer, field), getattr(again, field)
        if before != after:
            raise CheckFailed(f"{key.name} = {before!r} after writing and reading it", f"{after!r}")
    if again != sample.layer:
        raise CheckFailed(
            "an equal layer after writing and reading", "one that differs in a field that is no key"
        )


def shape(sample: Sample) -> None:
    """What `shape` says is what the tensor has, in training, in evaluation and on the meta device."""
    node, module = sample.node, sample.module()
    expected = (2, node.shape.channels, node.shape.height, node.shape.width)
    for training, device in ((True, "cpu"), (False, "cpu"), (False, "meta")):
        out = module.train(training).to(device)(*(m.to(device) for m in sample.maps()))
        where = "in training" if training else "in evaluation" if device == "cpu" else "on the meta device"
        if not isinstance(out, Tensor):
            raise CheckFailed("one tensor from forward", f"{type(out).__name__} {where}")
        if tuple(out.shape) != expected:
            raise CheckFailed(f"{expected} (N, C, H, W) by `shape`", f"{tuple(out.shape)} {where}")


def cost(sample: Sample) -> None:
    """`cost` counts the floats that the module holds, and `arrays` yields every one of them."""
    module, declared = sample.module(), sample.node.cost
    arrays = [array for _, array in sample.layer.arrays(module)]
    in_file, trained = sum(a.numel() for a in arrays), sum(p.numel() for p in module.parameters())
    if declared.parameters != in_file:
        raise CheckFailed(f"{in_file} parameters, the floats of `arrays`", f"{declared.parameters} by `cost`")
    if declared.trainable != trained:
        raise CheckFailed(
            f"{trained} trainable, the floats of parameters()", f"{declared.trainable} by `cost`"
        )
    kept = module.state_dict(keep_vars=True)  # without buffers that are derived from keys
    held = {id(tensor): name for name, tensor in kept.items() if tensor.is_floating_point()}
    left = [name for key, name in held.items() if key not in {id(a) for a in arrays}]
    if left or len(arrays) > len(held):
        raise CheckFailed(
            "every float of the module once in `arrays`", f"not so: {', '.join(left) or 'repeated'}"
        )


def alone(sample: Sample) -> None:
    """An image by itself gives what it gives in a batch."""
    module, batch = sample.module().eval(), sample.maps(batch=3)
    with torch.no_grad():
        together, single = module(*batch), module(*(m[1:2] for m in batch))
    _close(single, together[1:2], "the image in a batch of 3", rtol=1e-5, atol=1e-5)  # sums in another order


def finite(sample: Sample) -> None:
    """Outputs and gradients are finite, and a gradient reaches every map that it reads."""
    module, inputs = sample.module().train(), [m.mul(3).requires_grad_() for m in sample.maps()]
    out = module(*inputs)
    if not out.isfinite().all():
        raise CheckFailed("finite outputs", f"{int((~out.isfinite()).sum())} of {out.numel()} are not")
    if not out.requires_grad:
        raise CheckFailed("a gradient for what it reads", "an output cut off from its input")
    names = [*(f"map {k}" for k in range(len(inputs))), *(name for name, _ in module.named_parameters())]
    found = torch.autograd.grad(out.sum(), [*inputs, *module.parameters()], allow_unused=True)
    for name, gradient in zip(names, found, strict=True):
        if gradient is not None and not gradient.isfinite().all():
            raise CheckFailed("finite gradients", f"{int((~gradient.isfinite()).sum())} of {name} are not")
    if all(gradient is None for gradient in found[: len(inputs)]):
        raise CheckFailed("a gradient for what it reads", "none")


def precise(sample: Sample) -> None:
    """What it computes in float32 is near what it computes in float64."""
    module = sample.module().eval()
    double = copy.deepcopy(module).double()
    with torch.no_grad():
        exact, ours = double(*(m.double() for m in sample.maps())), module(*sample.maps())
    if ours.dtype != torch.float32 or exact.dtype != torch.float64:
        raise CheckFailed("the numbers' own type", f"{ours.dtype} of float32, {exact.dtype} of float64")
    scale = max(1.0, float(exact.abs().max()))
    _close(ours, exact, "float64", rtol=0, atol=2e-6 * scale)


def strided(sample: Sample) -> None:
    """A map with its channels last in memory gives what a contiguous one gives."""
    last = [m.contiguous(memory_format=torch.channels_last) for m in sample.maps()]
    module = sample.module().eval()
    with torch.no_grad():
        _close(module(*last), module(*sample.maps()), "a contiguous map", rtol=1e-5, atol=1e-5)


def gradient(sample: Sample) -> None:
    """The gradient is the one that differences of outputs show (float64, evaluation)."""
    inputs = [m.requires_grad_() for m in sample.maps(batch=1, dtype=torch.float64)]
    module = sample.module().double().eval()
    try:
        torch.autograd.gradcheck(module, inputs, fast_mode=True, atol=1e-4)
    except GradcheckError as error:
        words = " ".join(str(error).split())
        raise CheckFailed("the gradient that differences of outputs show", words[:200]) from None


def mode(sample: Sample) -> None:
    """Evaluation repeats itself; training differs from it only where numbers are drawn by key."""
    module, maps = sample.module(), sample.maps()
    with torch.no_grad():
        if difference(module.eval()(*maps), module(*maps)):
            raise CheckFailed("the same output from the same map in evaluation", "another one")
        drawing = [part for part in module.modules() if isinstance(part, Keyed)]
        if drawing:
            _keyed(module.train(), drawing, maps)
            return
        over_batch = any("running" in name for name, _ in module.named_buffers())
        if not over_batch and difference(module.train()(*maps), module.eval()(*maps)):
            found = "another output in training, and no `Keyed` module that draws"
            raise CheckFailed("training as evaluation, or draws by `Keyed`", found)


def _keyed(module: nn.Module, drawing: list[Keyed], maps: list[Tensor]) -> None:
    """Draws depend on the seed, the iteration, the layer and the sample alone."""

    def drawn(samples: list[int]) -> Tensor:
        for number, part in enumerate(drawing):
            part.at(seed=3, layer=number, iteration=1, samples=samples)
        out: Tensor = module(*(m[samples] for m in maps))
        return out

    both = drawn([0, 1])
    if difference(both, drawn([0, 1])):
        raise CheckFailed("one iteration to draw the same numbers twice", "others")
    _close(drawn([1]), both[1:], "the sample drawn in a batch", rtol=1e-5, atol=1e-6)


def exported(sample: Sample) -> None:
    """`torch.export` of the evaluated module gives what it gives."""
    module, maps = sample.module().eval(), sample.maps()
    with torch.no_grad(), _quiet():
        program = torch.export.export(module, tuple(maps), strict=False).module()
        _close(program(*maps), module(*maps), "the module itself", rtol=1e-5, atol=1e-5)


def saved(sample: Sample) -> None:
    """A network saved as `.weights` and loaded into a new one computes the same."""
    graph = compile_checked(parse(str(sample.case)))
    first, second = Network(graph), Network(graph)
    for node, module in zip(graph, first.layers, strict=True):
        module.load_state_dict(weighted(node).state_dict())
    with tempfile.TemporaryDirectory() as folder:
        save_weights(first, Path(folder) / "saved.weights")
        load_weights(second, Path(folder) / "saved.weights")
    image = torch.rand(1, 2, graph.net.height, graph.net.width, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        for before, after in zip(first.eval()(image), second.eval()(image), strict=True):
            if difference(before, after):
                raise CheckFailed("the loaded network to compute what the saved one does", "another output")


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress the log output and warnings of tracing; failures are still raised."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _close(ours: Tensor, theirs: Tensor, what: str, *, rtol: float, atol: float) -> None:
    """Raise unless two tensors agree within `atol + rtol * |theirs|`."""
    if ours.shape != theirs.shape:
        raise CheckFailed(f"the shape of {what}, {tuple(theirs.shape)}", f"{tuple(ours.shape)}")
    if not torch.allclose(ours.double(), theirs.double(), rtol=rtol, atol=atol, equal_nan=True):
        raise CheckFailed(f"the output of {what}", f"one that differs by {difference(ours, theirs):.3g}")
