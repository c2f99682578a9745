"""Training images that could not be decoded during a run and were replaced: counted, logged, and bounded."""

from __future__ import annotations

from collections.abc import Mapping

from darknet_py.data.loader.collate import Batch
from darknet_py.distributed.communicator import Communicator
from darknet_py.errors import DataError, ReportError, quoted
from darknet_py.runs.curves import log_entries
from darknet_py.runs.log import Log
from darknet_py.train.settings import TrainingPlan

KEY = "unread"  # of a line of the log


class UnreadImages:
    """The images with the reason of each; those of a run before it was resumed are in its log."""

    def __init__(self, plan: TrainingPlan, log: Log, communicator: Communicator) -> None:
        self.plan, self.log, self.communicator = plan, log, communicator
        self.found: dict[str, str] = {}
        self.logged: set[str] = set()

    def resume(self) -> None:
        """Read those that the log has; every process knows them afterwards."""
        names: list[str] = []
        if self.communicator.first:
            try:
                names = [str(entry[KEY]) for entry in log_entries(self.log.path) if KEY in entry]
            except ReportError:
                names = []  # a log that is too large to be read
        self.logged = set(self.communicator.broadcast_json(names))

    def take(self, batch: Batch) -> None:
        """Note those of a batch.

        Raises:
            DataError: when there are more than may be skipped.
        """
        new = {str(self.plan.train.path(index) or index): text for index, text in batch.unread.items()}
        self.found.update(new)
        self._check()

    def log_all(self, position: Mapping[str, float]) -> int:
        """Log those that any process found since; all processes call it at the same time.

        Args:
            position: iteration and epoch, for the lines.

        Returns:
            How many there are.

        Raises:
            DataError: when there are more than may be skipped.
        """
        for others in self.communicator.gather_json(self.found):
            self.found.update(others)
        if self.communicator.first:
            for name in sorted(self.found.keys() - self.logged):
                self.log.add({**position, KEY: name, "reason": self.found[name]})
        self.logged |= self.found.keys()
        self._check()
        return len(self.logged)

    def _check(self) -> None:
        names = self.logged | self.found.keys()
        if len(names) > self.plan.tolerated:
            listed = ", ".join(quoted(name) for name in sorted(names)[:5])
            allowed = f"--skip-bad {self.plan.settings.skip_bad.text} allows {self.plan.tolerated} more"
            message = f"{len(names)} training images cannot be decoded ({listed}), and {allowed}"
            raise DataError(message, hint="--resume goes on with repaired images, or a larger --skip-bad")
