"""What a verb prints: colours on a terminal, and JSON where it is asked for."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from darknet_py.cfg.diagnostics import Diagnostic

if TYPE_CHECKING:
    from darknet_py.data.dataset import Dataset

COLOURS = {"error": "\033[1;31m", "warning": "\033[1;33m", "hint": "\033[1;36m"}
RESET = "\033[0m"


def coloured(diagnostic: Diagnostic) -> str:
    """A diagnostic, its severity in colour on a terminal; NO_COLOR is respected."""
    text = str(diagnostic)
    if os.environ.get("NO_COLOR") or not sys.stdout.isatty():
        return text
    word = f"{diagnostic.severity}[{diagnostic.code}]"
    return text.replace(word, f"{COLOURS[diagnostic.severity]}{word}{RESET}", 1)


def wants_json(args: argparse.Namespace) -> bool:
    """Whether the result is JSON: `--json` prints it, `-o FILE` writes it to a file."""
    return bool(args.json or args.output)


def print_json(args: argparse.Namespace, value: Any) -> None:
    """JSON to standard output, or to the file of `-o`."""
    from darknet_py.files.json_text import json_text  # here, for most verbs print lines

    text = json_text(value, indent=1)
    if args.output:
        from darknet_py.files.atomic import publish_bytes

        publish_bytes(args.output, text.encode() + b"\n")
    else:
        print(text)


def print_result(
    args: argparse.Namespace, value: Callable[[], Any], lines: Callable[[], Iterable[str]]
) -> None:
    """The result of a verb: its JSON where `--json` or `-o` asks for it, else its lines of text."""
    if wants_json(args):
        print_json(args, value())
    else:
        print("\n".join(lines()))


def print_note(args: argparse.Namespace, text: str) -> None:
    """A line about the work: on standard output, or on standard error where that is for JSON."""
    file = sys.stderr if wants_json(args) else sys.stdout
    if (bars := sys.modules.get("tqdm")) is None:
        print(text, flush=True, file=file)
        return
    with bars.tqdm.external_write_mode(file=file):  # between the bars on the terminal, not in one
        print(text, flush=True, file=file)


def print_opening(args: argparse.Namespace, splits: Mapping[str, Dataset]) -> None:
    """What the splits of a data set hold, and what of it was left out."""
    for split, data in splits.items():
        for line in data.summary.lines(split):
            print_note(args, line)
