"""Files of `torch.save`: read where they hold types that are safe to load; no code in them is run."""

from __future__ import annotations

import re
import warnings
import zipfile
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from darknet_py.errors import WeightsError, quoted, quoted_path
from darknet_py.model.weights_fit.header import first_bytes

DAMAGED = "it is damaged: copy or download it again"
SPARE = 64 << 20  # bytes of a checkpoint that are no weights
REASON = re.compile(r"(?:WeightsUnpickler error: |\n\n\n)(.+)")  # in torch's message, between its advice
OBJECTS = re.compile(r"GLOBAL|Can only create|Can only build|Trying to call reduce|persistent")


def load_checkpoint(path: Path, most: int) -> Any:
    """What a file holds.

    Args:
        most: bytes of weights that it can have; a larger one is refused before it is read.

    Raises: WeightsError: when it is damaged, too large, or holds objects of other types.
    """
    size = path.stat().st_size
    packed = first_bytes(path).startswith(b"PK")
    held = max(size, _unpacked(path, size)) if packed else size
    if held > most + SPARE:
        message = f"holds {held:,} bytes; a checkpoint of this network has at most {most:,}"
        raise WeightsError(message, where=path, hint="it belongs to another network")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pickle protocols that torch itself does not write
            return torch.load(path, map_location="cpu", weights_only=True, mmap=packed)
    except UnpicklingError as error:
        found = REASON.search(str(error))
        why = quoted(found[1].partition(". Please")[0] if found else str(error).strip().splitlines()[0])
        if OBJECTS.search(why):
            hint = "where it comes from, save what is safe to load: torch.save(model.state_dict(), FILE)"
            message = "holds Python objects, which are not loaded because loading would run their code: "
            raise WeightsError(message + why, where=path, hint=hint) from None
        message = f"its pickle cannot be read, in a file of {size:,} bytes: {why}"
        raise WeightsError(message, where=path, hint=DAMAGED) from None
    except Exception as error:
        why = quoted((str(error).strip() or type(error).__name__).splitlines()[0])
        message = f"cannot be read; of its {size:,} bytes PyTorch reports: {why}"
        raise WeightsError(message, where=path, hint=DAMAGED) from None


def _unpacked(path: Path, size: int) -> int:
    """The bytes that a zip archive holds; PyTorch does not compress, so a small one cannot become large."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except Exception as error:  # of a damaged directory: struct's, of the encoding of names, and others
        message = f"is a zip archive whose directory, the last of its {size:,} bytes, cannot be read"
        hint = f"{quoted(error)}; it was cut off or damaged: copy or download it again"
        raise WeightsError(message, where=path, hint=hint) from None
    if not any(entry.filename.endswith("data.pkl") for entry in entries):
        first = f", its first file is `{quoted(entries[0].filename)}`" if entries else ""
        message = f"is a zip archive, and no PyTorch checkpoint: it has no data.pkl{first}"
        raise WeightsError(message, where=path, hint=f"the weights may be in it: `unzip {quoted_path(path)}`")
    for entry in entries:
        if entry.compress_type != zipfile.ZIP_STORED:
            message = f"`{quoted(entry.filename)}` in it is compressed, which PyTorch does not do"
            raise WeightsError(message, where=path, hint="unpack it, and pack it with `zip -0`")
    return sum(entry.file_size for entry in entries)
