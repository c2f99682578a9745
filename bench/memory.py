"""Measure the memory of a layer in addition to its input: the peak of the process, as the kernel counts it.

`python bench/memory.py CASE...` measures in one process, case after case, and prints a line for each:
the case, then inference and training (forward and backward) as multiples of the input. A case is
`section:key=value,...:NxCxHxW`, with `:last` behind it in channels_last. What is put out and the input's
gradient are counted; the input and the gradient that comes in are not, they are the neighbours'.

Linux alone: it resets and reads the peak in /proc/self. glibc is set to give all freed memory back at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "0", "MALLOC_TOP_PAD_": "0"}


def measured(case: str) -> tuple[float, float]:
    """Inference and training, as multiples of the input."""
    import torch

    from darknet_py.cfg.document import parse
    from darknet_py.graph.compile import compile
    from darknet_py.model.network import Network

    name, keys, size, *last = case.split(":")
    shape = [int(side) for side in size.split("x")]
    head = "[net]\nchannels={1}\nheight={2}\nwidth={3}\n".format(*shape)
    lines = "\n".join(piece.replace("/", ",") for piece in keys.split(",") if piece)
    network = Network(compile(parse(f"{head}[{name}]\n{lines}\n")))
    x = torch.randn(shape)
    if last:
        x = x.contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        pull = torch.randn_like(network(x)[0])

    def infer() -> None:
        with torch.no_grad():
            network.eval()(x)

    def train() -> None:
        source = x.detach().requires_grad_()
        out = network.train()(source)[0]
        torch.autograd.grad(out, [source, *network.parameters()], pull)

    return peak_above_now(infer) / x.nbytes, peak_above_now(train) / x.nbytes


def peak_above_now(work: Callable[[], None]) -> int:
    """Bytes that the process held more at its worst than before, in a second run of some work."""
    work()
    Path("/proc/self/clear_refs").write_text("5")  # the peak becomes what is held now
    before = _status("VmRSS")
    work()
    return _status("VmHWM") - before


def _status(name: str) -> int:
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return 1024 * int(line.split()[1])


if __name__ == "__main__":
    if any(os.environ.get(name) != value for name, value in ALLOCATOR.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | ALLOCATOR)  # noqa: S606  # itself
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    for case in sys.argv[1:]:
        print(case, *(f"{multiple:.2f}" for multiple in measured(case)), flush=True)
