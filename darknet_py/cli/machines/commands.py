"""The runs of a comparison as commands of their own, for the job array of a batch system."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence

from darknet_py.compare.experiment import Experiment, run_name
from darknet_py.runs.folders import RunFolder

OF_THE_WHOLE = {
    "--list-runs": 0,
    "--ray": 1,
    "--json": 0,
    "-o": 1,
}  # options of a comparison, and their values


def run_words(words: Sequence[str]) -> list[str]:
    """The words of `compare`, as typed, without the options that concern all runs together.

    >>> run_words(["a.cfg", "--data", "scenes", "--ray=local", "--out", "o", "--list"])
    ['a.cfg', '--data', 'scenes', '--out', 'o']
    """
    kept: list[str] = []
    left = iter(words)
    for word in left:
        if word == "--":
            return [*kept, word, *left]
        values = _values_of(word)
        if values is None:
            kept.append(word)
        elif values:
            next(left, None)
    return kept


def _values_of(word: str) -> int | None:
    """How many words after this one belong to it; None where it is kept.

    argparse takes the beginning of an option's name, where no other begins so.
    """
    name, equals, _ = word.partition("=")
    for option, values in OF_THE_WHOLE.items():
        long = option.startswith("--")
        if long and len(name) > 2 and option.startswith(name):
            return 0 if equals else values
        if not long and not word.startswith("--") and word.startswith(option):
            return values if word == option else 0
    return None


def run_commands(experiment: Experiment, words: Sequence[str]) -> list[Mapping[str, object]]:
    """A command for each run, which trains it alone, with the run's folder."""
    return [
        {
            "run": run_name(plan),
            "folder": str(plan.out),
            "finished": RunFolder(plan.out).finished,
            "command": shlex.join(["darknet-py", *command_of(words, run_name(plan))]),
        }
        for plan in experiment.plans
    ]


def command_of(words: Sequence[str], name: str = "") -> list[str]:
    """The command that trains one run, or, without a name, what is missing of all, and writes the report.

    Args:
        words: of `compare`, as typed.
    """
    return ["compare", *(["--only", name] if name else []), *run_words(words)]  # cfgs may follow a `--`


def lines_of(commands: Iterable[Mapping[str, object]]) -> list[str]:
    """The commands, a line each."""
    return [str(one["command"]) for one in commands]
