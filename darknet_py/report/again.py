"""`darknet_py.report`: the report of a comparison from its folder, or one of several; nothing is trained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from darknet_py.errors import UsageError
from darknet_py.report.report import publish_report
from darknet_py.report.section import Report
from darknet_py.runs.merging import merge
from darknet_py.runs.read_comparison import read_comparison, with_baseline


def report(
    *folders: str | Path,
    out: str | Path | None = None,
    baseline: str | None = None,
    margin: float | None = None,
) -> Report:
    """Write the report again from the folders of comparisons, as `darknet-py report` does; trains nothing.

    Args:
        folders: of `compare`; several with the same data, protocol and recipe are merged.
        out: where the report is written; None: the folder, where there is one.
        baseline: the name of the variant that the others are compared with; None: the first.
        margin: of the verdicts, 0..1; None: that of the comparisons.

    Returns:
        The comparison, and the verdicts on its variants.

    Raises:
        ReportError: when runs are damaged or cannot be compared; nothing is written.
        UsageError: when a folder is none of a comparison, or no variant is called `baseline`.
    """
    found, target = read_report(*folders, out=out, baseline=baseline, margin=margin)
    target.mkdir(parents=True, exist_ok=True)
    publish_report(found, target)
    return found


def read_report(
    *folders: str | Path,
    out: str | Path | None = None,
    baseline: str | None = None,
    margin: float | None = None,
) -> tuple[Report, Path]:
    """As `report`, without writing.

    Returns: the report, and the folder that it belongs into.
    """
    margin = None if margin is None else valid_margin(margin)
    paths = [Path(folder) for folder in folders]
    target = _target(paths, Path(out) if out else None)
    comparison = merge({path: read_comparison(path) for path in paths}, margin=margin)
    if baseline is not None:
        comparison = with_baseline(comparison, baseline, where=", ".join(map(str, paths)))
    return Report.of(comparison), target


def _target(folders: Sequence[Path], out: Path | None) -> Path:
    """Where a report is written: never into one of several folders, whose own report it would replace."""
    if not folders:
        raise UsageError("there is no folder to report on", hint="name the --out of a `compare`")
    if len(folders) == 1:
        return out or folders[0]
    if out is None:
        hint = "name a folder for the merged report: --out FOLDER"
        raise UsageError(f"{len(folders)} comparisons are merged into a report of their own", hint=hint)
    if any(out.resolve() == folder.resolve() for folder in folders):
        hint = "its own report would be lost; name another --out"
        raise UsageError("is one of the comparisons that are merged", where=out, hint=hint)
    return out


def valid_margin(margin: float) -> float:
    """The margin, if it is a difference of scores."""
    if not 0 <= margin <= 1:  # NaN too
        hint = "half a point of AP is 0.005"
        raise UsageError(f"margin is {margin:g}, expected a difference of scores, 0 to 1", hint=hint)
    return margin
