"""The gap between two protocols, as a walk from one to the other that changes one rule at a time."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from darknet_py.scoring.average_precision import average_precision
from darknet_py.scoring.protocols import Protocol, as_json
from darknet_py.scoring.tables import DetectionTable, TruthTable

RULES = {  # the fields of a protocol, in the order of the walk
    "thresholds": "IoU thresholds",
    "exceeding": "IoU at the threshold",
    "points": "interpolation",
    "empty_classes": "classes without truth",
    "least_score": "score threshold",
    "most": "detections kept",
    "by_image": "order of equal scores",
    "choice": "a truth that is taken",
    "crowds": "crowds and difficult objects",
    "border": "border pixel",
}
assert {"name", *RULES} == {field.name for field in fields(Protocol)}


@dataclass(frozen=True)
class Step:
    """One rule changed.

    Args:
        rule: the field of `Protocol`.
        words: what changes, for people.
        before, after: the values of the field.
        ap: with this rule and all earlier ones changed, 0..1.
        change: of AP by this step; the changes of all steps add up to the gap.
    """

    rule: str
    words: str
    before: Any
    after: Any
    ap: float
    change: float

    def to_json(self) -> dict[str, Any]:
        """The step as `score --json` prints it."""
        before, after = (as_json(value) for value in (self.before, self.after))
        return {"rule": self.rule, "from": before, "to": after, "ap": self.ap, "change": self.change}


def explain(
    truth: TruthTable, found: DetectionTable, first: Protocol, last: Protocol
) -> tuple[float, list[Step]]:
    """Walk from one protocol to another.

    Returns: AP by the first protocol, and the steps; rules that are equal in both are no step. Without any
        truth AP counts as 0.
    """
    protocol, ap = first, average_precision(truth, found, first).mean or 0.0
    start, steps = ap, []
    for rule, words in RULES.items():
        before, after = getattr(protocol, rule), getattr(last, rule)
        if before == after:
            continue
        protocol = replace(protocol, **{rule: after})
        now = average_precision(truth, found, protocol).mean or 0.0
        steps.append(Step(rule, words, before, after, now, now - ap))
        ap = now
    return start, steps
