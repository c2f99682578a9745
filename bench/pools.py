"""Pools against torch's max pool and against naive forms, side by side in one run; prints ratios and targets.

`python bench/pools.py [--quick]`. Times are medians of interleaved rounds, in ms, on the threads that
torch takes, with glibc set to keep freed memory, as `train` does; forward is inference, for a stochastic
pool a draw. `--quick` makes three rounds and measures the
memory of one map. A target that is missed is marked so.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from darknet_py.cfg.document import parse  # noqa: E402
from darknet_py.graph.compile import compile  # noqa: E402
from darknet_py.layers.catalogue import CATALOGUE  # noqa: E402
from darknet_py.layers.pools.base import WindowPool  # noqa: E402
from darknet_py.model.freed_memory import keep_freed_memory  # noqa: E402
from darknet_py.model.network import Network  # noqa: E402

Form = Callable[[Tensor], Tensor]
Times = dict[tuple[str, bool], float]  # by form, and whether with the backward pass
FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
SIZES = (5, 9, 13, 19)


def section(name: str, x: Tensor, *, training: bool = False, **keys: object) -> Network:
    """A network of one section on maps like x; of several where `name` is the text of them."""
    head = "[net]\nchannels={}\nheight={}\nwidth={}\n".format(*x.shape[1:])
    lines = "\n".join(f"{key}={value}" for key, value in keys.items())
    text = name if name.startswith("[") else f"[{name}]\n{lines}\n"
    return Network(compile(parse(head + text))).train(training)


def spp_sections() -> str:
    """[spp] as yolov3-spp writes it: pools, routes back to the map, and a route of all."""
    pools = [f"[maxpool]\nstride=1\nsize={size}\n" for size in SIZES]
    back = "".join(f"[route]\nlayers=0\n{pool}" for pool in pools[1:])
    count = 2 * len(SIZES)
    last = ",".join(str(index) for index in (*range(count - 1, 0, -2), 0))
    return f"[dropout]\nprobability=0\n{pools[0]}{back}[route]\nlayers={last}\n"


def medians(forms: dict[str, Form], x: Tensor, rounds: int) -> Times:
    """Interleaved: each round runs every form once, forward and then with the backward pass."""
    spent: dict[tuple[str, bool], list[float]] = {(name, way): [] for name in forms for way in (False, True)}
    with torch.no_grad():
        pulls = {name: torch.randn_like(form(x)) for name, form in forms.items()}
    for _ in range(rounds):
        for (name, backward), times in spent.items():
            source = x.detach().requires_grad_(backward)
            start = time.perf_counter()
            with torch.set_grad_enabled(backward):
                out = forms[name](source)
            if backward:
                torch.autograd.grad(out, source, pulls[name])
            times.append(1000 * (time.perf_counter() - start))
            del out
    return {key: statistics.median(times) for key, times in spent.items()}


def table(title: str, times: Times) -> None:
    """One line a form."""
    print(f"\n### {title}\n\n| form | forward | forward + backward |\n|---|---:|---:|")
    for name in dict.fromkeys(name for name, _ in times):
        print(f"| {name} | {times[name, False]:.1f} | {times[name, True]:.1f} |")
    print()


def ratio(what: str, value: float, target: str = "") -> None:
    """A ratio and its target, as "< 2.2" or "> 3"."""
    sign, _, bound = target.partition(" ")
    missed = target and (value > float(bound) if sign == "<" else value < float(bound))
    print(f"- {what}: {value:.2f}" + f" (target {target}{', MISSED' if missed else ''})" * bool(target))


def direct(x: Tensor, *sizes: int) -> Tensor:
    """torch's pools side by side, the largest first, as [spp] puts them out."""
    return torch.cat([*(F.max_pool2d(x, k, 1, k // 2) for k in reversed(sizes)), x], dim=1)


def spp(rounds: int) -> None:
    """The SPP block, and its largest pool alone."""
    found = {}
    for name, order in FORMATS.items():
        x = torch.randn(8, 512, 19, 19).contiguous(memory_format=order)
        own = section("spp", x, sizes=",".join(map(str, SIZES)))
        six = section(spp_sections(), x).eval()
        pools = {size: section("maxpool", x, size=size, stride=1) for size in (5, 19)}
        assert torch.equal(own(x)[0], direct(x, *SIZES))
        assert torch.equal(six(x)[0], direct(x, *SIZES))
        forms: dict[str, Form] = {
            "torch's pools": lambda x: direct(x, *SIZES),
            "[spp]": lambda x, own=own: own(x)[0],
            "sections": lambda x, six=six: six(x)[0],
            "torch's pool of 5": lambda x: F.max_pool2d(x, 5, 1, 2),
            "torch's pool of 19": lambda x: F.max_pool2d(x, 19, 1, 9),
            "[maxpool] size=5": lambda x, pool=pools[5]: pool(x)[0],
            "[maxpool] size=19": lambda x, pool=pools[19]: pool(x)[0],
        }
        found[name] = medians(forms, x, rounds)
        table(f"SPP block 5,9,13,19 and single pools on 8x512x19x19, {name}", found[name])
    last, first = found["channels_last"], found["contiguous"]
    for backward, same, across in ((False, "> 3", "> 20"), (True, "> 1.8", "")):
        way = "forward + backward" if backward else "forward"
        for form in ("[spp]", "sections"):
            own_time = last[form, backward]
            ratio(f"{way}: torch / {form}, channels_last", last["torch's pools", backward] / own_time, same)
            gain = first["torch's pools", backward] / own_time
            ratio(f"{way}: torch contiguous / {form} channels_last", gain, across)
        for name, times in found.items():
            growth = times["[maxpool] size=19", backward] / times["[maxpool] size=5", backward]
            ratio(f"{way}: [maxpool] size=19 / size=5, {name}", growth, "< 2.2")


def unfolded(x: Tensor, size: int, stride: int) -> Tensor:
    """(N, C, H', W', S): the cells of every window laid out, zeros around the map."""
    before = (size - 1) // 2 if size > stride else 0
    x = F.pad(x, (before, before, before, before)) if before else x
    return x.unfold(2, size, stride).unfold(3, size, stride).flatten(-2)


def unfold_and_draw(x: Tensor, size: int, stride: int) -> Tensor:
    """Stochastic pooling as it is usually written."""
    cells = unfolded(x, size, stride)
    chances = cells.detach().clamp(min=0) + 1e-12
    drawn = torch.multinomial(chances.flatten(0, -2), 1).view(*cells.shape[:-1], 1)
    return cells.gather(-1, drawn).squeeze(-1)


def strided(rounds: int) -> None:
    """Stochastic and median pools of 2 and 3 with stride 2."""
    for name, order in FORMATS.items():
        x = torch.randn(8, 64, 208, 208).contiguous(memory_format=order)
        for size in (2, 3):
            window = {"size": size, "stride": 2}
            free, keyed = (section("stochpool", x, training=True, **window) for _ in range(2))
            keyed.at(seed=1, iteration=1, samples=range(8))
            median = section("medianpool", x, **window)
            forms: dict[str, Form] = {
                "torch's max pool": lambda x, k=size: F.max_pool2d(x, k, 2, (k - 1) // 2),
                "[stochpool], torch's generator": lambda x, pool=free: pool(x)[0],
                "[stochpool], keyed": lambda x, pool=keyed: pool(x)[0],
                "unfold + multinomial": lambda x, k=size: unfold_and_draw(x, k, 2),
                "[medianpool]": lambda x, pool=median: pool(x)[0],
                "unfold + median": lambda x, k=size: unfolded(x, k, 2).median(dim=-1).values,
            }
            times = medians(forms, x, rounds)
            table(f"Windows of {size} with stride 2 on 8x64x208x208, {name}", times)
            for target in _strided_targets(name):
                ratio(*target(times, f"{name}, size {size}"))


def _strided_targets(name: str) -> Iterator[Callable[[Times, str], tuple[str, float, str]]]:
    """Of a contiguous map against torch's max pool, of channels_last against the naive form."""
    stochastic, median = "[stochpool], torch's generator", "[medianpool]"
    rows = (
        [(stochastic, "torch's max pool", "< 2", "< 3"), (median, "torch's max pool", "< 1.3", "< 3")]
        if name == "contiguous"
        else [("unfold + multinomial", stochastic, "> 5", "> 5"), ("unfold + median", median, "> 4", "> 4")]
    )
    for above, below, *bounds in rows:
        for backward, bound in zip((False, True), bounds, strict=True):
            way = "forward + backward" if backward else "forward"
            yield lambda times, where, a=above, b=below, back=backward, bound=bound, way=way: (
                f"{way}: {a} / {b}, {where}", times[a, back] / times[b, back], bound
            )  # fmt: skip


def memory(maps: list[str]) -> None:
    """Every window pool with windows of 19, measured by memory.py in a process of its own."""
    pools = [name for name, cls in CATALOGUE.items() if issubclass(cls, WindowPool)]
    extra = ["mode=cat", "mode=random", "mode=gated"]
    settings = [(name, "size=19") for name in pools] + [("mixpool", f"size=19,{mode}") for mode in extra]
    cases = [f"{name}:{keys}:{size}" for size in maps for name, keys in settings]
    print("\n### Memory in addition to the input, in multiples of it, windows of 19; target < 6\n")
    print("| case | inference | training |\n|---|---:|---:|")
    script = [sys.executable, str(ROOT / "bench" / "memory.py"), *cases]
    output = subprocess.run(script, capture_output=True, text=True, check=True).stdout  # noqa: S603  # our own
    for line in output.splitlines():
        case, *figures = line.split()
        missed = " MISSED" if max(map(float, figures)) > 6 else ""
        print(f"| {case} | {' | '.join(figures)}{missed} |", flush=True)


def main() -> None:
    """All tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three rounds, and the memory of one map")
    parser.add_argument("--only", choices=("spp", "strided", "memory"), help="one part alone")
    asked = parser.parse_args()
    keep_freed_memory()
    torch.manual_seed(0)
    rounds = 3 if asked.quick else 7
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {platform.machine()}")
    work: dict[str, Callable[[], None]] = {
        "spp": lambda: spp(rounds),
        "strided": lambda: strided(rounds),
        "memory": lambda: memory(["8x512x19x19:last", *([] if asked.quick else ["2x64x104x104"])]),
    }
    for name, part in work.items():
        if asked.only in (None, name):
            part()


if __name__ == "__main__":
    main()
