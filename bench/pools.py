"""Pools against torch's max pool and against naive forms, side by side in one run; prints ratios and targets.

`python bench/pools.py [--quick]`. Times are medians of interleaved rounds, in ms, on the threads that
torch takes; forward is inference, for a stochastic pool a draw. `--quick` makes three rounds and measures the
memory of one map. A target that is missed is marked so.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from darknet_py.cfg.document import parse  # noqa: E402
from darknet_py.graph.compile import compile  # noqa: E402
from darknet_py.network import Network  # noqa: E402

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
    print(f"\n**{title}**\n\n| form | forward | forward + backward |\n|---|---:|---:|")
    for name in dict.fromkeys(name for name, _ in times):
        print(f"| {name} | {times[name, False]:.1f} | {times[name, True]:.1f} |")
    print()


def ratio(what: str, value: float, *, most: float | None = None, least: float | None = None) -> None:
    """A ratio beside its target."""
    met = value <= most if most is not None else least is None or value >= least
    target = f"at most {most}" if most is not None else f"at least {least}"
    print(f"- {what}: {value:.2f} ({target}{'' if met else '; MISSED'})")


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
    for backward, least in ((False, 3.0), (True, 1.8)):
        way = "forward + backward" if backward else "forward"
        for form in ("[spp]", "sections"):
            own_time = last[form, backward]
            ratio(
                f"{way}: torch / {form}, channels_last",
                last["torch's pools", backward] / own_time,
                least=least,
            )
            gain = first["torch's pools", backward] / own_time
            ratio(f"{way}: torch contiguous / {form} channels_last", gain, least=20 if not backward else None)
        for name, times in found.items():
            growth = times["[maxpool] size=19", backward] / times["[maxpool] size=5", backward]
            ratio(f"{way}: [maxpool] 19 / 5, {name}", growth, most=2.2)
