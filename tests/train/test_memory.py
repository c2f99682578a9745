"""Property. Oracle: the resident memory that Linux reports, with a control that does not ask for it."""

from __future__ import annotations

import subprocess
import sys

import pytest

CODE = """
import torch
from darknet_py.train.run.memory import return_freed_memory, keep_freed_memory

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

if {asked}:
    keep_freed_memory()
before = resident()
block = torch.ones(16 << 20)
del block
if {back}:
    return_freed_memory()
print(resident() - before)
"""


def kept(*, asked: bool, back: bool = False) -> int:
    code = CODE.format(asked=asked, back=back)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc alone has these settings")
def test_freed_memory_stays_with_the_process_only_when_asked() -> None:
    block = 64 << 20
    assert kept(asked=True) > 0.9 * block
    assert kept(asked=True, back=True) < 0.1 * block
    assert kept(asked=False) < 0.1 * block
