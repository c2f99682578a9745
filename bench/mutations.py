"""Mutation test of the linter: make single mistakes in real cfgs, and check the line and the suggestion.

    python bench/mutations.py FOLDER [--each N] [--seed S] [--missed]

Up to N mutants are drawn for every cfg of the folder and every kind of mistake. A mutant counts as found when
the first new diagnostic is on the changed line (for a deleted line: on a neighbouring line or its section's
header). A mutant that describes the same network is left out; one without a new diagnostic counts as missed.
"""

from __future__ import annotations

import argparse
import random
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from darknet_py.cfg.diagnostics import CfgError, Diagnostic
from darknet_py.cfg.document import Document, Entry, Section, parse, read
from darknet_py.cfg.keys import keys_of
from darknet_py.layers.base import layer_class
from darknet_py.lint.check import compile_checked, warnings


@dataclass(frozen=True)
class Mutant:
    """A cfg with one mistake.

    Args:
        lines: where a diagnostic may stand, from 1.
        meant: the word that was misspelt, or an empty string.
    """

    text: str
    lines: frozenset[int]
    meant: str = ""


@dataclass
class Tally:
    """The counts of one kind of mistake."""

    made: int = 0
    located: int = 0
    silent: int = 0
    words: int = 0
    guessed: int = 0
    missed: list[str] = field(default_factory=list)


Base = set[tuple[str, str, int]]  # code, message and line of the diagnostics of the cfg itself
Kind = Callable[[Document, random.Random], Iterator[Mutant]]
KINDS: dict[str, Kind] = {}
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def kind(name: str) -> Callable[[Kind], Kind]:
    """Enter a kind of mistake under its name."""

    def enter(function: Kind) -> Kind:
        KINDS[name] = function
        return function

    return enter


# texts with one thing changed


def entries(document: Document, *keys: str) -> list[tuple[Section, Entry]]:
    """Entries that are read (the first of equal keys) and known, of these keys if any are named."""
    found = []
    for section in document.sections:
        cls = layer_class(section.name)
        known = {declared.name for declared in keys_of(cls).values()} if cls else set()
        for entry in section.entries:
            if section.first(entry.key) is entry and entry.key in (keys or known) and entry.key in known:
                found.append((section, entry))
    return found


def mutant(
    document: Document, line: int, text: str | None, *, also: Iterable[int] = (), meant: str = ""
) -> Mutant:
    """Line number `line` replaced by `text` (None: deleted)."""
    lines = list(document.lines)
    end = "\r\n" if lines[line - 1].endswith("\r\n") else "\n"
    lines[line - 1 : line] = [] if text is None else [text + end]
    return Mutant("".join(lines), frozenset({line, *also}), meant)


def revalued(document: Document, entry: Entry, value: str, *, meant: str = "") -> Mutant:
    """The entry with another value."""
    return mutant(document, entry.span.line, f"{entry.key}={value}", meant=meant)


def typo(word: str, rng: random.Random) -> str:
    """A letter dropped, doubled, exchanged with the next one, or replaced."""
    at = rng.randrange(len(word))
    way = rng.randrange(4)
    if way == 0:
        return word[:at] + word[at + 1 :]
    if way == 1:
        return word[: at + 1] + word[at:]
    if way == 2 and at + 1 < len(word):
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[:at] + rng.choice(LETTERS) + word[at + 1 :]


def words_of(section: Section, entry: Entry) -> tuple[str, ...]:
    """The words that a key may hold: one misspelt into another of them is no misspelling."""
    cls = layer_class(section.name)
    return next(declared.one_of for declared in keys_of(cls).values() if declared.name == entry.key)


def shuffled(items: list, rng: random.Random) -> Iterator:
    """The items in a random order."""
    rng.shuffle(items)
    return iter(items)


# words


@kind("key misspelt")
def _key(document: Document, rng: random.Random) -> Iterator[Mutant]:
    for section, entry in shuffled(entries(document), rng):
        cls = layer_class(section.name)
        known = {declared.name for declared in keys_of(cls).values()}
        word = typo(entry.key, rng)
        if len(entry.key) > 2 and word not in known:
            yield mutant(document, entry.span.line, f"{word}={entry.value}", meant=entry.key)


@kind("section misspelt")
def _section(document: Document, rng: random.Random) -> Iterator[Mutant]:
    for section in shuffled(list(document.sections), rng):
        word = typo(section.name, rng)
        if layer_class(section.name) and not layer_class(word):
            yield mutant(document, section.span.line, f"[{word}]", meant=section.name)


@kind("activation misspelt")
def _activation(document: Document, rng: random.Random) -> Iterator[Mutant]:
    for section, entry in shuffled(entries(document, "activation"), rng):
        word = typo(entry.value, rng)
        if word not in words_of(section, entry):
            yield revalued(document, entry, word, meant=entry.value)


@kind("another word misspelt")
def _word(document: Document, rng: random.Random) -> Iterator[Mutant]:
    keys = ("policy", "iou_loss", "nms_kind", "iou_thresh_kind", "weights_type", "weights_normalization")
    for section, entry in shuffled(entries(document, *keys), rng):
        word = typo(entry.value, rng)
        if word not in words_of(section, entry):
            yield revalued(document, entry, word, meant=entry.value)


@kind("comment behind a word")
def _comment(document: Document, rng: random.Random) -> Iterator[Mutant]:
    for _, entry in shuffled(entries(document, "activation", "policy", "iou_loss"), rng):
        yield revalued(document, entry, f"{entry.value} # as before")


# numbers


def numeric(document: Document, rng: random.Random) -> Iterator[Entry]:
    """Entries of one whole number, at least 1."""
    plain = [e for _, e in entries(document) if e.value.isdigit() and 0 < int(e.value) < 10**9]
    return shuffled(plain, rng)


@kind("number with a letter in it")
def _letter(document: Document, rng: random.Random) -> Iterator[Mutant]:
    for entry in numeric(document, rng):
        at = rng.randrange(len(entry.value) + 1)
        yield revalued(document, entry, entry.value[:at] + rng.choice("oOlxe_") + entry.value[at:])


@kind("number out of range")
def _range(document: Document, rng: random.Random) -> Iterator[Mutant]:
    keys = (
        "filters",
        "size",
        "stride",
        "classes",
        "num",
        "batch",
        "subdivisions",
        "width",
        "height",
        "groups",
    )
    for _, entry in shuffled(entries(document, *keys), rng):
        yield revalued(document, entry, rng.choice(["0", "-1", f"-{entry.value}", "99999999999"]))


@kind("digits that are not ASCII")
def _foreign(document: Document, rng: random.Random) -> Iterator[Mutant]:
    for entry in numeric(document, rng):
        yield revalued(document, entry, entry.value[:-1] + chr(0x0660 + int(entry.value[-1])))


@kind("comma missing in a list")
def _comma(document: Document, rng: random.Random) -> Iterator[Mutant]:
    for _, entry in shuffled([e for e in entries(document) if "," in e[1].value], rng):
        places = [i for i, c in enumerate(entry.value) if c == ","]
        at = rng.choice(places)
        yield revalued(document, entry, f"{entry.value[:at]} {entry.value[at + 1 :]}")


@kind("input size off the grid")
def _grid(document: Document, rng: random.Random) -> Iterator[Mutant]:
    heads = any(section.name in ("yolo", "region", "Gaussian_yolo") for section in document.sections)
    for _, entry in shuffled(entries(document, "width", "height") if heads else [], rng):
        yield revalued(document, entry, str(int(entry.value) + rng.choice([-8, -2, -1, 1, 3, 10])))


@kind("subdivisions that do not divide")
def _subdivisions(document: Document, rng: random.Random) -> Iterator[Mutant]:
    for section, entry in shuffled(entries(document, "subdivisions"), rng):
        batch = section.first("batch")
        if batch and batch.value.isdigit():
            yield revalued(document, entry, str(int(batch.value) + 1))


# references


def references(document: Document) -> Iterator[tuple[int, Entry, list[int]]]:
    """Layer, entry and numbers of every plain reference."""
    for index, section in enumerate(document.sections[1:]):
        entry = section.first("layers") if section.name == "route" else section.first("from")
        pieces = entry.value.split(",") if entry else []
        if entry and all(p.lstrip("-").isdigit() for p in pieces):
            yield index, entry, [int(p) for p in pieces]


def _rereferred(
    document: Document, rng: random.Random, change: Callable[[int, int], list[int]]
) -> Iterator[Mutant]:
    for index, entry, numbers in shuffled(list(references(document)), rng):
        at = rng.randrange(len(numbers))
        choices = change(index, numbers[at])
        if choices:
            replaced = [*numbers[:at], rng.choice(choices), *numbers[at + 1 :]]
            yield revalued(document, entry, ",".join(map(str, replaced)))


@kind("reference to a later layer")
def _later(document: Document, rng: random.Random) -> Iterator[Mutant]:
    return _rereferred(document, rng, lambda index, _: [index, index + 1, index + 40])


@kind("reference before the first layer")
def _before(document: Document, rng: random.Random) -> Iterator[Mutant]:
    return _rereferred(document, rng, lambda index, _: [-index - 1, -index - 7])


@kind("absolute reference that counts [net]")
def _counted(document: Document, rng: random.Random) -> Iterator[Mutant]:
    return _rereferred(document, rng, lambda index, k: [k + 1] if 0 < k < index - 1 else [])


@kind("reference to a head")
def _head(document: Document, rng: random.Random) -> Iterator[Mutant]:
    heads = [i for i, section in enumerate(document.sections[1:]) if section.name in ("yolo", "region")]
    return _rereferred(document, rng, lambda index, _: [h for h in heads if h < index])


# heads


def heads(document: Document) -> Iterator[tuple[Section, Section]]:
    """Every head with the layer before it, where that has filters."""
    for before, section in zip(document.sections, document.sections[1:], strict=False):
        if section.name in ("yolo", "region", "Gaussian_yolo") and before.first("filters"):
            yield before, section


@kind("wrong filters before a head")
def _filters(document: Document, rng: random.Random) -> Iterator[Mutant]:
    for before, _ in shuffled(list(heads(document)), rng):
        entry = before.first("filters")
        yield revalued(document, entry, str(max(1, int(entry.value) + rng.choice([-5, -3, -1, 1, 3, 15]))))


@kind("classes of one head of several")
def _classes(document: Document, rng: random.Random) -> Iterator[Mutant]:
    found = list(heads(document))
    for _, head in shuffled(found if len(found) > 1 else [], rng):
        if entry := head.first("classes"):
            yield revalued(document, entry, str(max(1, int(entry.value) + rng.choice([-1, 1, 2, 20]))))


@kind("classes of the only head (told at `filters`)")
def _only_classes(document: Document, rng: random.Random) -> Iterator[Mutant]:
    found = list(heads(document))
    for before, head in found if len(found) == 1 else []:
        if entry := head.first("classes"):
            value = str(max(1, int(entry.value) + rng.choice([-1, 1, 2, 20])))
            line = entry.span.line
            yield mutant(document, line, f"classes={value}", also=(before.first("filters").span.line,))


@kind("mask out of range or repeated")
def _mask(document: Document, rng: random.Random) -> Iterator[Mutant]:
    for _, entry in shuffled(entries(document, "mask"), rng):
        *first, _ = entry.value.split(",")
        yield revalued(document, entry, ",".join([*first, rng.choice(["99", *first[:1]])]))


@kind("an anchor's number missing")
def _anchor(document: Document, rng: random.Random) -> Iterator[Mutant]:
    for _, entry in shuffled(entries(document, "anchors"), rng):
        numbers = entry.value.split(",")
        del numbers[rng.randrange(len(numbers))]
        yield revalued(document, entry, ",".join(numbers))


# windows


@kind("even kernel")
def _even(document: Document, rng: random.Random) -> Iterator[Mutant]:
    for section, entry in shuffled(entries(document, "size"), rng):
        if section.name in ("convolutional", "conv") and entry.value in ("3", "5") and section.first("pad"):
            yield revalued(document, entry, str(int(entry.value) + rng.choice([-1, 1])))


@kind("groups that do not divide")
def _groups(document: Document, rng: random.Random) -> Iterator[Mutant]:
    for _, entry in shuffled(entries(document, "groups"), rng):
        yield revalued(document, entry, str(int(entry.value) + 1 + 4 * (int(entry.value) == 1)))


# lines


@kind("line deleted")
def _deleted(document: Document, rng: random.Random) -> Iterator[Mutant]:
    for section, entry in shuffled(entries(document), rng):
        line = entry.span.line
        yield mutant(document, line, None, also=(section.span.line, line - 1))


@kind("header deleted")
def _header(document: Document, rng: random.Random) -> Iterator[Mutant]:
    for section in shuffled(list(document.sections), rng):
        line = section.span.line
        yield mutant(document, line, None, also=range(line - 2, line + 2))


@kind("two lines swapped")
def _swapped(document: Document, rng: random.Random) -> Iterator[Mutant]:
    """A header and the key above or below it: within a section the order says nothing."""
    for section in shuffled([s for s in document.sections if s.entries], rng):
        line = section.span.line
        if section.entries[0].span.line == line + 1:
            lines = list(document.lines)
            lines[line - 1], lines[line] = lines[line], lines[line - 1]
            yield Mutant("".join(lines), frozenset({line, line + 1}))


@kind("line said twice")
def _twice(document: Document, rng: random.Random) -> Iterator[Mutant]:
    for entry in numeric(document, rng):
        text = f"{entry.key}={entry.value}\n{entry.key}={int(entry.value) + 1}"
        yield mutant(document, entry.span.line, text, also=(entry.span.line + 1,))


@kind("line damaged")
def _damaged(document: Document, rng: random.Random) -> Iterator[Mutant]:
    for _, entry in shuffled(entries(document), rng):
        texts = [
            f"{entry.key} {entry.value}",
            f"{entry.key}=",
            f"={entry.value}",
            f"{entry.key}:{entry.value}",
        ]
        yield mutant(document, entry.span.line, rng.choice(texts))


@kind("header damaged")
def _broken_header(document: Document, rng: random.Random) -> Iterator[Mutant]:
    for section in shuffled(list(document.sections), rng):
        name = section.name
        yield mutant(
            document, section.span.line, rng.choice([f"[{name}", f"{name}]", f"[{name}]x", f"({name})"])
        )


# judging


def diagnosed(document: Document) -> tuple[tuple[Diagnostic, ...], object]:
    """Every diagnostic, and the layers where there is no error."""
    try:
        graph = compile_checked(document)
    except CfgError as error:
        return error.diagnostics, None
    return warnings(graph), [graph.net, *(node.layer for node in graph)]


def judge(mutant: Mutant, document: Document, base: Base, layers: object, tally: Tally) -> None:
    """Count one mutant."""
    made = parse(mutant.text, path="mutant.cfg")
    found, mutated_layers = diagnosed(made)
    moved = len(made.lines) - len(document.lines)
    new = []
    for diagnostic in found:
        line = diagnostic.span.line
        line -= moved if line > max(mutant.lines) else 0
        if (diagnostic.code, diagnostic.message, line) not in base:
            new.append(diagnostic)
    if not new and mutated_layers is not None and mutated_layers == layers:
        return
    tally.made += 1
    tally.silent += not new
    right = bool(new) and new[0].span.line in mutant.lines
    tally.located += right
    if mutant.meant:
        tally.words += 1
        suggestions = {d.suggestion.strip("[]") for d in new if d.span.line in mutant.lines}
        tally.guessed += mutant.meant in suggestions
        if mutant.meant not in suggestions:
            tally.missed.append(f"meant {mutant.meant}: {new[0] if new else 'no diagnostic'}")
    if not right:
        tally.missed.append(f"lines {sorted(mutant.lines)}: {new[0] if new else 'no diagnostic'}")


def run(paths: Iterable[Path], *, each: int, seed: int) -> dict[str, Tally]:
    """Up to `each` mutants of every kind of every cfg that compiles."""
    tallies = {name: Tally() for name in KINDS}
    for path in paths:
        document = read(path)
        found, layers = diagnosed(document)
        if layers is None:
            continue
        base = {(d.code, d.message, d.span.line) for d in found}
        for name, make in KINDS.items():
            rng = random.Random(zlib.crc32(f"{seed} {name} {path.name}".encode()))  # noqa: S311
            for _, made in zip(range(each), make(document, rng), strict=False):
                before = len(tallies[name].missed)
                judge(made, document, base, layers, tallies[name])
                tallies[name].missed[before:] = [f"{path.name} {m}" for m in tallies[name].missed[before:]]
    return tallies


def table(tallies: dict[str, Tally]) -> Iterator[str]:
    """A Markdown table, and the totals."""
    yield "| mistake | mutants | first diagnostic on the line | right suggestion | no diagnostic |"
    yield "|---|---:|---:|---:|---:|"
    total = Tally()
    for name, tally in tallies.items():
        yield _row(name, tally)
        for item in ("made", "located", "silent", "words", "guessed"):
            setattr(total, item, getattr(total, item) + getattr(tally, item))
    yield _row("**all**", total)


def _row(name: str, tally: Tally) -> str:
    place = f"{100 * tally.located / max(1, tally.made):.1f} %"
    word = f"{100 * tally.guessed / tally.words:.1f} %" if tally.words else ""
    return f"| {name} | {tally.made:,} | {place} | {word} | {tally.silent:,} |"


def main() -> int:
    """Print the table."""
    options = argparse.ArgumentParser(description="Mutation test of the linter: single mistakes in real cfgs")
    options.add_argument("folder", type=Path, help="where the cfgs are")
    options.add_argument(
        "--each", type=int, default=10, help="mutants of each kind of each cfg (default: 10)"
    )
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--missed", action="store_true", help="print every mutant that was missed")
    args = options.parse_args()
    tallies = run(sorted(args.folder.glob("*.cfg")), each=args.each, seed=args.seed)
    print("\n".join(table(tallies)))
    if args.missed:
        for name, tally in tallies.items():
            print("\n".join(f"\n{name}: {text}" for text in tally.missed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
