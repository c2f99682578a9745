"""`lsp`: the language server, over standard input and output."""

from __future__ import annotations

import argparse

from darknet_py import __version__
from darknet_py.errors import DarknetPyError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add nothing: all requests come from the editor."""


def run(args: argparse.Namespace) -> int:
    """Serve one editor until it disconnects.

    Raises:
        DarknetPyError: when pygls is not installed.
    """
    try:
        from darknet_py.lsp.server import server
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("pygls", "lsprotocol"):
            raise
        hint = "python -m pip install 'darknet-cfg[lsp]' installs it; no other verb needs it"
        raise DarknetPyError("the language server needs pygls, which is not installed", hint=hint) from None
    server(version=__version__).start_io()
    return 0
