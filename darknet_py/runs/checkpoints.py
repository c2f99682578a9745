"""The checkpoints of a run's folder: listed, loaded, written, and removed when they are no longer needed."""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import Tensor

from darknet_py.errors import CheckpointError
from darknet_py.runs.checkpoint import Damaged, Expected, Position, load_checkpoint, save_checkpoint

EARLIER = "checkpoint.safetensors"  # of versions that kept one checkpoint
NAMES = re.compile(r"checkpoint-(\d{6,})\.safetensors", re.ASCII)
log = logging.getLogger(__name__)  # without a handler a warning is a line on standard error


def found_in(folder: Path) -> list[Path]:
    """Checkpoints by their names, newest first; symbolic links are left out."""
    names = [path for path in folder.glob("checkpoint-*") if NAMES.fullmatch(path.name)]
    return sorted((p for p in names if p.is_file() and not p.is_symlink()), key=_number, reverse=True)


def has_run(folder: Path) -> bool:
    """Whether the folder has a checkpoint, of this version or an earlier one."""
    return bool(found_in(folder)) or (folder / EARLIER).exists()


class Checkpoints:
    """Writes and reads the checkpoints of one run.

    Args:
        folder: the run's.
        keep: older ones that stay next to the newest, in case that one gets damaged.
        allow_changed: parts of the environment that may differ.
    """

    def __init__(self, folder: Path, *, keep: int = 1, allow_changed: Sequence[str] = ()) -> None:
        self.folder, self.keep, self.allow_changed = folder, keep, allow_changed
        self.damaged: list[Path] = []

    def load(self, expected: Expected, wanted: Position) -> tuple[Position, dict[str, Tensor]] | None:
        """The position and the tensors of the newest complete checkpoint; None where there are none.

        A damaged one is skipped with a warning, and so is one that the log has become too short for.

        Args:
            expected: the tensors of this run.
            wanted: fingerprint and environment of this run; its `log_bytes` are the length of the log.

        Raises:
            CheckpointError: when all are damaged, or one is of another run, format or environment.
        """
        if (self.folder / EARLIER).exists():
            message = "is of an earlier version of this program, which cannot be gone on with"
            raise CheckpointError(message, where=self.folder / EARLIER, hint="delete it to start again")
        errors: list[Damaged] = []
        for path in found_in(self.folder):
            try:
                found = load_checkpoint(path, expected, wanted, allow_changed=self.allow_changed)
                if found[0].log_bytes > wanted.log_bytes:
                    raise Damaged("counts on lines that the log has lost", where=path)
            except Damaged as error:
                errors.append(error)
                self.damaged.append(path)
                continue
            for damaged in errors:
                log.warning("%s: warning: %s; going on from %s", damaged.where, damaged.message, path.name)
            return found
        if errors:
            hint = f"{len(errors)} found, none complete; without them the run starts again"
            raise CheckpointError(errors[0].message, where=errors[0].where, hint=hint)
        return None

    def save(self, tensors: Mapping[str, Tensor], position: Position) -> Path:
        """Write a checkpoint, then remove those that are no longer needed.

        Raises:
            CheckpointError: when it cannot be written; existing ones stay.
        """
        path = self.folder / f"checkpoint-{position.iteration:06d}.safetensors"
        try:
            save_checkpoint(path, tensors, position)
        except OSError as error:
            needed = sum(tensor.nbytes for tensor in tensors.values())
            free = shutil.disk_usage(self.folder).free
            raise CheckpointError(
                f"cannot be written: {error.strerror} ({_megabytes(needed)} needed, {_megabytes(free)} free)",
                where=path,
                hint="the run can go on from its last checkpoint",
            ) from None
        # Removed are older ones beyond `keep`, damaged ones, and later ones that the run did not resume from.
        older = [p for p in found_in(self.folder) if _number(p) < _number(path) and p not in self.damaged]
        kept = {path, *older[: self.keep]}
        self._remove([other for other in found_in(self.folder) if other not in kept])
        self.damaged.clear()
        return path

    def warn_of_space(self, size: int) -> None:
        """Warn when the disk has no room for the checkpoints to come: all kept, and the next.

        Args:
            size: of one checkpoint, in bytes.
        """
        needed = size * (self.keep + 2)
        free = shutil.disk_usage(self.folder).free
        if free < needed:
            message = "%s: warning: checkpoints will need some %s, and %s are free"
            log.warning(message, self.folder, _megabytes(needed), _megabytes(free))

    def clear(self) -> None:
        """Remove all, newest last."""
        self._remove(found_in(self.folder)[::-1])

    def _remove(self, paths: Sequence[Path]) -> None:
        for path in paths:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                log.warning("%s: warning: cannot be removed: %s", path, error.strerror)


def _number(path: Path) -> int:
    match = NAMES.fullmatch(path.name)
    assert match
    return int(match[1])


def _megabytes(size: float) -> str:
    return f"{size / 1e6:.1f} MB"
