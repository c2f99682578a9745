"""`darknet_py.train`: from a cfg and the name of a data set to trained weights in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from darknet_py.cfg.document import Document
from darknet_py.cfg.edits import Edit
from darknet_py.cfg.shipped import open_cfg
from darknet_py.data.dataset import Dataset
from darknet_py.data.formats.registry import open_data
from darknet_py.data.verify.run import readable
from darknet_py.errors import UsageError
from darknet_py.model.device import usable
from darknet_py.runs.checkpoints import has_run
from darknet_py.train import loop
from darknet_py.train.class_order import match_splits
from darknet_py.train.recipe import prepare_graph
from darknet_py.train.settings import Settings, TrainingPlan


@dataclass(frozen=True)
class TrainingRequest:
    """A training as a person asks for it: the cfg is not yet fitted to the data.

    Args:
        document: the cfg, with the person's edits.
        edits: which edits those were; the recipe does not overrule them.
        name: of the run, for reports.
        data: the name of the data set.
        splits: the data to train on, and the data to evaluate on.
        epochs: passes over the data; without, as `[net] max_batches` says.
    """

    document: Document
    name: str
    data: str
    splits: tuple[Dataset, Dataset]
    out: Path
    seed: int = 0
    epochs: float | None = None
    settings: Settings = field(default_factory=Settings)
    edits: Sequence[Edit] = ()

    def plan(self) -> tuple[TrainingPlan, list[str]]:
        """Fit the cfg to the data, apply the recipe, and describe what changed in it.

        Raises:
            CfgError, DataError: when the cfg has errors, or the classes of the data do not match.
        """
        graph, changes = prepare_graph(
            self.document, self.splits[0], self.settings, self.epochs, edits=self.edits
        )
        train_data, val_data = match_splits(self.splits, [graph], self.settings, [self.out])
        plan = TrainingPlan(
            graph=graph,
            train=train_data,
            val=val_data,
            out=self.out,
            name=self.name,
            data=self.data,
            seed=self.seed,
            settings=self.settings,
        )
        return plan, changes


def train(
    cfg: str | Path | Document,
    data: str,
    out: str | Path,
    *,
    epochs: float | None = None,
    seed: int = 0,
    settings: Settings | None = None,
) -> dict[str, Any]:
    """Train a network, as `darknet-py train` does; the same call continues a run that was stopped.

    Args:
        cfg: a file, a shipped cfg by name, a text or a Document.
        data: a data set, as `open_data` takes it.
        out: the folder of the run.
        epochs: passes over the data; without, as `[net] max_batches` says.
        seed: of everything random.
        settings: weights to start from, device, precision and more (`darknet_py.train.Settings`).

    Returns:
        The result, as `result.json` in `out` holds it.

    Raises:
        CfgError, DataError, WeightsError: when what is given cannot be used.
        UsageError: when the run in the folder is finished, or another process trains in it.
        CheckpointError: when the folder has a checkpoint of another run.
        NotFinite, OutOfMemory, Stopped: when training ends early.
    """
    settings, out, document = settings or Settings(), Path(out), open_cfg(cfg)
    refuse_run(out, resume=True)
    settings = replace(settings, device=usable(settings.device))
    opened = open_data(data, split="train"), open_data(data, split="val")
    train_data, val_data = readable(*opened, limit=settings.skip_bad)
    name = Path(document.path).stem
    plan, _ = TrainingRequest(
        document, name, data, (train_data, val_data), out, seed, epochs, settings
    ).plan()
    return loop.train(plan)


def refuse_run(out: Path, *, resume: bool) -> None:
    """Refuse the folder of a run that is finished, or that was not asked to be resumed.

    Raises:
        UsageError: when it is such a folder.
    """
    finished = (out / "result.json").exists()
    if not resume and (finished or has_run(out)):
        hint = "--resume goes on with it; or name another --out"
        raise UsageError("there is a run in this folder", where=out, hint=hint)
    if finished:
        raise UsageError("the run in this folder is finished", where=out, hint="name another --out")
