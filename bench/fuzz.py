"""Texts that nobody would write: each is refused in our words, or is a network whose shapes hold.

    python bench/fuzz.py [--count N] [--seed S] [--jobs J]

Three kinds of texts, from the seed and their number alone: cfgs made up from the catalogue's sections and
keys, real cfgs with lines and letters changed, and noise. Each is compiled in a child process whose address
space is limited to 1 GiB and which never imports torch, so that no plan can make a tensor. Of those that
compile, every hundredth is then built on torch's meta device, in another child, and run: every layer's map
must have the shape that the plan says.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from darknet_py.cfg.diagnostics import CfgError
from darknet_py.cfg.document import MOST_BYTES, parse
from darknet_py.cfg.keys import Key, keys_of, types_of
from darknet_py.graph.compile import compile
from darknet_py.graph.graph import Graph
from darknet_py.layers.catalogue import ALIASES, CATALOGUE

ROOT = Path(__file__).resolve().parents[1]
ADDRESS_SPACE = 1 << 30
SLOW = 1.0  # seconds that no text may take
BUILT = 100  # of so many texts that compile, one is built
SMALL = 4096  # bytes of real cfgs that are changed often
NUMBERS = (
    "0",
    "1",
    "2",
    "3",
    "4",
    "5",
    "8",
    "13",
    "16",
    "32",
    "64",
    "80",
    "255",
    "-1",
    "-2",
    "-3",
    "0.5",
    "1e-3",
)
WILD = (
    "", " ", "=", ",", "#", "-", "1e999", "nan", "99999", "2147483648", "9" * 40, "-9999999999", "1_0",
    "\u0663", "0x10", "leeky", "@x", "\x1b[31m", "\u202e", "3 4", "1,", ",1", "1,2,3", "-1,-2", "1#2",
    "0,1,2,3,4,5,6,7,8,9", "../../etc/passwd", "True", "\r", "[net]",
)  # fmt: skip
NEEDED = {  # keys that a section is nothing without, and numbers that often fit
    "layers": ("-1", "-1", "-2", "0"), "from": ("-1", "-2", "-2", "0"), "filters": ("4", "8", "18", "21"),
    "activation": (), "output": ("4",), "classes": ("1", "2"), "coords": ("4",),
}  # fmt: skip
NET = "[net]\nwidth={0}\nheight={0}\nchannels=3\n"


def text_of(seed: int, number: int) -> str:
    """Text number `number`."""
    rng = random.Random(seed << 40 | number)  # noqa: S311
    kind = rng.random()
    if kind < 0.7:
        return made_up(rng)
    return damaged(rng) if kind < 0.9 else noise(rng)


def made_up(rng: random.Random) -> str:
    """Sections and keys of the catalogue, most values in their range."""
    names = sorted(CATALOGUE) + sorted(ALIASES)
    text = NET.format(rng.choice([1, 7, 32, 64, 64, 416])) if rng.random() < 0.95 else ""
    for _ in range(rng.randrange(1, 7)):
        name = rng.choice(["convolutional", "maxpool", "route", "shortcut", "yolo"] + [rng.choice(names)] * 5)
        text += f"[{name}]\n" + "".join(_lines(name, rng))
    return text


def _lines(name: str, rng: random.Random) -> Iterator[str]:
    cls = CATALOGUE[ALIASES.get(name, name)]
    declared = keys_of(cls)
    odd = rng.random() < 0.2  # keys that are rarely more than their default
    for field, key in declared.items():
        usual = odd or not (key.ignored or key.refused or key.not_executable)
        if key.name in NEEDED or (usual and rng.random() < 2 / len(declared)):
            yield f"{key.name}={_value(key, types_of(cls)[field], rng)}\n"


def _value(key: Key, kind: object, rng: random.Random) -> str:
    if rng.random() < 0.02:
        return rng.choice(WILD)
    if key.one_of:
        return rng.choice(key.one_of)
    if kind is str:
        return rng.choice(WILD)
    if key.name in NEEDED:
        count, numbers = rng.choice([1, 1, 2]), NEEDED[key.name] or NUMBERS
    else:
        count, numbers = (
            (rng.choice([1, 2, 4]) if "tuple" in str(kind) else 1),
            ("1", "1", "2", "3", "3", "4"),
        )
        numbers = NUMBERS if rng.random() < 0.1 else numbers
    count = 1 if key.name == "filters" else count
    return ",".join(rng.choice(numbers) for _ in range(count))


@cache
def real() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The repository's own cfgs, small ones and all."""
    texts = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "cfg").rglob("*.cfg"))]
    return tuple(t for t in texts if len(t) < SMALL), tuple(texts)


def damaged(rng: random.Random) -> str:
    """A real cfg, cut short most of the time, with one to four changes."""
    small, every = real()
    lines = rng.choice(every if rng.random() < 0.03 else small).split("\n")
    if rng.random() < 0.7:
        lines = lines[: rng.randrange(5, 60)]
    for _ in range(rng.randrange(1, 5)):
        at, other = rng.randrange(len(lines)), rng.randrange(len(lines))
        way = rng.randrange(7)
        if way == 0 and len(lines) > 1:
            del lines[at]
        elif way == 1:
            lines.insert(at, lines[other])
        elif way == 2:
            lines[at], lines[other] = lines[other], lines[at]
        elif way == 3 and lines[at]:
            place = rng.randrange(len(lines[at]))
            lines[at] = (
                lines[at][:place] + chr(rng.choice([*range(32, 127), 0x663, 0xFEFF])) + lines[at][place + 1 :]
            )
        elif way == 4:
            lines[at] = lines[at].partition("=")[0] + "=" + rng.choice([*NUMBERS, *WILD])
        elif way == 5:
            lines[at] = lines[at] + rng.choice(WILD)
        else:
            lines = lines[: at + 1]
    return rng.choice(["\n", "\n", "\n", "\r\n", "\r"]).join(lines)


def noise(rng: random.Random) -> str:
    """Letters, brackets, long lines and long lists."""
    way = rng.randrange(5)
    if way == 0:
        return "".join(
            chr(rng.choice([10, 32, 61, 91, 93, 35, 44, 45, *range(48, 123)]))
            for _ in range(rng.randrange(400))
        )
    if way == 1:
        return bytes(rng.randrange(1, 256) for _ in range(rng.randrange(400))).decode(
            "utf-8", "surrogateescape"
        )
    start = NET.format(64)
    if way == 2:
        return (
            start
            + f"[route]\nlayers={','.join(rng.choice(NUMBERS) for _ in range(rng.randrange(1, 1500)))}\n"
        )
    if way == 3:
        return start + rng.choice(
            ["[dropout]\n", "[maxpool]\n", "[", "x=1\n", "#" * 50, "\n \t"]
        ) * rng.randrange(1, 400)
    return (
        start
        + "[convolutional]\nfilters="
        + rng.choice(["1", " ", "\t", "a,", "9", "\u0663"]) * rng.randrange(1, 5000)
    )


def compiled(text: str) -> Graph | None:
    """The graph, or None where the text is refused in our words."""
    try:
        graph = compile(parse(text, path="fuzz.cfg"))
    except CfgError as error:
        if not all(str(d).startswith("fuzz.cfg:") for d in error.diagnostics):
            raise AssertionError("a diagnostic without its place") from error
        return None
    return graph


def child(seed: int, first: int, count: int) -> dict[str, object]:
    """Compile `count` texts; what became of them."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    good, worst, broken = [], (0.0, -1), []
    for number in range(first, first + count):
        text = text_of(seed, number)
        start = time.perf_counter()
        try:
            if compiled(text[:MOST_BYTES]) is not None:
                good.append(number)
        except Exception:
            broken.append([number, traceback.format_exc()])
        worst = max(worst, (time.perf_counter() - start, number))
    mebibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    loaded = "torch" in sys.modules
    return {"good": good, "worst": worst, "broken": broken, "mebibytes": mebibytes, "torch": loaded}


def build(seed: int, numbers: list[int]) -> list[list[object]]:
    """Build networks on the meta device; those whose maps have not the shapes of the plan."""
    import torch

    from darknet_py.graph.executable import must_run

    broken: list[list[object]] = []
    for number in numbers:
        graph = compiled(text_of(seed, number))
        assert graph is not None
        try:
            must_run(graph)
            with torch.device("meta"):
                _run(graph)
        except CfgError:
            continue  # understood, and not run
        except Exception:
            broken.append([number, traceback.format_exc()])
    return broken


def _run(graph: Graph) -> None:
    import torch

    maps = [torch.empty(2, n.shape.channels, n.shape.height, n.shape.width) for n in graph]
    image = torch.empty(2, graph.image.channels, graph.image.height, graph.image.width)
    for node in graph:
        module = node.layer.module(*node.maps).eval()
        made = module(*[image if i < 0 else maps[i] for i in node.inputs])
        if made.shape != maps[node.index].shape:
            raise AssertionError(f"{node.name}: {tuple(made.shape)}, not {tuple(maps[node.index].shape)}")


def _ask(seed: int, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, "--seed", str(seed), *words]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT)  # noqa: S603


def fuzz(*, count: int, seed: int, jobs: int) -> dict[str, object]:
    """All texts, in `jobs` processes; the figures."""
    start, share = time.perf_counter(), -(-count // jobs)
    parts = [(at, min(share, count - at)) for at in range(0, count, share)]
    children = [_ask(seed, "--child", f"{first},{many}") for first, many in parts]
    answers = [json.loads(process.communicate()[0]) for process in children]
    good = sorted(number for answer in answers for number in answer["good"])
    builder = _ask(seed, "--build")
    unbuilt = json.loads(builder.communicate(json.dumps(good[::BUILT]))[0])
    seconds, number = max(tuple(answer["worst"]) for answer in answers)
    return {
        "texts": count,
        "refused": count - len(good),
        "compiled": len(good),
        "built": len(good[::BUILT]),
        "broken": [*(b for answer in answers for b in answer["broken"]), *unbuilt],
        "worst_seconds": round(seconds, 3),
        "worst_text": number,
        "peak_mebibytes": max(answer["mebibytes"] for answer in answers),
        "torch_loaded": any(answer["torch"] for answer in answers),
        "seconds": round(time.perf_counter() - start, 1),
    }


def main() -> int:
    """Print the figures; 1 when something broke."""
    options = argparse.ArgumentParser(description="Texts that nobody would write, compiled.")
    options.add_argument("--count", type=int, default=20_000)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--jobs", type=int, default=2, help="processes at once (default: 2)")
    options.add_argument("--text", type=int, metavar="NUMBER", help="print one text, and stop")
    options.add_argument("--child", help=argparse.SUPPRESS)
    options.add_argument("--build", action="store_true", help=argparse.SUPPRESS)
    args = options.parse_args()
    if args.text is not None:
        print(text_of(args.seed, args.text))
    elif args.child:
        print(json.dumps(child(args.seed, *map(int, args.child.split(",")))))
    elif args.build:
        print(json.dumps(build(args.seed, json.load(sys.stdin))))
    else:
        figures = fuzz(count=args.count, seed=args.seed, jobs=args.jobs)
        print(json.dumps(figures, indent=1))
        return 1 if figures["broken"] or figures["torch_loaded"] or figures["worst_seconds"] > SLOW else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
