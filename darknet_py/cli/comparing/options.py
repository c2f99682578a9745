"""The options of `compare` that decide how many runs there are: a plan, and stages."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from darknet_py.cli.terminal import print_result
from darknet_py.errors import UsageError

if TYPE_CHECKING:
    from darknet_py.compare.experiment import Experiment
    from darknet_py.runs.plan_file import Until

SEEDS, MOST_SEEDS = 2, 10  # by default: of each variant; the most, where they are added in stages


def add_size(parser: argparse.ArgumentParser) -> None:
    """`--plan`, `--pilot`, `--until` and `--budget`."""
    parser.add_argument(
        "--plan",
        action="store_true",
        help="train nothing: print how many runs, hours and bytes it takes, from a short training of each "
        "variant, and which differences it could resolve",
    )
    parser.add_argument(
        "--pilot",
        type=Path,
        metavar="DIR",
        help="with --plan: take the noise from this comparison (default: from noise.jsonl next to --out)",
    )
    parser.add_argument(
        "--until",
        choices=("resolved",),
        help=f"add seeds in stages, up to --seeds (then {MOST_SEEDS} by default), until every variant has a "
        "verdict; the error of 5 %% is that of all looks together",
    )
    parser.add_argument(
        "--budget",
        type=_duration,
        metavar="TIME",
        help="with --until: training time at most, such as 6h, 90m or 1h30m",
    )


def _duration(text: str) -> float:
    from darknet_py.compare.durations import parse_duration

    try:
        return parse_duration(text)
    except UsageError as error:
        raise argparse.ArgumentTypeError(f"{error.message}; {error.hint}".rstrip("; ")) from None


def seeds_of(args: argparse.Namespace) -> int:
    """How many seeds of each variant, at most."""
    default = MOST_SEEDS if args.until else SEEDS
    return default if args.seeds is None else int(args.seeds)


def until_of(args: argparse.Namespace) -> Until | None:
    """How the comparison grows; options that need each other are checked."""
    from darknet_py.runs.plan_file import Until

    machines = {"--ray": args.ray is not None, "--list-runs": args.list_runs, "--only": args.only is not None}
    for option in (name for name, given in machines.items() if given):
        if args.plan:
            raise UsageError(f"--plan trains nothing, and {option} says where to train: give one of them")
        if args.until:
            hint = "train a fixed number of --seeds there"
            raise UsageError(f"--until looks at results between runs, and {option} does not", hint=hint)
    if args.pilot and not args.plan:
        raise UsageError("--pilot is where --plan takes the noise from; add --plan")
    if not args.until:
        if args.budget is not None:
            raise UsageError("--budget limits the stages of --until; add --until resolved")
        return None
    if len(args.cfg) < 2:
        raise UsageError("--until resolved compares variants with the first one, and there is no other")
    if seeds_of(args) < 2:
        raise UsageError("--until resolved begins with 2 seeds of each variant, and --seeds is less")
    return Until(seeds_of(args), args.budget)


def print_plan(args: argparse.Namespace, experiment: Experiment) -> int:
    """Measure, and print what the comparison takes and could resolve."""
    from darknet_py.compare.study_plan import make_plan, plan_json, plan_lines

    plan = make_plan(experiment, args.pilot)
    print_result(args, lambda: plan_json(plan), lambda: plan_lines(plan))
    return 0
