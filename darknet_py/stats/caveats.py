"""Why a narrow interval proves nothing: scores without noise, seeds without effect, scores near 0.

The interval of two networks that have learned nothing is narrow around 0. So is that of runs whose seed
changed nothing. Neither shows that two variants are the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from darknet_py.stats.components import Noise, Study

ROUNDING = 1e-12  # of a variance, relative to the square of the greatest score


@dataclass(frozen=True)
class Caveat:
    """What a verdict has to mention.

    Args:
        text: a clause for its sentence; "" if there is no caveat.
        unbounded: whether nothing at all is known of the noise, so that there is no interval.
    """

    text: str = ""
    unbounded: bool = False

    @classmethod
    def of(cls, study: Study, noise: Noise, variant: int, baseline: int, margin: float) -> Caveat:
        """The caveat about a variant and its baseline."""
        pair = study.values[[variant, baseline]]
        seeds = pair.shape[1]
        nothing = ROUNDING * max(float(np.abs(study.values).max()) ** 2, np.finfo(float).tiny)
        varying = float(pair.var(axis=1).sum()) > nothing
        if noise.variance <= nothing and not (varying and np.array_equal(pair[0], pair[1])):
            if not pair.any():
                return cls("neither has learned: the score of every run is 0", unbounded=True)
            text = "scores do not vary between images" + (" and seeds" if seeds > 1 else "")
            return cls(f"{text}: nothing is known of their noise", unbounded=True)
        if np.abs(pair.mean(axis=1)).max() <= margin:
            return cls(
                "both scores lie within the margin of 0, as those of networks that have learned nothing"
            )
        training = noise.parts.training + noise.parts.images_of_seed
        if seeds > 1 and training <= nothing and not varying:
            return cls("all seeds of a variant gave the same scores: this is about the images alone")
        return cls()
