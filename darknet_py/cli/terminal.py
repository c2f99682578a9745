"""What a person sees in the terminal: colours where they are wanted, progress, JSON."""

from __future__ import annotations

import argparse
import json
import os
import sys
from types import TracebackType
from typing import Any

from darknet_py.cfg.diagnostics import Diagnostic

COLOURS = {"error": "\033[1;31m", "warning": "\033[1;33m", "hint": "\033[1;36m"}
RESET = "\033[0m"


def coloured(diagnostic: Diagnostic) -> str:
    """A diagnostic, its severity in colour on a terminal; NO_COLOR is respected."""
    text = str(diagnostic)
    if os.environ.get("NO_COLOR") or not sys.stdout.isatty():
        return text
    word = f"{diagnostic.severity}[{diagnostic.code}]"
    return text.replace(word, f"{COLOURS[diagnostic.severity]}{word}{RESET}", 1)


def emit(args: argparse.Namespace, value: Any) -> None:
    """JSON to standard output, or to the file of `-o`."""
    text = json.dumps(value, indent=1, allow_nan=False)
    if args.output:
        from darknet_py.files.atomic import publish_bytes

        publish_bytes(args.output, text.encode() + b"\n")
    else:
        print(text)


class bar:
    """A progress bar on standard error, as a context manager that gives a function `advance(done, facts)`."""

    def __init__(self, total: int, unit: str, *, title: str = "", quiet: bool = False) -> None:
        from tqdm import tqdm

        self.bar = tqdm(
            total=total,
            unit=unit,
            desc=title or None,
            disable=quiet,
            delay=0.5,
            file=sys.stderr,
            dynamic_ncols=True,
        )

    def __enter__(self) -> Any:
        return self.advance

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.close()

    def advance(self, done: int, facts: dict[str, Any]) -> None:
        """Move to `done`, and show what is known."""
        if facts:
            loss, rate, speed = facts["loss"], facts["learning_rate"], facts["images_per_second"]
            self.bar.set_postfix_str(f"loss {loss:.3g}, lr {rate:.3g}, {speed:.0f} images/s", refresh=False)
        self.bar.update(done - self.bar.n)
