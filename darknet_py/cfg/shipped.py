"""The cfgs that are shipped with the package, found by name."""

from __future__ import annotations

from pathlib import Path

from darknet_py.cfg.diagnostics import did_you_mean
from darknet_py.cfg.document import Document, parse, read
from darknet_py.errors import DarknetPyError

HERE = Path(__file__).parents[1]
FOLDERS = (HERE.parent / "cfg", HERE / "shipped_cfg")  # a checkout; a wheel


def folder() -> Path:
    """Where the shipped cfgs are."""
    return next((f for f in FOLDERS if (f / "yolov3-tiny.cfg").is_file()), FOLDERS[0])


def find_cfg(name: str | Path) -> Path:
    """The file of a cfg: a path, or the name of a shipped one such as `pools/yolov3-tiny-spp`.

    Raises:
        DarknetPyError: when there is none, with the names there are.
    """
    path = Path(name)
    if path.exists():
        return path
    relative = Path(*path.parts[1:]) if path.parts[:1] == ("cfg",) else path
    for candidate in (folder() / relative, folder() / f"{relative}.cfg"):
        if not path.is_absolute() and candidate.is_file():
            return candidate
    known = sorted(f.relative_to(folder()).with_suffix("").as_posix() for f in folder().rglob("*.cfg"))
    guess = did_you_mean(relative.as_posix().removesuffix(".cfg"), known)
    hint = f"did you mean `{guess}`?" if guess else f"shipped are {', '.join(known)}"
    raise DarknetPyError("no such file, and no shipped cfg of that name", where=path, hint=hint)


def open_cfg(cfg: str | Path | Document) -> Document:
    """A cfg in any form that the Python API takes: a file, a shipped cfg by name, a text, or a Document.

    A string with a line break is a text.

    Raises:
        DarknetPyError: when there is no such file, or it is no text. Errors of the cfg stay in the Document.
    """
    if isinstance(cfg, Document):
        return cfg
    if isinstance(cfg, str) and "\n" in cfg:
        return parse(cfg)
    return read(find_cfg(cfg))
