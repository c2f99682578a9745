"""The evaluations of a run, and its best weights."""

from __future__ import annotations

from functools import partial

from darknet_py.model.weights import save_weights
from darknet_py.runs.choices import PRECISIONS
from darknet_py.tasks.base import Evaluation, EvaluationSettings
from darknet_py.train.prefix.engine import PrefixEngine
from darknet_py.train.prefix.keeper import MapKeeper
from darknet_py.train.run.checkpointing import RunState
from darknet_py.train.settings import TrainingPlan
from darknet_py.train.step import Trainer

FULL = PRECISIONS[0]  # what networks are evaluated in


class Evaluator:
    """Evaluates the network of a run at some iterations, and keeps the weights with the best figure.

    Args:
        iterations: after which the network is evaluated: evenly spread, the last one always.
    """

    def __init__(self, plan: TrainingPlan, trainer: Trainer) -> None:
        self.plan, self.trainer = plan, trainer
        keeper = MapKeeper.of(plan, trainer, precision=FULL)
        runs = partial(PrefixEngine, keeper=keeper) if keeper else None
        self.settings = EvaluationSettings(device=plan.settings.device, train=plan.train, runs=runs)
        total, count = plan.graph.net.max_batches, max(1, plan.settings.evaluations)
        self.iterations = {max(1, round(total * k / count)) for k in range(1, count + 1)}

    def evaluate(self) -> Evaluation:
        """The figures on the validation images."""
        return self.trainer.task.evaluate(
            self.trainer.scored(), self.plan.val, self.settings, communicator=self.trainer.communicator
        )

    def keep_best(self, state: RunState, evaluation: Evaluation) -> None:
        """Write the weights that were evaluated, unless earlier ones had as good a figure.

        Without truth there is no figure, and the latest weights are kept.
        """
        figure, best = evaluation.figure(), state.best["figure"] if state.best else None
        if figure is None or best is None or figure > best:
            seen = state.iteration * self.plan.graph.net.batch
            save_weights(self.trainer.scored(), self.plan.out / "best.weights", seen=seen)
            state.best = {"iteration": state.iteration, "figure": figure}
