"""The command line: the verbs, their options, and what each outcome exits with."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from darknet_py import __version__
from darknet_py.cli import data_options, edit_options, training_options
from darknet_py.errors import DarknetPyError, PeerFailed, UsageError, out_of_memory

OUT_OF_MEMORY, INTERRUPTED = 5, 130
PLUGIN = "darknet_py.layers.plugins"

VERBS = {  # verb: module and function, imported when asked for, so that lint and show do without torch
    "lint": ("text", "lint"),
    "show": ("text", "show"),
    "edit": ("edit", "edit"),
    "diff": ("diff", "diff"),
    "reach": ("reach", "reach"),
    "layers": ("layers", "layers"),
    "conform": ("conform", "conform"),
    "pool-view": ("images", "pool_view"),
    "data": ("data", "data"),
    "detect": ("images", "detect"),
    "eval": ("images", "evaluate"),
    "train": ("training", "train"),
    "compare": ("training", "compare"),
    "runs": ("runs", "runs"),
    "lsp": ("lsp", "lsp"),
}


def parser() -> argparse.ArgumentParser:
    """Every verb and option."""
    top = argparse.ArgumentParser(prog="darknet-py", description="A lab bench for YOLO cfg files.")
    top.add_argument("--version", action="version", version=f"darknet-py {__version__}")
    top.set_defaults(version=__version__)
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")
    _text_verbs(verbs)
    edit_options.declare(verbs)
    _image_verbs(verbs)
    training_options.declare(verbs, count=_count, natural=_natural, cfg=_set, shared=_data_and_device)
    data_options.declare(verbs, count=_count, natural=_natural, output=_output)
    listed = verbs.add_parser("runs", help="the runs so far: state and figures")
    listed.add_argument("folder", nargs="*", type=Path, default=[Path("runs")], help="where (default: runs)")
    listed.add_argument("--json", action="store_true", help="print JSON")
    _output(listed)
    verbs.add_parser("lsp", help="the language server, for editors (standard input and output)")
    for verb in verbs.choices.values():
        verb.add_argument(
            "--plugin",
            action="append",
            default=[],
            type=Path,
            metavar="FILE.py",
            help="a file with layers of your own; may be repeated",
        )
    return top


class _Codes(argparse.Action):
    """`lint --codes`: an option that answers and exits, as --help does."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from darknet_py.lint.registry import listing

        print("\n".join(listing()))
        parser.exit()


def _text_verbs(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    lint = verbs.add_parser("lint", help="every error and every warning of cfgs")
    lint.add_argument("cfg", nargs="+", help="a cfg file, or a shipped one by name")
    lint.add_argument("--format", choices=("text", "json", "sarif"), default="text")
    lint.add_argument("--strict", action="store_true", help="warnings are errors, hints are not")
    lint.add_argument("--off", action="append", metavar="CODE", help="say nothing of such warnings; CODE,...")
    lint.add_argument("--codes", action=_Codes, nargs=0, help="list the codes, and exit")
    lint.add_argument("--lenient", action="store_true", help="a misspelt key is ignored, as Darknet does")
    _output(lint)
    show = verbs.add_parser("show", help="layers, shapes, costs and receptive fields")
    show.add_argument("cfg", help="a cfg file, or a shipped one by name")
    show.add_argument("--json", action="store_true", help="print JSON")
    _set(show)
    _output(show)
    show.add_argument("--svg", type=Path, metavar="FILE", help="draw the graph into a file")
    reach = verbs.add_parser("reach", help="what every layer sees of the image")
    reach.add_argument("cfg", help="a cfg file, or a shipped one by name")
    reach.add_argument(
        "--layer", action="append", type=_natural, metavar="N", help="this layer alone; may be repeated"
    )
    reach.add_argument("--weights", type=Path, help="Darknet weights, for what a cell looks at in fact")
    reach.add_argument("--images", type=Path, help="an image, a folder, or a list of them, to average over")
    reach.add_argument(
        "--most", type=_count, default=64, metavar="N", help="images that are used (default: 64)"
    )
    reach.add_argument("--out", type=Path, metavar="PNG", help="draw it")
    reach.add_argument("--json", action="store_true", help="print JSON")
    _set(reach)
    _output(reach)
    layers = verbs.add_parser("layers", help="the sections there are, or the card of one")
    layers.add_argument("name", nargs="?", help="a section, such as maxpool")
    layers.add_argument("--json", action="store_true", help="print JSON")
    _output(layers)
    conform = verbs.add_parser("conform", help="try a layer against everything that layers promise")
    conform.add_argument("layer", help="a file with layers (FILE.py), or a section by name")
    conform.add_argument("--cases", type=_count, default=12, help="drawn cases of a check (default: 12)")
    conform.add_argument("--seed", type=_natural, default=0, help="of the drawn cases (default: 0)")
    conform.add_argument("--json", action="store_true", help="print JSON")
    _output(conform)


def _image_verbs(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    view = verbs.add_parser("pool-view", help="pools side by side on one picture")
    view.add_argument("image", type=Path, help="a picture")
    view.add_argument("name", nargs="*", help="SECTION or SECTION@KEY=VALUE,... (default: all window pools)")
    view.add_argument("--size", type=_count, default=5, help="side of the window (default: 5)")
    view.add_argument("--stride", type=_count, default=1, help="step of the window (default: 1)")
    view.add_argument(
        "--out", type=Path, default=Path("pool-view.png"), help="the picture (default: pool-view.png)"
    )
    detect = verbs.add_parser("detect", help="find objects in images")
    _weighted(detect, threshold=0.25, nms=0.45, batch=1)
    detect.add_argument("source", nargs="+", type=Path, help="images, folders, or lists of images (.txt)")
    detect.add_argument("--out", type=Path, help="folder for the drawn pictures")
    detect.add_argument("--names", type=Path, help="file of class names, one a line")
    detect.add_argument("--keep-going", action="store_true", help="an unreadable image is no failure")
    evaluate = verbs.add_parser("eval", help="COCO figures of weights on a data set")
    _weighted(evaluate, threshold=0.001, nms=0.6, batch=8)
    _data(evaluate)
    evaluate.add_argument(
        "--split", default="val", help="train, val, or X of instances_X.json (default: val)"
    )


def _weighted(verb: argparse.ArgumentParser, *, threshold: float, nms: float, batch: int) -> None:
    verb.add_argument("--cfg", required=True, help="a cfg file, or a shipped one by name")
    verb.add_argument("--weights", required=True, type=Path, help="Darknet weights")
    verb.add_argument(
        "--threshold", type=float, default=threshold, help=f"least score (default: {threshold})"
    )
    verb.add_argument(
        "--nms", type=float, default=nms, help=f"overlap that suppresses a weaker box (default: {nms})"
    )
    verb.add_argument("--batch", type=_count, default=batch, help=f"images at once (default: {batch})")
    verb.add_argument("--json", action="store_true", help="print JSON")
    _device(verb)
    _set(verb)
    _output(verb)


def _data(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--data", required=True, help="a COCO folder, a Darknet .data file, or `scenes`")


def _device(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, mps (default: cpu)")


def _data_and_device(verb: argparse.ArgumentParser) -> None:
    _data(verb)
    _device(verb)


def _set(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--set", action="append", metavar="EDIT", help="edit the cfg first, as in net.width=608 or 82.size=19"
    )


def _output(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("-o", dest="output", type=Path, metavar="FILE", help="write JSON to a file")


def _natural(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 0 or more")
    return int(text)


def _count(text: str) -> int:
    if _natural(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not 1 or more")
    return int(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit code. Errors of the user's are told in one message, without a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # what a terminal cannot show, it spells
    try:
        return _run(parser().parse_args(arguments))
    except PeerFailed as error:
        return error.exit_code
    except DarknetPyError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads; say no more at exit
        return 0
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except OSError as error:
        print(f"{error.filename or ''}: error: {error.strerror}", file=sys.stderr)
        return 3


def _run(args: argparse.Namespace) -> int:
    """What the verb returns; an exception in the code of a plug-in becomes a message."""
    if getattr(args, "output", None) and not args.output.parent.is_dir():
        raise UsageError("there is no such folder to write to", where=args.output.parent)
    module, function = VERBS[args.verb]
    try:
        args.plugins = _plugins(args)
        return int(getattr(import_module(f"darknet_py.cli.{module}"), function)(args))
    except (DarknetPyError, BrokenPipeError):
        raise
    except Exception as error:
        if out_of_memory(error):
            print(
                "error: out of memory\n   = a smaller batch, more subdivisions or a smaller input need less",
                file=sys.stderr,
            )
            return OUT_OF_MEMORY
        if args.plugin and (error := _plugin_module().locate_error(error, args.plugin)):
            raise error from error
        raise


def _plugins(args: argparse.Namespace) -> Any:
    """The plug-ins asked for; those of an earlier command in this process are forgotten."""
    return _plugin_module().load_plugins(args.plugin) if args.plugin or PLUGIN in sys.modules else ()


def _plugin_module() -> Any:
    return import_module(PLUGIN)  # when asked for: most commands have no plug-in


if __name__ == "__main__":
    sys.exit(main())
