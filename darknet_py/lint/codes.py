"""The codes of diagnostics, each with what it is about. Warnings can be switched off, errors cannot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from darknet_py.cfg.diagnostics import Diagnostic, did_you_mean
from darknet_py.errors import UsageError, quoted

ERRORS = {
    "bad-anchors": "anchors are not as many pairs as num says",
    "bad-filters": "the layer before a head has not the channels that the head needs",
    "bad-groups": "groups that do not divide the channels",
    "bad-name": "a name of a layer that is none, or stands twice",
    "bad-reference": "a reference to a layer that is not before",
    "bad-section": "a header that is not [name] alone on its line",
    "bad-value": "a value that is not of its key's kind, or contradicts another key",
    "duplicate-value": "a number that stands twice in a list",
    "long-line": "a line that is longer than any cfg's",
    "missing-key": "a key that has no default is not there",
    "no-key": "a line that is not key=value",
    "no-layers": "no layer after [net]",
    "no-net": "the first section is not [net]",
    "no-section": "a key before the first section",
    "no-value": "a key without a value",
    "not-ascii": "letters or digits that are not ASCII, outside of comments",
    "out-of-range": "a number outside of its range",
    "reads-head": "a layer that reads boxes",
    "second-net": "a second [net]",
    "shapes-differ": "maps that cannot be joined",
    "too-large": "more floats or operations than any machine has",
    "too-long": "more sections or keys than any cfg has",
    "too-small": "a window that does not fit on its map",
    "unknown-key": "a key that its section does not have, and that is like one that it lacks",
    "unknown-section": "a section that is not known",
    "unknown-value": "a word that its key does not know",
    "unsupported-key": "a key whose network would be another than the one that is built",
}
WARNINGS = {
    "bad-assigner": "an assigner of truths that the head's loss does not go with",
    "bad-sizes": "multi-scale training draws a size at which the maps do not fit",
    "bad-value": "steps and scales that do not pair up or ascend, keys of [net] that contradict each other",
    "counts-net": "a reference that is one too high, as if [net] were layer 0",
    "covers-map": "a pool as large as its whole map, at a size that training draws",
    "duplicate-key": "a second line of a key; Darknet keeps the first",
    "heads-differ": "classes or anchors that one head has and the others do not",
    "ignored-key": "a key that is read and changes nothing here",
    "inline-comment": "a comment behind a number, which Darknet's reader stops at",
    "joined-digits": "digits with white space between them, which Darknet joins to one number",
    "large-kernel": "a kernel larger than its map",
    "late-step": "a step of the learning rate after the last iteration",
    "map-grows": "an even kernel that moves the size of its map by one",
    "no-effect": "a key that another key of its section makes void",
    "not-run": "a layer or a key that is understood and not computed here",
    "odd-size": "an input that is no multiple of the coarsest stride",
    "omitted-key": "a line that all sections have but one",
    "unknown-key": "a key that its section does not have, and unlike any that it lacks",
    "unused-anchor": "an anchor that no head's mask takes",
}


def warnings_named(texts: Iterable[str], *, strangers: bool = False) -> frozenset[str]:
    """The warnings of some lists of codes, separated by commas.

    Args:
        strangers: codes that are not known here may be a plug-in's.

    Raises:
        UsageError: when one is an error, or none of ours.
    """
    codes = frozenset(code.strip() for text in texts for code in text.split(","))
    for code in sorted(codes - set(WARNINGS)):
        if code in ERRORS:
            raise UsageError(f"{code} is an error; warnings alone can be switched off", hint=_SEE)
        if not strangers:
            guess = did_you_mean(code, WARNINGS)
            raise UsageError(
                f"{quoted(code)} is no code of a warning", hint=f"did you mean `{guess}`?" if guess else _SEE
            )
    return codes


_SEE = "`darknet-py lint --codes` lists them"


def without(diagnostics: Iterable[Diagnostic], off: frozenset[str]) -> list[Diagnostic]:
    """All but the warnings that are switched off."""
    return [d for d in diagnostics if d.severity == "error" or d.code not in off]


def listing() -> Iterator[str]:
    """Every code, a line each: those that can be switched off first."""
    wide = max(map(len, (*ERRORS, *WARNINGS)))
    yield "warnings, which --off CODE switches off:"
    yield from (f"  {code:<{wide}}  {about}" for code, about in WARNINGS.items())
    yield "errors:"
    yield from (f"  {code:<{wide}}  {about}" for code, about in ERRORS.items())
