"""`report`: the report of a comparison again, one of several comparisons, or a leaderboard of many runs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from darknet_py.cli.options import add_json, add_margin
from darknet_py.cli.terminal import print_note, print_result
from darknet_py.errors import ReportError, UsageError, quoted

if TYPE_CHECKING:
    from darknet_py.report.leaderboard.file import Results
    from darknet_py.runs.records import Comparison


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    parser.add_argument(
        "source",
        nargs="+",
        type=Path,
        help="the --out of a `compare`; several are merged. Or files of results, for a leaderboard",
    )
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="where to write it (default: the folder, of one)"
    )
    parser.add_argument("--baseline", metavar="NAME", help="the variant to compare with (default: the first)")
    add_margin(parser, default=None)
    parser.add_argument(
        "--append", type=Path, metavar="FILE", help="add the runs to a file of results, a line each"
    )
    parser.add_argument(
        "--bisect",
        metavar="VARIANT",
        help="which of the edits of a variant makes the difference, or which runs would show it",
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Write the report, and print its verdicts; of files, print the leaderboard."""
    if args.bisect is not None:
        return _print_bisection(args)
    if any(source.is_file() or source.suffix == ".jsonl" for source in args.source):
        return _print_leaderboard(args)
    from darknet_py.report.again import report
    from darknet_py.report.report import report_json

    margin = None if args.margin is None else args.margin / 100
    found = report(*args.source, out=args.out, baseline=args.baseline, margin=margin)
    page = (args.out or args.source[0]) / "report.html"
    if args.append:
        _append(args, [found.comparison])
    lines = [f"{quoted(one.variant)}: {one.sentence}" for one in found.verdicts]
    lines.append(f"report: {page} (report.md and report.json next to it)")
    print_result(args, lambda: report_json(found), lambda: lines)
    return 0


def _append(args: argparse.Namespace, comparisons: list[Comparison]) -> None:
    from darknet_py.report.leaderboard.file import append_results, collect, problem_lines, read_results
    from darknet_py.report.leaderboard.record import records_of

    found = collect(record for one in comparisons for record in records_of(one))
    added = append_results(args.append, found.records)
    problems = (*found.problems, *collect(read_results(args.append)).problems)
    for line in problem_lines(problems):
        print_note(args, line)
    print_note(args, f"{quoted(args.append)}: {added} of {len(found.records)} runs added")


def _print_leaderboard(args: argparse.Namespace) -> int:
    from darknet_py.report.leaderboard.table import leaderboard, leaderboard_lines

    results, _ = _collect(args)
    options = {"baseline": args.baseline, "margin": _margin(args), "where": _where(args)}
    print_result(args, lambda: leaderboard(results, **options), lambda: leaderboard_lines(results, **options))
    return 0


def _print_bisection(args: argparse.Namespace) -> int:
    from darknet_py.report.edit_steps import bisection
    from darknet_py.report.leaderboard.file import problem_lines
    from darknet_py.report.leaderboard.standing import standings

    results, comparisons = _collect(args)
    for line in problem_lines(results.problems):
        print_note(args, line)
    found = bisection(
        standings(results.records),
        args.bisect,
        baseline=args.baseline,
        texts={v.name: v.runs[0].cfg_text for one in reversed(comparisons) for v in one.variants},
        margin=_margin(args),
        folder=args.source[0] if len(args.source) == len(comparisons) == 1 else None,
    )
    print_result(args, found.to_json, found.lines)
    return 0


def _collect(args: argparse.Namespace) -> tuple[Results, list[Comparison]]:
    """The runs of all files and folders, and the comparisons of the folders."""
    from darknet_py.report.leaderboard.file import collect, problem_lines, read_results
    from darknet_py.report.leaderboard.record import records_of
    from darknet_py.runs.read_comparison import read_comparison

    if args.out or args.append:
        hint = "name folders alone for a report, or leave the option out"
        raise UsageError("--out and --append are for the report of folders", hint=hint)
    comparisons = {source: read_comparison(source) for source in args.source if source.is_dir()}
    results = collect(
        one
        for source in args.source
        for one in (records_of(comparisons[source]) if source in comparisons else read_results(source))
    )
    if not results.records:
        details = "\n".join(problem_lines(results.problems))
        raise ReportError(f"has no run that can be used\n{details}", where=_where(args))
    return results, list(comparisons.values())


def _where(args: argparse.Namespace) -> str:
    return ", ".join(map(str, args.source))


def _margin(args: argparse.Namespace) -> float:
    from darknet_py.runs.plan_file import MARGIN

    return MARGIN if args.margin is None else float(args.margin) / 100
