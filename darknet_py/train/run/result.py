"""The result of a finished training: its final weights, and the facts that `result.json` holds."""

from __future__ import annotations

from typing import Any

from darknet_py import __version__
from darknet_py.model.weights import save_weights
from darknet_py.runs.environment import code_digest
from darknet_py.runs.log import FORMAT, network_facts
from darknet_py.runs.result import publish_result
from darknet_py.tasks.base import Evaluation
from darknet_py.train.run.checkpointing import Checkpointing
from darknet_py.train.settings import TrainingPlan
from darknet_py.train.step import Trainer


def finish_run(
    plan: TrainingPlan,
    trainer: Trainer,
    evaluation: Evaluation,
    *,
    best: dict[str, float | None] | None,
    checkpointing: Checkpointing,
    unread: int,
) -> dict[str, Any]:
    """Write all files of a finished run, its result last.

    Args:
        unread: training images that could not be decoded, and were replaced.

    Returns:
        The result, as `result.json` holds it.
    """
    seen = plan.graph.net.max_batches * plan.graph.net.batch
    save_weights(trainer.scored(), plan.out / "final.weights", seen=seen)
    averaged = trainer.averaged()
    if averaged is not None and averaged is not trainer.scored():
        save_weights(averaged, plan.out / "final_ema.weights", seen=seen)  # Darknet's name for it
    training = {**_training_facts(plan, trainer), "seconds": round(checkpointing.seconds(), 1), "best": best}
    result = {
        "format": FORMAT,
        "task": trainer.task.name,
        "variant": plan.name,
        "seed": plan.seed,
        "fingerprint": checkpointing.fingerprint,
        "environment": {**checkpointing.environment, "darknet-py": f"{__version__} {code_digest()[:12]}"},
        "data": _data_facts(plan, unread),
        "scores": evaluation.to_json(),
        "network": network_facts(plan.graph),
        "training": training,
    }
    publish_result(plan.out, result, names=plan.train.names, predictions=evaluation.files())
    return result


def _data_facts(plan: TrainingPlan, unread: int) -> dict[str, Any]:
    return {
        "name": plan.data,
        "fingerprint": plan.val.fingerprint,
        "images": len(plan.val),
        "classes": list(plan.val.names),
        "splits": {"train": plan.train.summary.to_json(), "val": plan.val.summary.to_json()},
        "skipped": {**plan.skipped, "train": plan.skipped["train"] + unread},
    }


def _training_facts(plan: TrainingPlan, trainer: Trainer) -> dict[str, Any]:
    net = plan.graph.net
    overflowed = {"overflowed": trainer.scaler.skipped} if trainer.scaler.enabled else {}
    return {
        "iterations": net.max_batches,
        "epochs": round(plan.epochs, 4),
        "images_seen": net.max_batches * net.batch,
        "batch": net.batch,
        "processes": trainer.communicator.size,
        **overflowed,
    }
