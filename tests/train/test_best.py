"""Property. Oracle: the weights that each evaluation scored.

The IDs in the names are of the project's catalogue of errors: K is checkpoints.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from safetensors import safe_open

from darknet_py.model.weights import save_weights
from darknet_py.runs.checkpoints import found_in
from darknet_py.tasks.base import Evaluation
from darknet_py.tasks.detection_evaluation import DetectionEvaluation
from darknet_py.train.run.checkpointing import RunState
from darknet_py.train.run.evaluation import Evaluator
from tests.train.small_run import Action, Unbroken, differences, in_, send, start


def figures_of(*figures: float, keep: Path) -> Action:
    """Evaluations that come to these figures; the weights that they scored are kept."""

    def before() -> None:
        calls: Iterator[float] = iter(figures)
        DetectionEvaluation.figure = lambda self: next(calls)  # type: ignore[method-assign]
        real = Evaluator.keep_best

        def kept(self: Evaluator, state: RunState, evaluation: Evaluation) -> None:
            path = keep / f"{state.iteration}.weights"
            save_weights(self.trainer.scored(), path, seen=state.iteration * 4)
            real(self, state, evaluation)

        Evaluator.keep_best = kept  # type: ignore[method-assign]

    return before


def position_of(path: Path) -> Any:
    with safe_open(path, framework="pt") as file:
        return json.loads(file.metadata()["darknet-py"])


@pytest.mark.parametrize("figures, best", [((0.1, 0.3), 24), ((0.3, 0.1), 12), ((0.2, 0.2), 12)])
def test_the_best_weights_are_those_that_scored_best(
    figures: tuple[float, float], best: int, unbroken: Unbroken, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    process = start(unbroken.data, out, before=figures_of(*figures, keep=tmp_path))
    assert process.wait() == 0, process.said()
    assert (out / "best.weights").read_bytes() == (tmp_path / f"{best}.weights").read_bytes()
    wanted = {"iteration": best, "figure": max(figures)}
    assert json.loads((out / "result.json").read_text())["training"]["best"] == wanted
    assert position_of(found_in(out)[0])["best"] == wanted


@pytest.mark.parametrize("call, after", [(1, False), (1, True), (2, False), (2, True)])
def test_K14_a_kill_around_the_writing_of_the_best_weights_leaves_both_whole(
    call: int, after: bool, unbroken: Unbroken, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    kill = in_(Evaluator, "keep_best", send(signal.SIGKILL), after=after, call=call)
    process = start(unbroken.data, out, before=kill)
    assert process.wait() == -signal.SIGKILL, process.said()
    newest = position_of(found_in(out)[0])
    assert newest["best"] == (None if call == 1 else {"iteration": 12, "figure": newest["best"]["figure"]})
    assert (out / "best.weights").exists() == (after or call == 2)
    process = start(unbroken.data, out)
    assert process.wait() == 0, process.said()
    assert differences(out, unbroken.out) == []
