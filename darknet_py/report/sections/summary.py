"""The title, and one paragraph: what was compared, and what the verdicts are."""

from __future__ import annotations

from collections.abc import Sequence

from darknet_py.report.markdown import escape_markdown
from darknet_py.report.section import Report, ReportSection
from darknet_py.report.tables import label
from darknet_py.runs.records import Comparison, VariantRuns
from darknet_py.stats.spread import RangeVerdict, chance_of_separation, describe_seeds, spread_of

WEAK = 0.05  # a difference that equal variants show more often than in one of twenty pairs is weak evidence
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
    """What was trained, what the verdicts are, and how strong the evidence is."""
    comparison, (first, *others) = report.comparison, report.metrics.judged
    main = [v for v in report.verdicts if v.metric == first]
    sentences = [_describe_trainings(comparison), *_describe_outcomes(comparison, main)]
    for metric in others:
        other = [v for v in report.verdicts if v.metric == metric]
        sentences.append(_describe_agreement(main, other, report.metrics.words[metric]))
    sentences.append(_describe_evidence(comparison, main))
    return " ".join(sentence for sentence in sentences if sentence)


def _describe_trainings(comparison: Comparison) -> str:
    others, seeds = len(comparison.variants) - 1, len(comparison.seeds)
    who = f" and {others} variant{'s' * (others > 1)} of it were" if others else " was"
    each = f"{seeds} seeds each" if seeds > 1 else "one seed each"
    scores = comparison.baseline.runs[0].scores
    images = f"{scores.images} images ({label(str(scores.protocol.get('split', 'split unknown')))})"
    training = f"trained on {label(comparison.data.name)} for {comparison.epochs:g} epochs with {each}"
    return f"{label(comparison.baseline.name)}{who} {training}, and evaluated on {images}."


def _describe_outcomes(comparison: Comparison, verdicts: Sequence[RangeVerdict]) -> list[str]:
    base, sentences = label(comparison.baseline.name), []
    for outcome in ("higher", "lower"):
        if names := _names(comparison, verdicts, outcome, gains=True):
            count = sum(verdict.outcome == outcome for verdict in verdicts)
            sentences.append(f"{names} {'is' if count == 1 else 'are'} {outcome} than {base} in every seed.")
    if names := _names(comparison, verdicts, "no difference"):
        sentences.append(f"{names} cannot be distinguished from {base}: no difference we can see.")
    if names := _names(comparison, verdicts, "no statement"):
        reason = "that needs at least two seeds of each variant, and ground truth"
        sentences.append(f"No statement can be made about {names}: {reason}.")
    return sentences


def _names(
    comparison: Comparison, verdicts: Sequence[RangeVerdict], outcome: str, *, gains: bool = False
) -> str:
    """The variants with an outcome, by name while they are few, with their gains if asked for."""
    names = {verdict.variant for verdict in verdicts if verdict.outcome == outcome}
    chosen = [variant for variant in comparison.variants if variant.name in names]
    if len(chosen) > MOST_NAMES:
        return f"{len(chosen)} of {len(verdicts)} variants"
    texts = [label(v.name) + (f" ({_gain(v, comparison.baseline)})" if gains else "") for v in chosen]
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


def _gain(variant: VariantRuns, base: VariantRuns) -> str:
    metrics = variant.runs[0].metrics
    ours, theirs = spread_of(variant.values(metrics.first)), spread_of(base.values(metrics.first))
    assert ours, "a variant that differs has values"
    assert theirs, "a baseline that differs has values"
    gain = f"{(ours.mean - theirs.mean) * 100:+.1f}".replace("-", "\N{MINUS SIGN}")
    return f"{gain} {metrics.word}"


def _describe_agreement(main: Sequence[RangeVerdict], other: Sequence[RangeVerdict], word: str) -> str:
    """Whether a second metric gives the same verdicts."""
    pairs = list(zip(main, other, strict=True))
    odd = [label(one.variant) for one, two in pairs if one.outcome != two.outcome]
    if not pairs or all(one.outcome == "no statement" for one, _ in pairs):
        return ""
    if not odd:
        return f"{word} gives the same verdict{'s' * (len(pairs) > 1)}."
    who = ", ".join(odd) if len(odd) <= MOST_NAMES else f"{len(odd)} of them"
    return f"{word} gives another verdict on {who}."


def _describe_evidence(comparison: Comparison, verdicts: Sequence[RangeVerdict]) -> str:
    """How often chance alone would produce the differences."""
    counts = {variant.name: len(variant.runs) for variant in comparison.variants}
    judged = [v for v in verdicts if v.outcome != "no statement"]
    chances = {v: chance_of_separation(counts[v.variant], counts[v.baseline]) for v in judged}
    different = [v for v in judged if v.differs]
    if not different:
        return ""
    weakest = max(different, key=lambda v: chances[v])
    chance, seeds = chances[weakest], describe_seeds(counts[weakest.variant], counts[weakest.baseline])
    advice = ": weak evidence until more seeds agree" if chance > WEAK else ""
    text = f"By chance alone, {chance.numerator} of {chance.denominator} pairs of equal variants"
    text = f"{text} differ like this ({seeds}){advice}."
    if len(judged) > 2:
        text += f" Of {len(judged)} pairs of equal variants, about {float(sum(chances.values())):.1f} would."
    return text
