"""What a finished run leaves: weights, names, detections or predictions, and its result."""

from __future__ import annotations

from typing import Any

from darknet_py.files.atomic import publish_bytes
from darknet_py.model.weights import save_weights
from darknet_py.runs.log import FORMAT, network_facts, write_json
from darknet_py.tasks.base import Scored
from darknet_py.train.settings import TrainingPlan
from darknet_py.train.step import Trainer


def publish_result(
    plan: TrainingPlan,
    trainer: Trainer,
    scores: Scored,
    *,
    best: dict[str, float] | None,
    fingerprint: dict[str, Any],
    seconds: float,
) -> dict[str, Any]:
    """Write all files of a finished run, its result last; the result as `result.json` holds it."""
    seen = trainer.net.max_batches * trainer.net.batch
    save_weights(trainer.scored(), plan.out / "final.weights", seen=seen)
    averaged = trainer.averaged()
    if averaged is not None and averaged is not trainer.scored():
        save_weights(averaged, plan.out / "final_ema.weights", seen=seen)  # Darknet's name for it
    publish_bytes(plan.out / "final.names", "".join(f"{name}\n" for name in plan.val.names).encode())
    for name, value in scores.files().items():
        write_json(plan.out / name, value)
    result = {
        "format": FORMAT,
        "task": trainer.objective.task,
        "variant": plan.name,
        "seed": plan.seed,
        "fingerprint": fingerprint,
        "data": {
            "name": plan.data,
            "fingerprint": plan.val.fingerprint,
            "images": len(plan.val),
            "classes": list(plan.val.names),
        },
        "scores": scores.to_json(),
        "network": network_facts(trainer.network.graph),
        "training": {**_effort(plan, trainer), "seconds": round(seconds, 1), "best": best},
    }
    write_json(plan.out / "result.json", result)
    return result


def _effort(plan: TrainingPlan, trainer: Trainer) -> dict[str, Any]:
    updates, batch = trainer.net.max_batches, trainer.net.batch
    overflowed = {"overflowed": trainer.scaling.skipped} if trainer.scaling.enabled else {}
    return {
        "iterations": updates,
        "epochs": round(plan.epochs, 4),
        "images_seen": updates * batch,
        "batch": batch,
        "processes": trainer.communicator.size,
        **overflowed,
    }
