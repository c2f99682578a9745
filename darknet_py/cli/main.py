"""The program: the verb's parser, its plug-ins, and what each outcome exits with."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType

from darknet_py import __version__
from darknet_py.cli.options import add_plugin
from darknet_py.errors import DarknetPyError, PeerFailed, UsageError, out_of_memory

OUT_OF_MEMORY, INTERRUPTED, BAD_INPUT = 5, 130, 3
PLUGINS = "darknet_py.layers.plugins"
MODULES = {
    "adapt": "weights.adapt",
    "attribute": "attribution.attribute",
    "bench": "speed.bench",
    "convert": "weights.convert",
    "export": "weights.export",
    "report": "reporting.report",
    "score": "scoring.score",
    "weights": "weights.inspect",
}  # of verbs whose modules are in a folder
VERBS = {  # each is a module of this package, imported when it is called: lint and show do without torch
    "lint": "every error and every warning of cfgs",
    "show": "layers, shapes, costs and receptive fields",
    "edit": "change a cfg and keep what refers to its layers right",
    "diff": "two networks: which layers differ, what they cost and see",
    "reach": "the receptive field of every layer",
    "layers": "the sections there are, or the card of one",
    "conform": "test a layer against everything that layers promise",
    "pool-view": "pools side by side on one picture",
    "data": "data sets: their damage, anchors, layouts, official downloads",
    "detect": "find objects in images",
    "eval": "COCO figures of weights on a data set",
    "score": "detections of any tool by the protocols of COCO, Darknet and Pascal VOC",
    "weights": "what a weights file is, which cfgs it fits, and what is wrong with it",
    "adapt": "weights carried from one cfg to another, and what became of every tensor",
    "convert": "weights in another format: Darknet's, safetensors, PyTorch",
    "attribute": "what each pool is worth to trained weights, without training",
    "export": "a network for ONNX, OpenVINO, torch.export or Darknet, checked before it is kept",
    "train": "train a network",
    "bench": "the engines that run networks, side by side on this machine",
    "compare": "train variants, and report how they compare",
    "report": "the report of a comparison again, or one of several, without training",
    "runs": "the runs so far: state and figures",
    "lsp": "the language server, for editors (standard input and output)",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit code. An error of the user's is one message, without a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # what the encoding lacks is escaped
    try:
        return run(parse(sys.argv[1:] if arguments is None else arguments))
    except PeerFailed as error:
        return error.exit_code
    except DarknetPyError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader is gone; exit in silence
        return 0
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except OSError as error:
        print(f"{error.filename or ''}: error: {error.strerror}", file=sys.stderr)
        return BAD_INPUT


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The verb's arguments; `args.run` runs it, `args.words` are as they were typed.

    Only that verb's module is imported.
    """
    if not words or words[0] not in VERBS:
        _without_verb(words)
    verb = words[0]
    module = import_module(f"{__package__}.{MODULES.get(verb, verb.replace('-', '_'))}")
    args = verb_parser(verb, module).parse_args(words[1:])
    args.run, args.words = module.run, tuple(words[1:])
    return args


def verb_parser(verb: str, module: ModuleType) -> argparse.ArgumentParser:
    """The options of a verb, with those that all verbs have."""
    parser = argparse.ArgumentParser(
        prog=f"darknet-py {verb}", description=VERBS[verb], formatter_class=help_formatter
    )
    module.add_arguments(parser)
    add_plugin(parser)
    return parser


def help_formatter(prog: str) -> argparse.HelpFormatter:
    """Lines as wide as the terminal; argparse would import shutil to measure it, for every option."""
    try:
        columns = int(os.environ.get("COLUMNS", 0)) or os.get_terminal_size().columns
    except (ValueError, OSError):
        columns = 80
    return argparse.HelpFormatter(prog, width=columns - 2)


def _without_verb(words: Sequence[str]) -> None:
    """`--help`, `--version`, or a command line that is none: prints, and exits."""
    top = argparse.ArgumentParser(prog="darknet-py", description="A lab bench for YOLO cfg files.")
    top.add_argument("--version", action="version", version=f"darknet-py {__version__}")
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb, summary in VERBS.items():
        verbs.add_parser(verb, help=summary)
    if words and not words[0].startswith("-"):
        from darknet_py.cfg.diagnostics import did_you_mean

        guess = did_you_mean(words[0], VERBS)
        hint = f"did you mean `{guess}`?" if guess else f"verbs are {', '.join(VERBS)}"
        top.error(f"{words[0]!r} is not a verb; {hint}")
    top.parse_args(words)
    top.error("a verb comes first")


def run(args: argparse.Namespace) -> int:
    """The exit code of the verb; an exception in the code of a plug-in becomes a message."""
    if output := getattr(args, "output", None):  # before the work, whose result would be lost
        if not output.parent.is_dir():
            raise UsageError("there is no such folder to write to", where=output.parent)
        if output.is_dir():
            raise UsageError("is a folder, and -o is the name of a file", where=output)
    try:
        # plug-ins of an earlier command in this process are unloaded
        wanted = args.plugin or PLUGINS in sys.modules
        args.plugins = import_module(PLUGINS).load_plugins(args.plugin) if wanted else ()
        code: int = args.run(args)
        return code
    except (DarknetPyError, BrokenPipeError):
        raise
    except Exception as error:
        if out_of_memory(error):
            hint = "a smaller batch or input needs less; in training, more subdivisions too"
            print(f"error: out of memory\n   = {hint}", file=sys.stderr)
            return OUT_OF_MEMORY
        located = args.plugin and import_module(PLUGINS).locate_error(error, args.plugin)
        if located:
            raise located from error
        raise
