"""Property. Oracle: an interpreter in which torch cannot be imported runs everything around an engine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_detection_evaluation_and_scoring_run_where_torch_cannot_be_imported(tmp_path: Path) -> None:
    program = Path(__file__).with_name("without_torch.py")
    code = (
        "import runpy, sys; sys.modules['torch'] = sys.modules['torchvision'] = None;"  # cannot be imported
        f"runpy.run_path({str(program)!r})"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
