"""`data fetch`: official downloads."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from darknet_py.cli.progress import show_progress
from darknet_py.cli.terminal import print_json, print_result, wants_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the subverb's options."""
    parser.add_argument("name", nargs="?", help="which; without, print the table of downloads")
    parser.add_argument("--to", type=Path, default=Path(), help="folder to put it in (default: this one)")
    parser.add_argument("--keep", action="store_true", help="keep the archive after unpacking")


def run(args: argparse.Namespace) -> int:
    """Download, or print the table."""
    from darknet_py.data.download.fetch import fetch, source_of

    if args.name is None:
        print_result(args, lambda: list(_rows()), _lines)
        return 0
    lines: list[str] = []
    with show_progress("B") as progress:
        print_line = lines.append if wants_json(args) else print
        paths = fetch(source_of(args.name), args.to, print_line=print_line, progress=progress, keep=args.keep)
    if wants_json(args):
        print_json(args, {"paths": [str(path) for path in paths], "said": lines})
    return 0


def _rows() -> Iterator[dict[str, Any]]:
    from darknet_py.data.download.sources import SOURCES

    for source in SOURCES.values():
        for remote in source.files:
            yield {
                "name": source.name,
                "about": source.about,
                "address": remote.address,
                "bytes": remote.size or None,
                "sha256": remote.sha256 or None,
            }


def _lines() -> Iterator[str]:
    for row in _rows():
        size = f"{row['bytes']:,} bytes" if row["bytes"] else "size unknown"
        yield f"{row['name']:<13} {row['address']}"
        yield f"{'':<13} {size}, sha256 {row['sha256'] or 'unknown'}"
