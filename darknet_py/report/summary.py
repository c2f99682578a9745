"""The words of a report: one paragraph of what was done and what can be said, and notes of what is odd."""

from __future__ import annotations

from collections.abc import Sequence

from darknet_py.report.tables import label
from darknet_py.runs.records import Comparison, Variant
from darknet_py.stats.verdict import Verdict, chance, seed_counts, spread, verdict

# More often than in one of twenty pairs is nothing to build upon.
RARE = 0.05
MOST_NAMES = 4


def verdicts(comparison: Comparison) -> tuple[Verdict, ...]:
    """Every variant against the baseline, in each figure that is judged."""
    base, metrics = comparison.baseline, comparison.metrics
    return tuple(
        verdict(
            v.name,
            base.name,
            metric=metric,
            word=metrics.words[metric],
            ours=v.values(metric),
            theirs=base.values(metric),
        )
        for v in comparison.variants[1:]
        for metric in metrics.judged
    )


def headline(comparison: Comparison) -> str:
    """A title: who was compared, on what."""
    others = comparison.variants[1:]
    who = label(comparison.baseline.name)
    if len(others) == 1:
        who = f"{label(others[0].name)} against {who}"
    elif others:
        who = f"{len(others)} variants of {who}"
    return f"{who}, on {label(comparison.data.name)}"


def summary(comparison: Comparison, found: Sequence[Verdict]) -> str:
    """What was compared on what data, and what can be said."""
    first, *others = comparison.metrics.judged
    main = [v for v in found if v.metric == first]
    parts = [_setting(comparison), *_outcomes(comparison, main)]
    parts += [
        _agreement(main, [v for v in found if v.metric == other], comparison.metrics.words[other])
        for other in others
    ]
    parts.append(_caution(comparison, main))
    return " ".join(part for part in parts if part)


def _setting(comparison: Comparison) -> str:
    others, seeds = len(comparison.variants) - 1, comparison.seeds
    who = label(comparison.baseline.name)
    if others:
        who += f" and {others} variant{'s' * (others > 1)} of it were"
    else:
        who += " was"
    seed_words = f"{len(seeds)} seeds each" if len(seeds) > 1 else "one seed each"
    scores = comparison.baseline.runs[0].scores
    place = f"{scores.images} images ({label(str(scores.protocol.get('split', 'split unknown')))})"
    data = f"{label(comparison.data.name)} for {comparison.epochs:g} epochs"
    return f"{who} trained on {data} with {seed_words}, and measured on {place}."


def _outcomes(comparison: Comparison, found: Sequence[Verdict]) -> list[str]:
    base, sentences = label(comparison.baseline.name), []
    for outcome in ("higher", "lower"):
        if who := _who(comparison, found, outcome, gains=True):
            are = "is" if _count(found, outcome) == 1 else "are"
            sentences.append(f"{who} {are} {outcome} than {base} in every seed.")
    if who := _who(comparison, found, "no difference", gains=False):
        sentences.append(f"{who} cannot be told apart from {base}: no difference we can see.")
    if who := _who(comparison, found, "no statement", gains=False):
        sentences.append(f"Of {who} nothing can be said: it takes at least two seeds of each, and truth.")
    return sentences


def _count(found: Sequence[Verdict], outcome: str) -> int:
    return sum(verdict.outcome == outcome for verdict in found)


def _who(comparison: Comparison, found: Sequence[Verdict], outcome: str, *, gains: bool) -> str:
    """Those with an outcome, by name while they are few."""
    names = {verdict.variant for verdict in found if verdict.outcome == outcome}
    chosen = [variant for variant in comparison.variants if variant.name in names]
    if len(chosen) > MOST_NAMES:
        return f"{len(chosen)} of {len(found)} variants"
    texts = [label(v.name) + (f" ({_gain(v, comparison.baseline)})" if gains else "") for v in chosen]
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


def _gain(variant: Variant, base: Variant) -> str:
    metrics = variant.runs[0].metrics
    ours, theirs = spread(variant.values(metrics.first)), spread(base.values(metrics.first))
    assert ours, "a variant that differs has values"
    assert theirs, "a baseline that differs has values"
    gain = f"{(ours.mean - theirs.mean) * 100:+.1f}".replace("-", "\N{MINUS SIGN}")
    return f"{gain} {metrics.word}"


def _agreement(main: Sequence[Verdict], other: Sequence[Verdict], word: str) -> str:
    """Whether a second figure says the same of every variant."""
    pairs = list(zip(main, other, strict=True))
    odd = [label(one.variant) for one, two in pairs if one.outcome != two.outcome]
    if not pairs or all(one.outcome == "no statement" for one, _ in pairs):
        return ""
    if not odd:
        return f"{word} says the same."
    return f"{word} says otherwise of {', '.join(odd) if len(odd) <= MOST_NAMES else f'{len(odd)} of them'}."


def _caution(comparison: Comparison, found: Sequence[Verdict]) -> str:
    """How much of it chance alone would bring about."""
    counts = {variant.name: len(variant.runs) for variant in comparison.variants}
    told = [v for v in found if v.outcome in {"higher", "lower", "no difference"}]
    odds = [chance(counts[v.variant], counts[v.baseline]) for v in told]
    apart = [v for v in told if v.differs]
    if not apart:
        return ""
    worst = max(apart, key=lambda v: chance(counts[v.variant], counts[v.baseline]))
    seeds = counts[worst.variant], counts[worst.baseline]
    share = f"{chance(*seeds).numerator} of {chance(*seeds).denominator}"
    words = f"By chance alone {share} pairs of equal variants come apart like this ({seed_counts(*seeds)})"
    advice = ": a hint, not a proof, until more seeds agree" if chance(*seeds) > RARE else ""
    among = f" Of {len(told)} equal pairs about {float(sum(odds)):.1f} would." * (len(told) > 2)
    return f"{words}{advice}.{among}"


def notes(comparison: Comparison) -> list[str]:
    """What a reader must know before believing a table."""
    texts = [
        f"Not finished, and left out: {label(v.name)}, seed{'s' * (len(v.missing) > 1)} "
        f"{', '.join(map(str, v.missing))}."
        for v in comparison.variants
        if v.missing
    ]
    lengths = {run.training.iterations for v in comparison.variants for run in v.runs}
    if len(lengths) > 1:
        texts.append(f"The trainings differ in length: {min(lengths)} .. {max(lengths)} iterations.")
    for v in comparison.variants:
        if len({run.cfg_text for run in v.runs}) > 1:
            seed = v.runs[0].seed
            texts.append(f"The cfg of {label(v.name)} is not the same for every seed; shown is seed {seed}.")
    return texts
