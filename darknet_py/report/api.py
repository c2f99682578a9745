"""`darknet_py.compare`: variants and the name of a data set become trained runs and a report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from darknet_py.compare.experiment import Experiment
from darknet_py.compare.growth import grow
from darknet_py.compare.known_noise import remember_noise
from darknet_py.compare.outcomes import OpenProgress
from darknet_py.compare.variants import fit_variants, parse_variants
from darknet_py.data.dataset import SPLITS
from darknet_py.data.formats.registry import open_data
from darknet_py.errors import ReportError
from darknet_py.model.device import usable
from darknet_py.progress import no_progress
from darknet_py.report.again import valid_margin
from darknet_py.report.report import write_report
from darknet_py.report.unfinished.live import LivePage
from darknet_py.runs.plan_file import MARGIN
from darknet_py.runs.read_comparison import read_comparison
from darknet_py.runs.records import Comparison
from darknet_py.train.settings import Settings


def compare(
    variants: Sequence[str],
    data: str,
    out: str | Path,
    *,
    seeds: int = 2,
    epochs: float | None = None,
    settings: Settings | None = None,
    margin: float = MARGIN,
) -> Comparison:
    """Train every variant and write a report, as `darknet-py compare` does; the same call resumes.

    Args:
        variants: cfgs, or cfgs with edits (`yolov3-tiny@11.section=stochpool`); the first is the baseline.
        data: a data set, as `open_data` takes it.
        out: the folder of the comparison: the runs, and the report as report.html, report.md and report.json.
        seeds: how many trainings of each variant.
        epochs: passes over the data; None leaves the length of the training to each cfg.
        settings: weights to start from, device, precision and more.
        margin: a difference of at most this, 0..1, is none for practical purposes.

    Returns: the scores, costs and learning curves of all runs.
    Raises:  DarknetPyError: as `train`; and a ReportError when the folder has runs of another comparison.
    """
    settings = settings or Settings()
    settings = replace(settings, device=usable(settings.device))
    train, val = (open_data(data, split=split) for split in SPLITS)
    experiment = Experiment(
        variants=fit_variants(parse_variants(variants), train, settings, epochs=epochs),
        data=data,
        train=train,
        val=val,
        out=Path(out),
        seeds=seeds,
        epochs=epochs,
        settings=settings,
        margin=valid_margin(margin),
    ).matched()
    run_and_report(experiment, print_line=lambda text: None, progress=lambda plan: nullcontext(no_progress))
    return read_comparison(experiment.out)


def run_and_report(
    experiment: Experiment, *, print_line: Callable[[str], None], progress: OpenProgress
) -> Path:
    """Train what is missing of an experiment, see `Experiment.run` and `growth.grow`, and write its report.

    The report is also written while it trains, see `unfinished/live.py`.

    Returns:
        The path of report.html.
    """
    progress = LivePage(experiment, print_line).around(progress)
    if experiment.until:
        grow(experiment, print_line=print_line, progress=progress)
    else:
        experiment.run(print_line=print_line, progress=progress)
    page = write_report(experiment.out)
    try:
        remember_noise(experiment, read_comparison(experiment.out))
    except (OSError, ReportError) as error:  # the comparison is complete without
        print_line(f"noise.jsonl: not written: {error}")
    return page
