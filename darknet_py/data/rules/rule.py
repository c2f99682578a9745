"""The kind of rule that `data check` has."""

from __future__ import annotations

from pathlib import Path

from darknet_py.cfg.rules import Rule

# A reader or a check reports its findings under the code, so that a rule has no check of its own.
DataRule = Rule[Path, object]
