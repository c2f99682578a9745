"""How near training is to Darknet's: every recorded training replayed, as a table in Markdown.

`python bench/parity.py` replays ten iterations of each recording of `tests/golden/training` and
`tests/golden/training-heads` in Darknet's arithmetic, and prints for each the largest difference from what
Darknet recorded, over the largest recorded number: of the learning rates and the printed losses of all ten
iterations, of the head's gradient in the first, and of all weights after the last. The last column is how
far Darknet's own weights moved in the ten iterations, in the same measure.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
GOLDEN = ROOT / "tests" / "golden"
FOLDERS = (GOLDEN / "training", GOLDEN / "training-heads")
SCENE = GOLDEN / "training" / "ciou.npz"  # whose images and truths the recordings of other heads share
ITERATIONS = 10
HEADER = 20  # bytes of a weights file before its numbers


def differences(recorded: dict[str, Any], folder: Path) -> list[float]:
    """Of the rates, losses, gradient and weights, and how far the weights moved."""
    from darknet_py.train.replaying import replay

    (folder / "net.cfg").write_text(str(recorded["cfg"]))
    (folder / "net.weights").write_bytes(recorded["weights_before"].tobytes())
    files, seen = (folder / "net.cfg", folder / "net.weights"), int(recorded.get("seen", 0))
    found = replay(*files, recorded["images"], recorded["truths"], ITERATIONS, seen=seen)
    delta = next(recorded[name] for name in recorded if "delta_iteration1" in name)
    before, after = (_numbers(recorded[name].tobytes()) for name in ("weights_before", "weights_after_10"))
    return [
        relative(np.array(found.learning_rate), recorded["learning_rate"]),
        relative(np.array(found.loss), recorded["loss"]),
        relative(found.deltas[0], delta),
        relative(_numbers(found.weights), after),
        relative(before, after),
    ]


def relative(ours: np.ndarray, darknet: np.ndarray) -> float:
    """The largest difference over the largest recorded number."""
    return float(np.abs(ours.astype(np.float64) - darknet).max() / np.abs(darknet).max())


def _numbers(weights: bytes) -> np.ndarray:
    return np.frombuffer(weights[HEADER:], "<f4")


def main() -> None:
    """Print the table."""
    print("| recording | rate | loss | gradient | weights after 10 | change |")
    print("|---|---|---|---|---|---|")
    with np.load(SCENE, allow_pickle=False) as scene:
        shared = {name: scene[name] for name in ("images", "truths")}
    worst = [0.0] * 4
    paths = [path for folder in FOLDERS for path in sorted(folder.glob("*.npz"))]
    for path in paths:
        with np.load(path, allow_pickle=False) as file, tempfile.TemporaryDirectory() as folder:
            found = differences({**shared, **file}, Path(folder))
        worst = [max(pair) for pair in zip(worst, found, strict=False)]
        cells = [*(f"{value:.1e}" for value in found[:-1]), f"{found[-1]:.2f}"]
        print(f"| {path.stem} | {' | '.join(cells)} |", flush=True)
    print(f"| **largest of {len(paths)}** | {' | '.join(f'**{value:.1e}**' for value in worst)} | |")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
