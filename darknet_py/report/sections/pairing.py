"""How much it brought that variants share their seeds; and what identifies each run."""

from __future__ import annotations

from typing import Any

import numpy as np

from darknet_py.errors import quoted
from darknet_py.report.judgement import common_seeds
from darknet_py.report.markdown import escape_markdown
from darknet_py.report.section import Report, ReportSection
from darknet_py.report.tables import label
from darknet_py.runs.records import Comparison, Run
from darknet_py.stats.shared_seeds import SharedSeeds, pairing_of

OF_THE_RUN = {"cfg", "seed", "plugins", "first weights like"}  # of a fingerprint, what belongs to a variant
MOST_RUNS = 3  # that a note names


class PairingSection(ReportSection):
    """A sentence below the verdicts."""

    anchor = "pairing"
    link = "Pairing"
    template = """\
<p class="note">{{ sentence }}</p>
"""

    def applies(self, report: Report) -> bool:
        """With two variants and two seeds."""
        return _pairing(report.comparison) is not None

    def heading(self, report: Report) -> str:
        """None: it continues the verdicts."""
        return ""

    def context(self, report: Report) -> dict[str, object]:
        """The sentence."""
        return {"sentence": _sentence(report.comparison)}

    def markdown(self, report: Report) -> list[str]:
        """The sentence."""
        return [escape_markdown(_sentence(report.comparison))] if self.applies(report) else []

    def json(self, report: Report) -> dict[str, Any]:
        """`pairing`: null where there is none; `fingerprints`: of each run, with its environment."""
        found = _pairing(report.comparison)
        facts = found and {
            "seeds": found.seeds,
            "correlation": found.correlation,
            "shared": found.shared,
            "sentence": found.sentence(),
        }
        runs = [
            {
                "variant": variant.name,
                "seed": run.seed,
                "fingerprint": dict(run.fingerprint),
                "environment": dict(run.environment),
            }
            for variant in report.comparison.variants
            for run in variant.runs
        ]
        return {"pairing": facts, "fingerprints": runs}


def _pairing(comparison: Comparison) -> SharedSeeds | None:
    seeds, metric = common_seeds(comparison), comparison.metrics.first
    rows = [
        [run.scores.metrics[metric] for run in variant.runs if run.seed in seeds]
        for variant in comparison.variants
    ]
    if not seeds or any(value is None for row in rows for value in row):
        return None
    return pairing_of(np.array(rows, float))


def _sentence(comparison: Comparison) -> str:
    found = _pairing(comparison)
    return found.sentence() if found else ""


def differences(comparison: Comparison) -> list[str]:
    """What runs differ in that is not their cfg or seed, each with its values and their runs."""
    runs = [(v.name, run) for v in comparison.variants for run in v.runs]
    facts = [(f"{label(name)} seed {run.seed}", facts_of(run)) for name, run in runs]
    texts = []
    for key in dict.fromkeys(key for _, one in facts for key in one):
        owners: dict[str, list[str]] = {}
        for name, one in facts:
            if key in one:  # results of earlier versions lack some
                owners.setdefault(quoted(one[key], limit=24), []).append(name)
        if len(owners) > 1:
            parts = [f"{value} in {_listed(names)}" for value, names in owners.items()]
            texts.append(f"Runs differ in {label(key)}: {'; '.join(parts)}.")
    return texts


def facts_of(run: Run) -> dict[str, object]:
    """What should be the same in all runs of a comparison."""
    fingerprint = {key: value for key, value in run.fingerprint.items() if key not in OF_THE_RUN}
    return fingerprint | dict(run.environment)


def _listed(names: list[str]) -> str:
    more = len(names) - MOST_RUNS
    return ", ".join(names[:MOST_RUNS]) + (f" and {more} more" if more > 0 else "")
