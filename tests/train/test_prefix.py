"""Parity and story. Oracle: the same training without kept maps, and torch's own forward pass, to the bit."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from darknet_py.cfg.document import parse
from darknet_py.data.formats.registry import open_data
from darknet_py.graph.compile import compile
from darknet_py.model.api import load
from darknet_py.model.network import Network
from darknet_py.model.weights import save_weights
from darknet_py.train import loop
from darknet_py.train.api import TrainingRequest
from darknet_py.train.prefix.keeper import MapKeeper
from darknet_py.train.prefix.settings import PrefixSettings, bytes_of_maps
from darknet_py.train.prefix.stores import FileMaps, MemoryMaps
from darknet_py.train.settings import Settings, TrainingPlan
from tests.model.adapt.networks import filled
from tests.train.small_run import CFG, pictures

LAYER = 3  # behind the stochastic pool and the dropout
YOLO = "[yolo]\nmask=0,1\nanchors=12,12, 30,30\nclasses=2\nnum=2\n"
CONV = "[convolutional]\nbatch_normalize=1\nfilters={}\nsize=3\nstride={}\npad=1\nactivation=leaky\n"
RAW = "[convolutional]\nfilters=14\nsize=1\nactivation=linear\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve pictures, and the small run's network with weights."""
    found = pictures(tmp_path_factory.mktemp("prefix") / "data", train=12)
    save_weights(filled(compile(parse(CFG))), found / "small.weights")
    return found


def plan_of(
    folder: Path, out: Path, cfg: str = CFG, *, prefix: PrefixSettings, **more: object
) -> TrainingPlan:
    splits = [open_data(str(folder / "set.data"), split=split) for split in ("train", "val")]
    settings = Settings(
        weights=more.pop("weights", folder / "small.weights"), recipe="darknet", prefix=prefix, **more
    )
    request = TrainingRequest(parse(cfg), "small", "pictures", tuple(splits), out, settings=settings)
    return request.plan()[0]


def trained(plan: TrainingPlan) -> tuple[bytes, list[object]]:
    """The weights, and the losses and scores of the log."""
    loop.train(plan)
    lines = [json.loads(line) for line in (plan.out / "log.jsonl").read_text().splitlines()]
    for line in lines:
        line.pop("images_per_second", None)
    return (plan.out / "final.weights").read_bytes(), lines


def test_weights_are_those_of_a_training_without_kept_maps(folder: Path, tmp_path: Path) -> None:
    cfg = CFG.replace("max_batches=24", "max_batches=50")
    stores = {
        "memory": MemoryMaps(10**8),
        "files": FileMaps(tmp_path / "maps", 10**8),
        "little memory": MemoryMaps(10_000),
    }
    settings = PrefixSettings(LAYER, 2)
    plain = trained(plan_of(folder, tmp_path / "plain", cfg, prefix=settings, evaluations=2))
    for name, store in stores.items():
        prefix = replace(settings, store=store)
        assert trained(plan_of(folder, tmp_path / name, cfg, prefix=prefix, evaluations=2)) == plain
    again = replace(settings, store=FileMaps(tmp_path / "maps", 10**8))
    assert trained(plan_of(folder, tmp_path / "again", cfg, prefix=again, evaluations=2)) == plain


def test_each_sample_is_computed_once_and_then_neither_read_nor_augmented(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed = itertools.count()
    compute = MapKeeper._compute
    monkeypatch.setattr(MapKeeper, "_compute", lambda self, image: [next(computed), compute(self, image)][1])
    prefix = PrefixSettings(LAYER, 2, MemoryMaps(10**8))
    plan = plan_of(folder, tmp_path / "first", prefix=prefix, evaluations=3)
    read = itertools.count()
    decode = plan.train.pixels
    monkeypatch.setattr(type(plan.train), "pixels", lambda _, at: [next(read), decode(at)][1])
    loop.train(plan)
    samples, val = 2 * len(plan.train), len(plan.val)
    assert next(computed) == samples + val
    stored = sum(one.nbytes for one in prefix.store.maps.values())
    assert stored == (samples + val) * bytes_of_maps(plan.graph, LAYER)
    assert next(read) <= 4 * samples + 3 * val + 1  # mosaics are of four
    seen = next(read)
    loop.train(replace(plan, out=tmp_path / "again"))
    assert next(computed) == samples + val + 1
    assert next(read) == seen + 1 + 3 * val


def test_a_seed_has_samples_of_its_own_and_variants_share_them(folder: Path, tmp_path: Path) -> None:
    prefix = PrefixSettings(LAYER, 1, MemoryMaps(10**8))
    plan = plan_of(folder, tmp_path / "first", prefix=prefix, evaluations=1)
    loop.train(plan)
    after = len(prefix.store.maps)
    other = plan_of(folder, tmp_path / "b", CFG.replace("mish", "relu"), prefix=prefix, evaluations=1)
    loop.train(other)
    assert len(prefix.store.maps) == after
    loop.train(replace(plan, out=tmp_path / "c", seed=1))
    assert len(prefix.store.maps) == after + len(plan.train)


def test_frozen_layers_keep_weights_and_statistics_and_the_record_says_so(
    folder: Path, tmp_path: Path
) -> None:
    cfg = CFG.replace("filters=8\nsize=3\nstride=4\npad=1\nactivation=leaky", "filters=8\nsize=3\nstride=4\n"
                      "pad=1\nclip=0.001\nactivation=leaky")  # fmt: skip
    plan = plan_of(folder, tmp_path / "out", cfg, prefix=PrefixSettings(LAYER), evaluations=1)
    trained(plan)
    before, after = Network(plan.graph), load(tmp_path / "out/net.cfg", tmp_path / "out/final.weights")
    before = load(tmp_path / "out/net.cfg", folder / "small.weights")
    for name, tensor in before.state_dict().items():
        same = torch.equal(after.state_dict()[name], tensor)
        assert same == (int(name.split(".")[1]) < LAYER or "num_batches" in name), name
    graph = load(tmp_path / "out/net.cfg").graph
    assert graph[LAYER - 1].layer.stopbackward == 1
    assert (graph.net.augment_versions, graph.head_layers[0].random) == (4, 0)
    facts = json.loads((tmp_path / "out/result.json").read_text())
    assert facts["fingerprint"]["train from"] == {"layer": LAYER, "versions": 4}


def test_versions_of_a_sample_come_back_and_differ(folder: Path, tmp_path: Path) -> None:
    from darknet_py.tasks.selection import task_of
    from darknet_py.train.settings import source_of

    plan = plan_of(folder, tmp_path / "out", prefix=PrefixSettings(LAYER, 2))
    seen: dict[tuple[int, int], set[bytes]] = {}
    for batch in source_of(plan, task_of(plan.graph)):
        for draw, image, rows in zip(batch.draws, batch.images, batch.rows, strict=True):
            content = image.numpy().tobytes() + rows.tobytes()
            seen.setdefault((draw.index, draw.epoch), set()).add(content)
    assert len(seen) == 2 * len(plan.train), "24 iterations of 4 are 8 epochs of 12"
    assert all(len(contents) == 1 for contents in seen.values())
    assert len(set().union(*seen.values())) == len(seen)


def test_a_map_does_not_depend_on_the_rest_of_its_batch(folder: Path, tmp_path: Path) -> None:
    network = filled(compile(parse(CFG)))
    keeper = MapKeeper(network, LAYER)
    images = torch.rand(5, 3, 64, 64)
    whole = keeper([b""] * 5, lambda at: images[at : at + 1], (3, 64, 64))
    assert whole.shape == images.shape
    for at in range(5):
        one = keeper([b""], lambda _, at=at: images[at : at + 1], (3, 64, 64))
        assert all(torch.equal(one.maps[k], whole.maps[k][at : at + 1]) for k in whole.maps)
    assert len(whole[1:3]) == 2
    assert torch.equal(whole[1:3].maps[2], whole.maps[2][1:3])


NETS = {  # cfg, the layer, what is read of the layers before it
    "a route past the layer": (
        CONV.format(4, 2) + CONV.format(4, 1) + "[route]\nlayers=-1,0\n" + RAW + YOLO, 2, (0, 1)
    ),
    "pools that nest": (
        CONV.format(4, 4) + "".join(f"[maxpool]\nsize={s}\nstride=1\n[route]\nlayers={r}\n"
                                    for s, r in ((3, -2), (5, -4))) + "[route]\nlayers=0,1,3\n" + RAW + YOLO,
        3, (0, 1, 2),
    ),
    "a head before the layer": (
        CONV.format(4, 4) + RAW + YOLO + "[route]\nlayers=-3\n" + CONV.format(4, 1) + RAW + YOLO, 4, (2, 3)
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", NETS)
def test_every_shape_of_prefix_trains_to_the_same_bits(case: str, folder: Path, tmp_path: Path) -> None:
    body, layer, reads = NETS[case]
    cfg = CFG[: CFG.index("[convolutional]")].replace("max_batches=24", "max_batches=6") + body
    network = filled(compile(parse(cfg)))
    save_weights(network, tmp_path / "net.weights")
    assert network.reads_from(layer) == reads
    found = []
    for name, store in (
        ("plain", None),
        ("kept", MemoryMaps(10**8)),
        ("files", FileMaps(tmp_path / "m", 10**8)),
    ):
        prefix = PrefixSettings(layer, 1, store)
        plan = plan_of(folder, tmp_path / name, cfg, prefix=prefix, weights=tmp_path / "net.weights")
        found.append(trained(plan))
    assert found[0] == found[1]
    assert found[0][0] != (tmp_path / "net.weights").read_bytes()


def test_maps_that_vanish_while_a_run_goes_on_are_computed_again(folder: Path, tmp_path: Path) -> None:
    class Forgetful(MemoryMaps):
        def get(self, key: bytes) -> torch.Tensor | None:
            return None if key[0] % 3 == 0 else super().get(key)

    plain = trained(plan_of(folder, tmp_path / "plain", prefix=PrefixSettings(LAYER, 2), evaluations=1))
    prefix = PrefixSettings(LAYER, 2, Forgetful(10**8))
    assert trained(plan_of(folder, tmp_path / "kept", prefix=prefix, evaluations=1)) == plain


def test_other_weights_other_precision_and_other_layers_have_other_maps(folder: Path, tmp_path: Path) -> None:
    from darknet_py.distributed.communicator import Communicator
    from darknet_py.train.run.setup import build_trainer

    identities = []
    other = filled(compile(parse(CFG)))
    with torch.no_grad():
        other.layers[0].conv.weight[0, 0, 0, 0] += 1e-6
    save_weights(other, tmp_path / "other.weights")
    for number, (cfg, more) in enumerate([
        (CFG, {}), (CFG.replace("mish", "relu"), {}), (CFG, {"weights": tmp_path / "other.weights"}),
        (CFG, {"precision": "bfloat16"}), (CFG.replace("[stochpool]\nsize=2", "[stochpool]\nsize=3"), {}),
    ]):  # fmt: skip
        plan = plan_of(
            folder, tmp_path / str(number), cfg, prefix=PrefixSettings(LAYER, store=MemoryMaps(1)), **more
        )
        keeper = MapKeeper.of(plan, build_trainer(plan, Communicator()))
        identities.append(keeper.identity)
    assert identities[0] == identities[1], "behind the layer nothing counts"
    assert len(set(identities)) == 4
