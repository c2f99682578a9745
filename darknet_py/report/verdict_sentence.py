"""A verdict in words, in points of 100."""

from __future__ import annotations

from darknet_py.stats import Verdict
from darknet_py.stats.planning import MOST_SEEDS, images_needed, seeds_needed

MINUS = "\N{MINUS SIGN}"
OUTCOMES = {
    "better": "better",
    "worse": "worse",
    "same": "the same for practical purposes",
    "unclear": "cannot tell",
}
MOST_DIGITS = 4


def describe_verdict(
    one: Verdict, *, word: str, images: int, margin: float, deciding: int = 0, final: bool = True
) -> str:
    """The sentence of a verdict.

    Args:
        word: what the score is called.
        deciding: how many images carry half of the effect; 0: that is not said.
        final: whether the comparison is finished; before that there is no outcome.
    """
    seeds = f"{one.seeds} seeds each" if one.seeds > 1 else "one seed each"
    if not final:
        return f"cannot tell yet: so far {describe_effect(one, word)} ({seeds}, {images} images)"
    text = f"{OUTCOMES[one.outcome]}: {describe_effect(one, word)} ({seeds}, {images} images)"
    if one.outcome == "same":
        text += f"; the interval lies within {margin * 100:g} {word}"
    if deciding:
        text += f"; {deciding} of {images} images carry half of it"
    if one.outcome == "unclear":
        text += f"; this study sees differences of {points(one.visible)} {word} and more"
        text += _larger_study(one, word, images, margin) if one.seeds > 1 else ""
    if one.caveat:
        text += f"; {one.caveat}"
    if one.seeds == 1:
        text += "; seeds were not looked at: another training may differ by more"
    return text


def describe_effect(one: Verdict, word: str) -> str:
    """The effect and its interval; with more digits where a bound would be printed as 0.

    >>> from darknet_py.stats import verdict
    >>> describe_effect(verdict([[0.4], [0.42]], [[1e-5, 0], [0, 1e-5]])[0], "AP")
    '+2.0 AP, 95 % interval +1.1 to +2.9'
    """
    digits = next((d for d in range(1, MOST_DIGITS) if _shows_sides(one, d)), MOST_DIGITS)
    effect, low, high = (signed(value, digits=digits) for value in (one.effect, one.low, one.high))
    return f"{effect} {word}, {one.confidence * 100:.4g} % interval {low} to {high}"


def _shows_sides(one: Verdict, digits: int) -> bool:
    return all(round(abs(bound) * 100, digits) > 0 for bound in (one.low, one.high) if bound)


def signed(value: float, *, digits: int = 1) -> str:
    """A difference times 100.

    >>> signed(-0.0123), signed(0.0)
    ('−1.2', '+0.0')
    """
    return f"{value * 100 + 0.0:+.{digits}f}".replace("-", MINUS)


def points(value: float) -> str:
    """A size times 100, with two digits that count below 1.

    >>> points(0.0543), points(0.0021)
    ('5.4', '0.21')
    """
    return f"{value * 100:.1f}" if value >= 0.01 else f"{value * 100:.2g}"


def _larger_study(one: Verdict, word: str, images: int, margin: float) -> str:
    """How many seeds or images would see what was found, or the margin where that is larger."""
    effect = max(abs(one.effect), margin)
    if not effect:
        return ""
    size = f"{points(effect)} {word}"
    seeds = seeds_needed(one.parts, effect, variants=one.variants, confidence=one.confidence)
    if seeds is not None:
        return f"; {max(seeds, one.seeds + 1)} seeds each would see {size}"
    factor = images_needed(one.parts, effect, variants=one.variants, confidence=one.confidence)
    if factor is None:
        return f"; no study of {MOST_SEEDS} seeds sees {size}"
    count = float(f"{images * factor:.1g}")
    return f"; {size} needs some {count:,.0f} images, and more seeds"
