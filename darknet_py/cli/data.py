"""The verbs of data sets: their damage, their anchors, other layouts, and official downloads."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from darknet_py.cli.terminal import bar, emit
from darknet_py.data.check.run import check
from darknet_py.data.download.fetch import fetch, source_of
from darknet_py.data.download.sources import SOURCES, Remote, Source
from darknet_py.data.findings import Findings
from darknet_py.data.formats.registry import open_data
from darknet_py.data.rules.registry import RULES
from darknet_py.data.tools.anchors import anchors_of
from darknet_py.data.tools.convert import convert


def data(args: argparse.Namespace) -> int:
    """Whichever was asked for."""
    return SUBVERBS[args.subverb](args)


def _check(args: argparse.Namespace) -> int:
    with _progress("image") as progress:
        findings = check(args.data, progress=progress)
    errors = [f for f in findings.all if f.severity == "error" or args.strict]
    if args.json or args.output:
        emit(args, _check_json(args, findings))
    else:
        for finding in findings.first(args.limit):
            print(finding)
        print("\n".join(_summary(args.data, findings, args.limit)))
    return 1 if errors else 0


def _check_json(args: argparse.Namespace, findings: Findings) -> dict[str, object]:
    return {
        "data": args.data,
        "images": findings.images,
        "boxes": findings.boxes,
        "kinds": dict(findings.counts()),
        "findings": [finding.to_json() for finding in findings.first(args.limit)],
    }


def _summary(name: str, findings: Findings, limit: int) -> list[str]:
    looked = f"{name}: {findings.images:,} images, {findings.boxes:,} boxes"
    if not findings.all:
        return [f"{looked}: no damage found"]
    lines = [f"{looked}: {len(findings.all):,} damages of {len(findings.counts())} kinds"]
    for code, count in findings.counts().items():
        severity, meaning = RULES[code].severity, RULES[code].summary
        more = f" ({limit} shown)" if limit and count > limit else ""
        lines.append(f"{count:>7,}  {severity:<7}  {code:<22} {meaning}{more}")
    return lines


@contextmanager
def _progress(unit: str) -> Iterator[Callable[[int, int], None]]:
    """A function `progress(done, total)` that shows a bar on a terminal; another total begins another bar."""
    with ExitStack() as stack:
        opened: dict[int, Any] = {}

        def progress(done: int, total: int) -> None:
            if total not in opened:
                stack.close()
                opened.clear()
                opened[total] = stack.enter_context(bar(total, unit, quiet=not sys.stderr.isatty()))
            opened[total](done, {})

        yield progress


def _anchors(args: argparse.Namespace) -> int:
    dataset = open_data(args.data, split=args.split)
    size = {"width": args.width, "height": args.height}
    found = anchors_of(dataset, number=args.num, **size, seed=args.seed, tries=args.tries)
    if args.json or args.output:
        facts = {
            "anchors": found.sizes.tolist(),
            "shares": found.shares.tolist(),
            "average_iou": found.average_iou,
            "boxes": found.boxes,
            **size,
            "seed": found.seed,
        }
        emit(args, facts)
        return 0
    print(found.line(args.width))
    print(
        f"num={args.num}, width={args.width}, height={args.height}, seed {found.seed}: "
        f"{found.boxes:,} boxes, average IoU {100 * found.average_iou:.2f} %"
    )
    for (wide, high), share in zip(found.sizes.tolist(), found.shares.tolist(), strict=True):
        print(f"{wide:6.0f} x {high:<6.0f} {100 * share:5.1f} % of the boxes")
    return 0


def _convert(args: argparse.Namespace) -> int:
    done = convert(args.source, to=args.to, out=args.out, copy=args.copy)
    if args.json or args.output:
        facts = {"images": done.images, "boxes": done.boxes, "changed": dict(+done.changed)}
        emit(args, {"out": str(args.out), **facts})
        return 0
    for split, images in done.images.items():
        print(f"{split}: {images:,} images, {done.boxes[split]:,} boxes")
    for what, count in (+done.changed).items():
        print(f"{count:,} x {what}")
    data = args.out / "obj.data" if args.to == "darknet" else args.out
    print(f"use it as --data {data}")
    return 0


def _fetch(args: argparse.Namespace) -> int:
    if args.name is None:
        rows = [_row(source, remote) for source in SOURCES.values() for remote in source.files]
        if args.json or args.output:
            emit(args, rows)
        else:
            for row in rows:
                size = f"{row['bytes']:,} bytes" if row["bytes"] else "size unknown"
                print(f"{row['name']:<13} {row['address']}")
                print(f"{'':<13} {size}, sha256 {row['sha256'] or 'unknown'}")
        return 0
    with _progress("B") as progress:
        said: list[str] = []
        say = said.append if args.json or args.output else print
        brought = fetch(source_of(args.name), args.to, say=say, progress=progress, keep=args.keep)
    if args.json or args.output:
        emit(args, {"paths": [str(path) for path in brought], "said": said})
    return 0


def _row(source: Source, remote: Remote) -> dict[str, object]:
    facts = {"address": remote.address, "bytes": remote.size or None, "sha256": remote.sha256 or None}
    return {"name": source.name, "about": source.about, **facts}


SUBVERBS = {"check": _check, "anchors": _anchors, "convert": _convert, "fetch": _fetch}
