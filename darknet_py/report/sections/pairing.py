"""How much it brought that variants share their seeds; and what identifies each run."""

from __future__ import annotations

from typing import Any

import numpy as np

from darknet_py.report.fairness import SharedSeeds, pairing_of
from darknet_py.report.judgement import common_seeds
from darknet_py.report.markdown import escape_markdown
from darknet_py.report.section import Report, ReportSection
from darknet_py.runs.records import Comparison


class PairingSection(ReportSection):
    """A sentence below the verdicts."""

    template = """\
<p class="note">{{ sentence }}</p>
"""

    def applies(self, report: Report) -> bool:
        """With two variants and two seeds."""
        return _pairing(report.comparison) is not None

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
