"""Property. Oracle: the count that Linux keeps of what a process holds, at its worst and before."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from darknet_py.cfg.keys import keys_of
from darknet_py.layers.cards import is_pool
from darknet_py.layers.catalogue import CATALOGUE
from tests.layers.nets import network, section
from tests.paths import ROOT

MOST = 6.0  # times the input: what is put out and the gradient of the input count, the input does not
NOISE = 0.05  # of the process, which is counted in pages
SIZE = 19
SHAPE = (64, 448, 7, 7)  # 5.6 MB: ten times what pools take at once; windows of few cells take less time
SMALL = (1, 16, 20, 20)
# glibc gives all that is freed back at once, so that it can be counted.
ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "0", "MALLOC_TOP_PAD_": "0"}


def with_windows() -> Iterator[str]:
    """Every pool with windows of 19, in every mode that its keys can choose: `section key=value ...`."""
    for name in filter(is_pool, sorted(CATALOGUE)):
        keys = keys_of(CATALOGUE[name])
        for key in {"size", "sizes"} & set(keys):
            yield f"{name} {key}={SIZE}"
            for choice, declared in keys.items():
                others = [value for value in declared.one_of if value != declared.default]
                yield from (f"{name} {key}={SIZE} {choice}={value}" for value in others)


CASES = tuple(with_windows())


def measured() -> dict[str, tuple[float, float]]:
    """Inference and training of every case, in two processes of their own."""
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("only Linux can forget the peak of a process and read it again")
    cases = (*CASES, "unfold")
    with ThreadPoolExecutor() as pool:
        lines = [line for said in pool.map(told_of, (cases[::2], cases[1::2])) for line in said.splitlines()]
    rows = (line.rsplit(maxsplit=2) for line in lines)
    return {case: (float(inference), float(training)) for case, inference, training in rows}


def told_of(cases: tuple[str, ...]) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tests.layers.test_memory", *cases],
        cwd=ROOT,
        env=os.environ | ALLOCATOR | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.slow
def test_no_pool_takes_more_than_six_times_its_input_and_unfolding_far_more() -> None:
    """All in one test: in two processes, each would measure all. Unfolding is the control, with 361 cells."""
    found = measured()
    assert min(found.pop("unfold")) > 50 * MOST
    assert found.keys() == set(CASES)
    for case, (inference, training) in found.items():
        assert inference <= MOST + NOISE, f"{case}: inference takes {inference} times the input"
        assert training <= MOST + NOISE, f"{case}: training takes {training} times the input"
        assert training > 0.9, f"{case}: the gradient of the input alone is as large"


def test_every_pool_with_a_window_is_measured() -> None:
    pools = {case.split()[0] for case in CASES}
    assert {"maxpool", "stochpool", "medianpool", "mixpool", "spp"} <= pools
    assert f"mixpool size={SIZE} mode=random" in CASES
    assert not {"avgpool", "netvlad", "convolutional"} & pools


def work_of(case: str, shape: tuple[int, ...]) -> tuple[torch.Tensor, Callable[[], None], Callable[[], None]]:
    """The input of a case, and its inference and its training."""
    name, *words = case.split()
    x = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    if name == "unfold":
        pool: torch.nn.Module = Unfolded()
    else:
        keys = dict(word.split("=") for word in words)
        pool = network(section(name, **keys), shape=shape[1:])
        pool.at(seed=1, iteration=1, samples=range(len(x)))
    with torch.no_grad():
        pull = torch.ones_like(pool(x)[0])

    def infer() -> None:
        with torch.no_grad():
            pool.eval()(x)

    def train() -> None:
        source = x.detach().requires_grad_()
        torch.autograd.grad(pool.train()(source)[0], [source, *pool.parameters()], pull)

    return x, infer, train


class Unfolded(torch.nn.Module):
    """The mean of windows as it is often written."""

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        cells = F.unfold(x, SIZE, padding=SIZE // 2).unflatten(1, (x.shape[1], -1))
        return [cells.mean(dim=2).unflatten(-1, x.shape[2:])]


def peak_above_now(work: Callable[[], None]) -> int:
    """Bytes that the process held more at its worst than before."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak becomes what is held now
    before = held("VmRSS")
    work()
    return held("VmHWM") - before


def held(name: str) -> int:
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return 1024 * int(line.split()[1])


if __name__ == "__main__":
    torch.set_num_threads(1)
    for case in sys.argv[1:]:
        for work in work_of(case, SMALL)[1:]:
            work()  # code that is loaded, and what is kept for good
        x, *works = work_of(case, SMALL if case == "unfold" else SHAPE)
        print(case, *(f"{peak_above_now(work) / x.nbytes:.2f}" for work in works), flush=True)
