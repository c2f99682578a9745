"""Which of several edits made a difference: the runs that would show it, and the answer where they are there.

Of each edit two verdicts: of the edit alone, against the baseline; and of the edit on top of all others,
against the variant without it. Where the two disagree, edits interact. How many comparisons there are is
fixed by the number of edits, and the intervals hold for all of them at once (Bonferroni).
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from darknet_py.errors import quoted
from darknet_py.report.leaderboard.standing import CONFIDENCE, PairVerdict, RankedVariant, Standing
from darknet_py.report.verdict_sentence import describe_effect
from darknet_py.stats import Verdict, verdict
from darknet_py.stats.judging import Criterion


@dataclass(frozen=True)
class EditStep:
    """One edit, and its verdicts; None where a run is missing."""

    edit: str
    alone: PairVerdict | None
    on_top: PairVerdict | None


@dataclass(frozen=True)
class Bisection:
    """A variant of several edits.

    Args:
        standing: the runs that are comparable.
        base, variant: without the edits, and with all of them.
        edits: what distinguishes the two.
        margin: a difference of at most this is none for practical purposes.
        folder: of the comparison, whose finished runs `compare` would not train again; None: of several.
    """

    standing: Standing
    base: RankedVariant
    variant: RankedVariant
    edits: tuple[str, ...]
    margin: float
    folder: Path | None = None

    @cached_property
    def criterion(self) -> Criterion:
        """Bonferroni's, for the variant itself, each edit alone, and each on top of the others."""
        comparisons = 2 * len(self.edits) + 1
        return Criterion(self.margin, 1 - (1 - CONFIDENCE) / comparisons, comparisons=1)

    @cached_property
    def together(self) -> PairVerdict:
        """The verdict on the variant."""
        return self.standing.judge(self.variant, self.base, self.criterion)

    @cached_property
    def steps(self) -> tuple[EditStep, ...]:
        """Each edit with its verdicts."""
        steps = []
        for edit in self.edits:
            single, rest = self.find([edit]), self.find([one for one in self.edits if one != edit])
            alone = self.standing.judge(single, self.base, self.criterion) if single else None
            on_top = self.standing.judge(self.variant, rest, self.criterion) if rest else None
            steps.append(EditStep(edit, alone, on_top))
        return tuple(steps)

    def find(self, edits: Sequence[str]) -> RankedVariant | None:
        """The variant with these of the edits."""
        wanted = {*self.base.first.edits, *edits}
        for one in self.standing.variants:
            if one.first.origin == self.base.first.origin and {*one.first.edits} == wanted:
                return one
        return None

    @cached_property
    def missing(self) -> tuple[str, ...]:
        """The variants without runs that would answer, as `compare` takes them."""
        parts = [[edit] for edit in self.edits]
        parts += [[one for one in self.edits if one != edit] for edit in self.edits]
        names = (self._named(part) for part in parts if not self.find(part))
        return tuple(dict.fromkeys(names))

    def _named(self, edits: Sequence[str]) -> str:
        return _spelt(self.base.first.origin, [*self.base.first.edits, *edits])

    @cached_property
    def command(self) -> str:
        """The command that trains what is missing; empty where nothing is."""
        if not self.missing:
            return ""
        run = self.base.first
        there = [self.base, *(one for one in self.standing.variants if one is not self.base)]
        there = there if self.folder else [self.base]
        names = [_spelt(one.first.origin, one.first.edits) for one in there]
        words = ["darknet-py", "compare", *names, *self.missing, "--data", run.data]
        words += ["--seeds", str(max(self.variant.runs) + 1), "--epochs", f"{run.conditions['epochs']:g}"]
        if run.conditions.get("partial") is not None:
            words += ["--partial", str(run.conditions["partial"])]
        if run.conditions.get("precision", "float32") != "float32":
            words += ["--precision", str(run.conditions["precision"])]
        words += ["--out", str(self.folder or "runs/bisect")]
        return shlex.join(quoted(word, limit=1000) for word in words)

    @cached_property
    def interaction(self) -> Verdict | None:
        """What the edits together give beyond the sum of each alone; None where a run is missing.

        The contrast V + (k - 1) B - (E1 + ... + Ek) is the difference of two sums of scores, and is judged as
        the difference of two variants with these scores.
        """
        singles = [self.find([edit]) for edit in self.edits]
        found = [one for one in (self.base, self.variant, *singles) if one]
        seeds = [seed for seed in sorted(self.base.runs) if all(seed in one.runs for one in found)]
        if len(found) < len(singles) + 2 or not seeds:
            return None
        scores, noise = self.standing.arrays(found, seeds)
        weights = np.zeros((2, len(found)))
        weights[0, :2] = len(self.edits) - 1, 1
        weights[1, 2:] = 1
        mix = np.kron(weights, np.eye(len(seeds)))
        images = int(self.standing.conditions["images"])
        (judged,) = verdict(
            weights @ scores, mix @ noise @ mix.T, baseline=1, margin=self.margin, images=images
        )
        return None if math.isinf(judged.visible) else judged

    def answer(self) -> str:
        """One sentence."""
        result = self.together.result
        if result is None or result.outcome not in {"better", "worse"}:
            return f"there is no difference to explain: {self.together.sentence}"
        if self.missing:
            count = f"{len(self.missing)} variant{'s' * (len(self.missing) > 1)}"
            return f"not known yet: {count} with some of its edits would have to be trained"
        names = [quoted(step.edit) for step in self.steps if _contributes(step, result.outcome)]
        if not names:
            return f"no edit by itself is shown to make it {result.outcome}"
        others = [quoted(step.edit) for step in self.steps if not _contributes(step, result.outcome)]
        verb = "makes" if len(names) == 1 else "make"
        rest = f"; of {', '.join(others)} nothing is shown" if others else ""
        return f"{' and '.join(names)} {verb} it {result.outcome}{rest}"

    def lines(self) -> list[str]:
        """As text."""
        name, base = quoted(self.variant.name), quoted(self.base.name)
        lines = [f"{name} against {base}: {self.together.sentence}"]
        for step in self.steps:
            for what, one in (("alone", step.alone), ("on top of the others", step.on_top)):
                lines.append(f"  {quoted(step.edit)} {what}: {one.sentence if one else 'not trained'}")
        if self.interaction:
            lines.append(f"  together, against the sum of each alone: {self._describe_interaction()}")
        lines.append(f"answer: {self.answer()}")
        if self.missing:
            lines.append(
                f"to train what is missing, with the other options of the comparison:\n  {self.command}"
            )
            lines.append("then the same `report --bisect`, with runs/bisect as a further folder")
        return lines

    def _describe_interaction(self) -> str:
        assert self.interaction
        words = {
            "better": "more than the sum, so edits interact",
            "worse": "less than the sum, so edits interact",
            "same": "the sum, for practical purposes",
            "unclear": "cannot tell whether edits interact",
        }
        effect = describe_effect(self.interaction, self.standing.metrics.word)
        return f"{words[self.interaction.outcome]}: {effect}"

    def to_json(self) -> dict[str, Any]:
        """As JSON; figures are 0..1."""
        metric = self.standing.metrics.first
        beyond = PairVerdict("", "", "", self.interaction)
        return {
            "format": 1,
            "variant": self.variant.name,
            "baseline": self.base.name,
            "verdict": self.together.to_json(metric),
            "edits": [
                {
                    "edit": step.edit,
                    "alone": step.alone and step.alone.to_json(metric),
                    "on_top": step.on_top and step.on_top.to_json(metric),
                }
                for step in self.steps
            ],
            "interaction": beyond.figures() if self.interaction else None,
            "answer": self.answer(),
            "missing": list(self.missing),
            "command": self.command or None,
        }


def _spelt(origin: str, edits: Sequence[str]) -> str:
    """A variant as `compare` takes it."""
    return f"{origin}@{','.join(edits)}" if edits else origin


def _contributes(step: EditStep, outcome: str) -> bool:
    """Whether an edit moves the score in this direction, alone or on top of the others."""
    found = [one.result.outcome for one in (step.alone, step.on_top) if one and one.result]
    return outcome in found
