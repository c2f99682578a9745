"""The difference between the cfg of each variant and that of the baseline."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from darknet_py.errors import quoted
from darknet_py.report.findings.structure import structure_table
from darknet_py.report.markdown import code_block, escape_markdown, table_to_markdown
from darknet_py.report.section import Report, ReportSection
from darknet_py.report.tables import ReportTable, label
from darknet_py.runs.records import Comparison, VariantRuns

MOST_LINES, MOST_LINES_IN_TOTAL = 400, 8000
MOST_OPEN = 4  # diffs that are shown without a click
KINDS = {"+": "added", "-": "removed", "@": "place"}  # CSS classes, by the first character of a line


@dataclass(frozen=True)
class CfgDiff:
    """What a variant changes in the baseline.

    Args:
        lines: of the cfg, each its kind and its text.
        structure: of the network; None where a cfg does not compile here.
    """

    name: str
    origin: str
    lines: tuple[tuple[str, str], ...]
    structure: ReportTable | None


class ChangesSection(ReportSection):
    """The layers that differ, and a unified diff of the texts, per variant."""

    anchor = "changes"
    link = "Changes"
    title = "What each variant changes in {baseline}"
    template = """\
{% for diff in diffs %}
<details{% if open %} open{% endif %}>
<summary>{{ diff.name }}</summary>
<p class="origin"><code>{{ diff.origin }}</code></p>
{% if diff.structure and diff.structure.rows %}
{{ ui.table(diff.structure) }}
{% elif diff.structure %}
<p class="caption">{{ diff.structure.caption }}</p>
{% endif %}
{% if diff.lines %}
<pre>{% for kind, text in diff.lines %}<span class="{{ kind }}">{{ text }}</span>{% endfor %}</pre>
{% else %}
<p class="caption">The two texts are equal.</p>
{% endif %}
</details>
{% endfor %}
"""

    def applies(self, report: Report) -> bool:
        """When there is more than the baseline."""
        return len(report.comparison.variants) > 1

    def context(self, report: Report) -> dict[str, object]:
        """The diffs, and whether they are open."""
        diffs = cfg_diffs(report.comparison)
        return {"diffs": diffs, "open": len(diffs) <= MOST_OPEN}

    def markdown(self, report: Report) -> list[str]:
        """A table and a code block per variant."""
        paragraphs = []
        for diff in cfg_diffs(report.comparison):
            text = "\n".join(text for _, text in diff.lines) or "(the texts are equal)"
            title = f"## What {escape_markdown(diff.name)} changes"
            paragraphs += [title, escape_markdown(diff.origin)]
            if diff.structure:
                paragraphs += [table_to_markdown(diff.structure)] * bool(diff.structure.rows)
                paragraphs.append(escape_markdown(diff.structure.caption))
            paragraphs.append(code_block(text, language="diff"))
        return paragraphs

    def json(self, report: Report) -> dict[str, Any]:
        """`changes`: of each variant the lines of its diff; `structure`: the layers, as text."""
        if not self.applies(report):
            return {}
        names = [variant.name for variant in report.comparison.variants[1:]]
        diffs = dict(zip(names, cfg_diffs(report.comparison), strict=True))
        return {
            "changes": {name: [text for _, text in diff.lines] for name, diff in diffs.items()},
            "structure": {name: _table_json(diff.structure) for name, diff in diffs.items()},
        }


def _table_json(table: ReportTable | None) -> dict[str, Any] | None:
    if table is None:
        return None
    rows = [dict(zip(table.head, row, strict=True)) for row in table.rows]
    return {"caption": table.caption, "rows": rows}


def cfg_diffs(comparison: Comparison) -> tuple[CfgDiff, ...]:
    """The diff of every variant's cfg against the baseline's, cut to a readable length."""
    left, diffs = MOST_LINES_IN_TOTAL, []
    for variant in comparison.variants[1:]:
        lines = tuple(_diff_lines(comparison.baseline, variant, most=min(left, MOST_LINES)))
        left -= len(lines)
        origin = label(" ".join([variant.cfg, *variant.edits]), limit=200)
        structure = structure_table(comparison.baseline.runs[0].cfg_text, variant.runs[0].cfg_text)
        diffs.append(CfgDiff(label(variant.name), origin, lines, structure))
    return tuple(diffs)


def _diff_lines(base: VariantRuns, variant: VariantRuns, *, most: int) -> Iterator[tuple[str, str]]:
    before, after = (v.runs[0].cfg_text.expandtabs(4).splitlines() for v in (base, variant))
    lines = list(difflib.unified_diff(before, after, lineterm=""))[2:]
    for line in lines[:most]:
        yield KINDS.get(line[0], "same"), quoted(line, limit=200)
    if len(lines) > most:
        yield "place", f"… {len(lines) - most} more lines: compare the net.cfg of the two"
