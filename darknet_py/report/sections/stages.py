"""The stages of a comparison that grew until its variants had a verdict: looks, levels, why it stopped."""

from __future__ import annotations

from typing import Any

from darknet_py.compare.growth import describe_growth
from darknet_py.report.markdown import table_section
from darknet_py.report.section import Report, ReportSection
from darknet_py.report.tables import ReportTable, label

REASONS = {
    "resolved": "has a verdict",
    "hopeless": "more seeds would hardly give a verdict",
    "last": "the last look",
    "waiting": "goes on",
}


class StagesSection(ReportSection):
    """A row per look: its seeds, its level, and which variants left at it."""

    anchor = "stages"
    link = "Stages"
    template = """\
<p>{{ sentence }}</p>
{{ ui.table(table) }}
"""

    def applies(self, report: Report) -> bool:
        """When the comparison grew."""
        return report.judgement.growth is not None

    def context(self, report: Report) -> dict[str, object]:
        """The table, and why it ended."""
        return {"sentence": _sentence(report), "table": _table(report)}

    def markdown(self, report: Report) -> list[str]:
        """The same."""
        return [*table_section("Stages", _table(report)), _sentence(report)] if self.applies(report) else []

    def json(self, report: Report) -> dict[str, Any]:
        """`stages`; null for a comparison of fixed size."""
        growth = report.judgement.growth
        if growth is None:
            return {"stages": None}
        names = [variant.name for variant in report.comparison.variants]
        looks = [
            {"seeds": seeds, "level": level}
            for seeds, level in zip(growth.looks.seeds, growth.looks.levels, strict=True)
        ]
        left = {
            names[row]: {"look": one.look, "seeds": one.result.seeds, "reason": one.reason}
            for row, one in sorted(growth.study.verdicts.items())
        }
        return {
            "stages": {
                "error": growth.looks.error,
                "looks": looks,
                "looked": looks_so_far(report),
                "variants": left,
                "failed": [names[row] for row in growth.study.failed],
                "budget_seconds": growth.budget,
                "spent_seconds": round(growth.spent, 1),
                "stopped": growth.study.stage is None or growth.beyond_budget,
                "sentence": describe_growth(growth, names),
            }
        }


def looks_so_far(report: Report) -> int:
    """How many looks there were."""
    assert report.judgement.growth is not None
    return max((one.look for one in report.judgement.growth.study.verdicts.values()), default=0)


def _sentence(report: Report) -> str:
    assert report.judgement.growth is not None
    text = describe_growth(report.judgement.growth, [label(one.name) for one in report.comparison.variants])
    return f"{text[0].upper()}{text[1:]}."


def _table(report: Report) -> ReportTable:
    growth = report.judgement.growth
    assert growth is not None
    rows = []
    for look, (seeds, level) in enumerate(zip(growth.looks.seeds, growth.looks.levels, strict=True), start=1):
        at = {row: one for row, one in sorted(growth.study.verdicts.items()) if one.look == look}
        left = [
            f"{label(report.comparison.variants[row].name)}: {REASONS[one.reason]}" for row, one in at.items()
        ]
        state = "; ".join(left) if left else "" if look <= looks_so_far(report) else "not looked"
        rows.append((str(look), str(seeds), f"{100 * (1 - level):.2f} %", state))
    caption = (
        f"Looks. Together they are wrong in {100 * growth.looks.error:g} of 100 such comparisons. A variant"
        " is judged with the seeds of the look at which it left."
    )
    return ReportTable(caption, ("look", "seeds each", "intervals", "variants"), tuple(rows), numbers=False)
