"""The title, and one paragraph: what was compared, and what the verdicts are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from darknet_py.report.findings.frozen_layers import frozen_layers
from darknet_py.report.judgement import VariantVerdict
from darknet_py.report.markdown import escape_markdown
from darknet_py.report.section import Report, ReportSection
from darknet_py.report.tables import label
from darknet_py.report.unfinished.status import status_of
from darknet_py.report.verdict_sentence import describe_effect
from darknet_py.runs.records import Comparison

MOST_NAMES = 4


class SummarySection(ReportSection):
    """The title and the paragraph at the head of the report."""

    template = """\
<h1>{{ title }}</h1>
<p class="lead">{{ summary }}</p>
"""

    def context(self, report: Report) -> dict[str, object]:
        """The two texts."""
        return {"title": headline(report.comparison), "summary": summarize(report)}

    def markdown(self, report: Report) -> list[str]:
        """The two texts."""
        return [f"# {escape_markdown(headline(report.comparison))}", escape_markdown(summarize(report))]

    def json(self, report: Report) -> dict[str, Any]:
        """The two texts."""
        texts: dict[str, Any] = {"title": headline(report.comparison), "summary": summarize(report)}
        frozen = frozen_layers(report.comparison)
        return texts | ({"train_from": frozen.json()} if frozen else {})


def headline(comparison: Comparison) -> str:
    """The title: which variants, on what data."""
    others = comparison.variants[1:]
    names = label(comparison.baseline.name)
    if len(others) == 1:
        names = f"{label(others[0].name)} against {names}"
    elif others:
        names = f"{len(others)} variants of {names}"
    return f"{names}, on {label(comparison.data.name)}"


def summarize(report: Report) -> str:
    """The verdicts, and what was trained."""
    frozen = frozen_layers(report.comparison)
    given = [frozen.sentence()] if frozen else []
    return " ".join([*_describe_outcomes(report), _describe_trainings(report.comparison), *given])


def _describe_trainings(comparison: Comparison) -> str:
    others, seeds = len(comparison.variants) - 1, len(comparison.seeds)
    who = f" and {others} variant{'s' * (others > 1)} of it were" if others else " was"
    planned = "planned " if any(comparison.left.values()) else ""
    each = f"{seeds} {planned}seeds each" if seeds > 1 else "one seed each"
    scores = comparison.baseline.runs[0].scores
    images = f"{scores.images} images ({label(str(scores.protocol.get('split', 'split unknown')))})"
    training = f"trained on {label(comparison.data.name)} for {comparison.epochs:g} epochs with {each}"
    return f"{label(comparison.baseline.name)}{who} {training}, and evaluated on {images}."


def _describe_outcomes(report: Report) -> list[str]:
    base, word, sentences = report.baseline, report.metrics.word, []
    judged = [one for one in report.verdicts if one.result]
    for outcome, text in (("better", "better than"), ("worse", "worse than")):
        if names := _names(judged, outcome, effects=word):
            count = sum(one.outcome == outcome for one in judged)
            sentences.append(f"{names} {'is' if count == 1 else 'are'} {text} {base}.")
    if names := _names(judged, "same"):
        margin = f"{report.comparison.margin * 100:g} {word}"
        sentences.append(f"{names} and {base} are the same for practical purposes: within {margin}.")
    if names := _names(judged, "unclear", effects=word):
        yet = " yet" if status_of(report) else ""
        sentences.append(f"This study cannot tell {names} from {base}{yet}.")
    if len(judged) < len(report.verdicts):
        reasons = dict.fromkeys(one.sentence for one in report.verdicts if not one.result)
        sentences += [f"{reason[0].upper()}{reason[1:]}." for reason in reasons]
    if any(one.result and one.result.seeds == 1 for one in judged):
        sentences.append("Of one seed each, this is about the images alone: seeds were not looked at.")
    return sentences


def _names(verdicts: Sequence[VariantVerdict], outcome: str, *, effects: str = "") -> str:
    """The variants with an outcome, by name while they are few, with their effects in `effects` if given."""
    chosen = [one for one in verdicts if one.outcome == outcome]
    if len(chosen) > MOST_NAMES:
        return f"{len(chosen)} of {len(verdicts)} variants"
    texts = [
        label(one.variant) + (f" ({describe_effect(one.result, effects)})" if effects and one.result else "")
        for one in chosen
    ]
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)
