"""Everything that is needed to run the comparison again: the command, digests and versions."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from darknet_py.report.markdown import code_block, escape_markdown, table_to_markdown
from darknet_py.report.section import Report, ReportSection
from darknet_py.report.tables import ReportTable, label
from darknet_py.runs.records import Comparison
from darknet_py.tasks.metrics import NONE

MOST_LETTERS = 4000  # of the command
DIGEST, DIGEST_FORM = 16, re.compile("[0-9a-f]{64}")  # digits that are shown
OF_THE_RUN = {"seed", "first weights like"}


class AgainSection(ReportSection):
    """A command and a table."""

    anchor = "again"
    link = "Run it again"
    title = "To run it again"
    template = """\
<p class="origin"><code>{{ command }}</code></p>
<p class="caption">{{ remark }}</p>
{{ ui.table(table) }}
"""

    def context(self, report: Report) -> dict[str, object]:
        """The command and the table."""
        return {
            "command": label(command(report.comparison), limit=MOST_LETTERS),
            "remark": remark(report.comparison),
            "table": facts_table(report.comparison),
        }

    def markdown(self, report: Report) -> list[str]:
        """The command and the table."""
        text = code_block(label(command(report.comparison), limit=MOST_LETTERS), language="")
        table = facts_table(report.comparison)
        return [
            f"## {self.title}",
            text,
            escape_markdown(remark(report.comparison)),
            table_to_markdown(table),
        ]

    def json(self, report: Report) -> dict[str, Any]:
        """`again`: the command; digests and versions are in `fingerprints`."""
        return {"again": {"command": command(report.comparison), "remark": remark(report.comparison)}}


def command(comparison: Comparison) -> str:
    """The command, as a shell takes it."""
    variants = [
        variant.cfg + (f"@{','.join(variant.edits)}" if variant.edits else "")
        for variant in comparison.variants
    ]
    seeds = comparison.until.most if comparison.until else max(comparison.seeds) + 1
    words = ["darknet-py", "compare", *variants, "--data", comparison.data.name, "--seeds", str(seeds)]
    words += [*comparison.options, "--margin", f"{comparison.margin * 100:g}"]
    if comparison.until:
        words += ["--until", "resolved"]
    return shlex.join([*words, "--out", "runs/again"])


def remark(comparison: Comparison) -> str:
    """What the command does not say."""
    text = "Absolute paths are reduced to names. The complete text that was trained is net.cfg of each run."
    if comparison.options:
        return text
    return f"Recipe, length and weights were not stored, or differ between merged comparisons. {text}"


def facts_table(comparison: Comparison) -> ReportTable:
    """What identifies cfgs, data, weights and program, a row each; where runs differ, each value."""
    rows = [
        (f"cfg of {label(variant.name)}", _values([run.fingerprint for run in variant.runs], "cfg"))
        for variant in comparison.variants
    ]
    runs = [run for variant in comparison.variants for run in variant.runs]
    for facts in ([run.fingerprint for run in runs], [run.environment for run in runs]):
        keys = dict.fromkeys(key for one in facts for key in one)
        rows += [(label(key), _values(facts, key)) for key in keys if key not in OF_THE_RUN | {"cfg"}]
    return ReportTable("Of digests, the beginning.", ("what", "value"), tuple(rows), numbers=False)


def _values(facts: Sequence[Mapping[str, Any]], key: str) -> str:
    shown = dict.fromkeys(_fact_text(one[key]) for one in facts if key in one)
    return label("; ".join(shown), limit=200) or NONE


def _fact_text(value: object) -> str:
    if value is None:
        return "none"
    text = str(value)
    return text[:DIGEST] if DIGEST_FORM.fullmatch(text) else text
