"""`darknet_py.compare`: variants of a cfg trained, evaluated and reported on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from darknet_py.compare.experiment import Experiment
from darknet_py.compare.variants import fit_variants, parse_variants
from darknet_py.data.formats.registry import open_data
from darknet_py.model.device import usable
from darknet_py.progress import no_progress
from darknet_py.report.report import write_report
from darknet_py.train.settings import Settings


def compare(
    cfgs: Sequence[str],
    data: str,
    out: str | Path,
    *,
    seeds: int = 2,
    epochs: float | None = None,
    settings: Settings | None = None,
) -> dict[str, Any]:
    """Train variants of a cfg and report how they compare, as `darknet-py compare` does.

    What is finished in the folder is not trained again, so the same call continues what was stopped.

    Args:
        cfgs: `CFG` or `CFG@EDIT,...` each, as in `yolov3-spp@82.size=19`; the first is the baseline.
        data: a data set, as `open_data` takes it.
        out: the folder of the comparison; `report.html` and `report.md` are written into it too.
        seeds: trainings of each variant.
        epochs: passes over the data; without, as `[net] max_batches` says.
        settings: of every training (`darknet_py.train.Settings`).

    Returns:
        The report, as `report.json` has it.

    Raises:
        CfgError, WeightsError, DataError, UsageError: when what is given cannot be used.
        ReportError: when a finished run in the folder is of another comparison.
        NotFinite, OutOfMemory, Stopped: when a training ends early.
    """
    settings = settings or Settings()
    settings = replace(settings, device=usable(settings.device))
    variants = parse_variants(cfgs)
    train, val = open_data(data, split="train"), open_data(data, split="val")
    fitted = fit_variants(variants, train, settings, epochs=epochs)
    experiment = Experiment(fitted, data, train, val, Path(out), seeds, epochs, settings)
    experiment.run(print_line=lambda text: None, progress=lambda plan: nullcontext(no_progress))
    write_report(experiment.out)
    return read_report(experiment.out)


def read_report(folder: Path) -> dict[str, Any]:
    """The report that `write_report` wrote into a folder, as `report.json` has it."""
    report: dict[str, Any] = json.loads((folder / "report.json").read_bytes())
    return report
