"""An iteration of `--train-from`: with kept maps, without them, and of a training of all layers, in turns.

`python bench/kept_maps.py --data coco-mini --cfg CFG@EDIT --weights F --layer N`. The three trainings live in
one process and take turns; an iteration is complete: samples, maps, forward, backward, update. Each image has
one version, and the maps are kept before anything is measured. Then it is checked that the weights with and
without kept maps are the same bits.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from darknet_py.cfg.document import must_parse, read
from darknet_py.cfg.edits import Edit, cut_variant, parse_edits
from darknet_py.data.cache.cache import keep_images
from darknet_py.data.formats.registry import open_data
from darknet_py.distributed.communicator import Communicator
from darknet_py.edit.overrides import apply_overrides
from darknet_py.train.api import TrainingRequest
from darknet_py.train.prefix.settings import PrefixSettings
from darknet_py.train.prefix.stores import MemoryMaps
from darknet_py.train.run.batches import BatchSource
from darknet_py.train.run.setup import build_trainer
from darknet_py.train.run.stop_signals import StopSignals
from darknet_py.train.run.updates import Updater
from darknet_py.train.schedule import learning_rate
from darknet_py.train.settings import Settings

ALL, FROZEN, KEPT = "all layers", "frozen, maps not kept", "frozen, maps kept"


class Training:
    """A training, an iteration at a time."""

    def __init__(self, asked: argparse.Namespace, splits, prefix: PrefixSettings | None, out: Path) -> None:
        path, edits = cut_variant(asked.cfg)
        chosen: list[Edit] = parse_edits(edits) if edits else []
        document = apply_overrides(must_parse(read(path)), chosen)
        settings = Settings(weights=asked.weights, prefix=prefix)
        request = TrainingRequest(
            document, "bench", asked.data, splits, out, 0, asked.epochs, settings, chosen
        )
        self.plan, _ = request.plan()
        self.trainer = build_trainer(self.plan, communicator := Communicator())
        self.updater = Updater(self.plan, self.trainer)
        self.source = BatchSource(
            self.plan, self.trainer, first=1, process=communicator.process, signals=StopSignals()
        )
        self.iteration, self.times = 0, []

    def turn(self) -> None:
        """One iteration."""
        began = time.perf_counter()
        self.iteration += 1
        batch = self.source.to_device(self.source.next())
        self.updater.update(self.iteration, batch, learning_rate(self.plan.graph.net, self.iteration))
        self.times.append(time.perf_counter() - began)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--cfg", required=True, help="CFG or CFG@EDIT,...")
    parser.add_argument("--weights", required=True, type=Path)
    parser.add_argument("--layer", required=True, type=int)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--epochs", type=float, default=30)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    splits = open_data(asked.data, split="train"), open_data(asked.data, split="val")
    keep_images(*splits, kind="ram")
    prefixes = {
        ALL: None,
        FROZEN: PrefixSettings(asked.layer, 1),
        KEPT: PrefixSettings(asked.layer, 1, MemoryMaps(4 * 10**9)),
    }
    with tempfile.TemporaryDirectory() as scratch:
        all_ = {name: Training(asked, splits, prefix, Path(scratch)) for name, prefix in prefixes.items()}
        kept, net = all_[KEPT], all_[KEPT].plan.graph.net
        epoch = -(-len(splits[0]) // net.batch)
        while kept.iteration < epoch:  # from here on every sample has been seen
            kept.turn()
        for _ in range(asked.rounds):
            for training in all_.values():
                training.turn()
        while all_[FROZEN].iteration < kept.iteration:
            all_[FROZEN].turn()
    print(f"{asked.cfg} from layer {asked.layer}, {net.height} x {net.width}, batch {net.batch}, ", end="")
    print(f"{asked.threads} thread(s), {asked.rounds} rounds\n")
    print("| training | ms an iteration | fastest to slowest | times as long as with kept maps |")
    print("|---|---:|---|---:|")
    least = statistics.median(kept.times[epoch:])
    for name, training in all_.items():
        times = training.times[epoch:] if training is kept else training.times[: asked.rounds]
        spread = f"{1000 * min(times):.0f} to {1000 * max(times):.0f}"
        median = statistics.median(times)
        print(f"| {name} | {1000 * median:.0f} | {spread} | {median / least:.2f} |")
    one, other = (all_[name].trainer.network.state_dict() for name in (FROZEN, KEPT))
    same = all(torch.equal(tensor, other[name]) for name, tensor in one.items())
    stored = prefixes[KEPT].store
    size = sum(one.nbytes for one in stored.maps.values()) / 1e6
    bits = "the same bits" if same else "DIFFERENT"
    print(f"\n{kept.iteration} iterations: the weights with and without kept maps are {bits}; ", end="")
    print(f"{size:.0f} MB of maps, {size / len(splits[0]):.2f} MB a sample")
    sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
