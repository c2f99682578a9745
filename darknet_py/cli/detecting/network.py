"""The network that `detect` is given: a cfg and weights, or a file that `export` wrote."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from darknet_py.cli.options import document_of, print_engine
from darknet_py.errors import UsageError, quoted

if TYPE_CHECKING:
    from darknet_py.data.class_matching import ClassList
    from darknet_py.engines.base import Engine
    from darknet_py.engines.onnx_file import OnnxFileEngine
    from darknet_py.graph.graph import Graph


@dataclass(frozen=True)
class GivenNetwork:
    """A network that was checked, and is not open yet if it is a cfg and weights."""

    args: argparse.Namespace
    graph: Graph
    file: OnnxFileEngine | None
    callers: int = 1

    def open(self) -> Engine:
        """Make it ready to run."""
        from darknet_py.engines.opening import open_engine

        args, report = self.args, print_engine(self.args)
        if self.file is not None:
            report(f"engine: {self.file.name} on {self.file.device}, which runs the file")
            return self.file
        return open_engine(
            self.graph,
            args.weights,
            engine=args.engine,
            device=args.device,
            report=report,
            callers=self.callers,
        )

    def names(self) -> tuple[str, ...]:
        """The class names; a warning is printed where two files of them contradict each other."""
        from darknet_py.predict.names import class_names
        from darknet_py.predict.network_classes import order_warning

        args, classes = self.args, self.graph.head_layers[-1].classes
        if self.file is not None:
            return class_names(classes, file=args.names) if args.names else self.file.names
        neighbours = (args.weights, Path(args.cfg))
        names = class_names(classes, file=args.names, neighbours=neighbours)
        if warning := order_warning(args.names, neighbours):
            print(warning, file=sys.stderr)
        return names

    def class_list(self) -> Path | ClassList | None:
        """What is known of the class names, for data in their order; None where they are only numbered."""
        from darknet_py.cli.terminal import print_note
        from darknet_py.data.class_matching import ClassList
        from darknet_py.predict.names import numbered
        from darknet_py.predict.network_classes import names_file, order_warning

        args = self.args
        if args.names or self.file is None:
            neighbours = () if self.file else (args.weights, Path(args.cfg))
            if warning := order_warning(args.names, neighbours):
                print_note(args, warning)
            given: Path | None = args.names
            return given or names_file(neighbours)
        names = self.file.names
        return None if names == numbered(len(names)) else ClassList(names, quoted(args.model))


def given_network(args: argparse.Namespace, callers: int) -> GivenNetwork:
    """The network of the command line.

    Args:
        callers: threads that will run it at once, if the engine allows that.

    Raises:
        UsageError: when it names none, half of one, or two.
    """
    given = [f"--{name}" for name in ("cfg", "weights", "set") if getattr(args, name)]
    if args.model is not None:
        if given:
            message = f"--model is a complete network, and {given[0]} is given as well"
            raise UsageError(message, hint="give --model alone, or --cfg and --weights")
        from darknet_py.engines.onnx_file import OnnxFileEngine

        file = OnnxFileEngine(args.model, engine=args.engine, device=args.device, callers=callers)
        return GivenNetwork(args, file.graph, file)
    missing = [name for name in ("--cfg", "--weights") if name not in given]
    if missing:
        message = f"the following arguments are required: {', '.join(missing)}"
        raise UsageError(message, hint="or --model FILE, an ONNX file that `darknet-py export` wrote")
    from darknet_py.lint.check import compile_checked

    return GivenNetwork(args, compile_checked(document_of(args)), None, callers)
