"""Remarks that a reader needs to judge the tables: missing runs, unequal trainings."""

from __future__ import annotations

import math
from typing import Any

from darknet_py.data.summary import UNREADABLE, described
from darknet_py.report.findings.slices import runs_without_slices
from darknet_py.report.markdown import escape_markdown
from darknet_py.report.section import Report, ReportSection
from darknet_py.report.sections.pairing import differences
from darknet_py.report.tables import label
from darknet_py.runs.records import LEAST_SHARE, MOST_SPREAD, Comparison


class NotesSection(ReportSection):
    """A list at the head of the report, when there is anything to remark."""

    template = """\
<ul class="notes">{% for note in notes %}<li>{{ note }}</li>{% endfor %}</ul>
"""

    def applies(self, report: Report) -> bool:
        """When there is a note."""
        return bool(_all_notes(report))

    def context(self, report: Report) -> dict[str, object]:
        """The notes."""
        return {"notes": _all_notes(report)}

    def markdown(self, report: Report) -> list[str]:
        """A list item per note."""
        return [f"- {escape_markdown(note)}" for note in _all_notes(report)]

    def json(self, report: Report) -> dict[str, Any]:
        """The notes."""
        return {"notes": _all_notes(report)}


def _all_notes(report: Report) -> list[str]:
    return [*notes(report.comparison), *report.judgement.notes]


def notes(comparison: Comparison) -> list[str]:
    """What is missing or was left out, and what is not the same for all runs."""
    texts = _left_out(comparison)
    texts += [f"Not finished, and left out: {label(name)}, every seed." for name in comparison.absent]
    texts += [label(remark, limit=300) for remark in comparison.remarks]
    runs = [run for v in comparison.variants for run in v.runs]
    for split in ("train", "val"):
        skipped = {run.data.skipped.get(split, 0) for run in runs}
        if any(skipped):
            numbers = " to ".join(dict.fromkeys(map(str, (min(skipped), max(skipped)))))
            texts.append(f"Images of {split} that cannot be read, and were left out: {numbers}.")
    for split, reasons in comparison.data.left_out.items():
        counts = [
            f"{n} x {label(described(reason))}" for reason, n in reasons.items() if reason != UNREADABLE
        ]
        if counts:
            texts.append(f"Of {split}, left out: {', '.join(counts)}.")
    texts += differences(comparison)
    texts += _disturbed(comparison)
    texts += _without_slices(comparison)
    lengths = {run.training.iterations for run in runs}
    if len(lengths) > 1:
        texts.append(f"The trainings differ in length: {min(lengths)} .. {max(lengths)} iterations.")
    texts += [
        f"The cfg of {label(v.name)} is not the same for every seed; its changes are shown for seed"
        f" {v.runs[0].seed}."
        for v in comparison.variants
        if len({run.cfg_text for run in v.runs}) > 1
    ]
    return texts


def _disturbed(comparison: Comparison) -> list[str]:
    """A note on latencies that were measured while the machine did other work."""
    found = [one.latency for one in comparison.variants if one.latency and one.latency.disturbed]
    if not found:
        return []
    share = min(one.share for one in found)
    spread = max(one.median / one.low if one.low else math.inf for one in found)
    signs = [f"the process had a core for {100 * share:.0f} % of the time"] if share < LEAST_SHARE else []
    if spread > MOST_SPREAD:
        signs.append(f"a usual round took {spread:.1f} times as long as the fastest")
    return [
        f"Latency was measured while the machine was busy, and is too large: {', and '.join(signs)}."
        " Delete latency.json and start the same `compare` again to measure it anew."
    ]


def _without_slices(comparison: Comparison) -> list[str]:
    """A note on detectors whose figures by size, aspect, crowding and position were not recorded."""
    names = runs_without_slices(comparison)
    if not names:
        return []
    every = sum(len(variant.runs) for variant in comparison.variants)
    return [
        f"Figures by size, aspect, crowding and position are not recorded for {len(names)} of {every} runs,"
        f" the first {label(names[0])}. Start the same `compare` again: it computes them and trains nothing."
    ]


def _left_out(comparison: Comparison) -> list[str]:
    """The runs without a result, of variants that have others."""
    texts = []
    for variant in comparison.variants:
        unfinished = [seed for seed in variant.missing if seed not in variant.not_finite]
        if unfinished and not comparison.until:  # in which stages may have had fewer seeds of a variant
            seeds = f"seed{'s' * (len(unfinished) > 1)} {', '.join(map(str, unfinished))}"
            texts.append(f"Not finished, and left out: {label(variant.name)}, {seeds}.")
        texts += [
            f"Not finite, and left out: {label(variant.name)}, seed {seed}: {label(why, limit=160)}."
            for seed, why in variant.not_finite.items()
        ]
    return texts
