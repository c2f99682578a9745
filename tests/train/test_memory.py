"""Property. Oracle: the resident memory that Linux reports, with a control that does not ask for it."""

from __future__ import annotations

import subprocess
import sys

import pytest

CODE = """
import os
import torch
from darknet_py.model.freed_memory import return_freed_memory, keep_freed_memory

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

def kept(asked, back):
    if asked:
        keep_freed_memory()
    before = resident()
    block = torch.ones(16 << 20)
    del block
    if back:
        return_freed_memory()
    print(resident() - before, flush=True)

for case in (True, False), (True, True), (False, False):
    child = os.fork()  # each begins with the memory of a fresh process
    if not child:
        kept(*case)
        os._exit(0)
    os.waitpid(child, 0)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc alone has these settings")
def test_freed_memory_stays_with_the_process_only_when_asked() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    asked, returned, unasked = map(int, done.stdout.split())
    block = 64 << 20
    assert asked > 0.9 * block
    assert returned < 0.1 * block
    assert unasked < 0.1 * block
