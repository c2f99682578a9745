"""`python -m darknet_py`, which is the program `darknet-py`."""

from __future__ import annotations

import sys

from darknet_py.cli.main import main as main

if __name__ == "__main__":
    sys.exit(main())
