"""`compare --ray`: every run is a task of Ray, and so is the final report."""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, field

from darknet_py.cli.machines.commands import command_of
from darknet_py.cli.terminal import print_note
from darknet_py.compare.experiment import Experiment, run_name
from darknet_py.compare.outcomes import RunOutcome, describe_training, read_outcome
from darknet_py.compare.ray_tasks import Main, Resources, TaskEnd, ray_cluster, run_tasks
from darknet_py.errors import NotFinite, RunsFailed
from darknet_py.report.unfinished.live import LivePage
from darknet_py.runs.folders import RunFolder
from darknet_py.runs.read_run import read_result

REPORT = "report"


def run_on_ray(args: argparse.Namespace, experiment: Experiment, main: Main) -> None:
    """Train what is missing, and write the report; in this process only the pages of the unfinished report.

    Args:
        main: the program.

    Raises:
        RunsFailed: when a run has no result; the others have theirs.
        Stopped: on request; the same command resumes.
        UsageError: when there is no cluster.
    """
    runs = _Runs(args, experiment)
    commands = runs.missing()
    wanted = Resources.of(args.device, workers=args.workers)
    with ray_cluster(args.ray) as ray:
        resources = wanted.on(ray, local=args.ray == "local")
        if lack := resources.missing(ray):
            print_note(args, f"no machine of the cluster has {lack} now; Ray waits for one")
        run_tasks(ray, commands, main=main, resources=resources, ended=runs.ended)
        runs.check()
        whole = {REPORT: command_of(args.words)}
        run_tasks(ray, whole, main=main, resources=resources, ended=runs.ended)
    runs.check()


@dataclass
class _Runs:
    """The runs of a comparison while others train them.

    Args:
        failed: of those without a result, how they ended.
        began: the time of the first task.
        finished: how many have a result.
    """

    args: argparse.Namespace
    experiment: Experiment
    failed: dict[str, TaskEnd] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)
    finished: int = 0
    page: LivePage = field(init=False)

    def __post_init__(self) -> None:
        """Begin the report."""
        self.page = LivePage(self.experiment, lambda line: print_note(self.args, line))

    def missing(self) -> dict[str, list[str]]:
        """The command of each run that has not ended; the others are printed."""
        commands = {}
        for plan, outcome in zip(self.experiment.plans, self.experiment.existing(), strict=True):
            if outcome is None:
                commands[run_name(plan)] = command_of(self.args.words, run_name(plan))
            else:
                print_note(self.args, self.experiment.line(plan, outcome))
        return commands

    def ended(self, name: str, end: TaskEnd) -> None:
        """Print what became of a run."""
        if name == REPORT:
            if end.code not in (0, NotFinite.exit_code):
                self.failed[name] = end
            return
        plan = self.experiment.find(name)
        outcome = read_outcome(plan)
        if outcome is None:
            self.failed[name] = end
            outcome = RunOutcome(f"failed, {end.errors.strip() or f'exit code {end.code}'}")
        elif outcome.finite:
            outcome = RunOutcome(describe_training(read_result(RunFolder(plan.out), plan.fingerprint())))
        print_note(self.args, self.experiment.line(plan, outcome))
        if name not in self.failed:
            self.finished += 1
            self.page.run_ended(plan, seconds=(time.monotonic() - self.began) / self.finished)

    def check(self) -> None:
        """Raise where a run, or the report, failed."""
        if not self.failed:
            return
        end = next(iter(self.failed.values()))
        reason = end.errors.strip().removeprefix("error: ") or f"exit code {end.code}"
        message = f"{len(self.failed)} failed ({', '.join(self.failed)}); the first: {reason}"
        hint = "the same command trains what is missing"
        raise RunsFailed(message, hint=hint, exit_code=end.code)
