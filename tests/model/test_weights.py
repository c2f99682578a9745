"""Property and golden. Oracle: the format page (4): bytes written here by `struct`; errors W01 to W16."""

from __future__ import annotations

import os
import struct
import threading
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from darknet_py.cfg.document import parse
from darknet_py.errors import UsageError, WeightsError
from darknet_py.graph.compile import compile
from darknet_py.model.network import Network
from darknet_py.model.weights import expected_bytes, load_weights, save_weights

CFG = """[net]
width=16
height=16
channels=3
[convolutional]
batch_normalize=1
filters=4
size=3
pad=1
activation=leaky
[maxpool]
size=2
[convolutional]
filters=3
activation=linear
[shortcut]
from=-1
weights_type=per_channel
"""
COUNTS = {0: 4 * 4 + 4 * 3 * 9, 2: 3 + 3 * 4, 3: 2 * 3}  # floats of each layer, by the format page
FLOATS = sum(COUNTS.values())  # 145
HEADER = struct.pack("<iiiQ", 0, 2, 5, 640)


def network() -> Network:
    return Network(compile(parse(CFG, path="a.cfg")))


def payload() -> np.ndarray:
    """Different numbers, the variances among them positive."""
    return np.arange(1, FLOATS + 1, dtype="<f4")


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    path = tmp_path / "a.weights"
    path.write_bytes(HEADER + payload().tobytes())
    return path


def refusal(path: Path, *, partial: int | None = None) -> str:
    """The text of the refusal; the network must be as it was."""
    into = network()
    before = {name: tensor.clone() for name, tensor in into.state_dict().items()}
    with pytest.raises(WeightsError) as caught:
        load_weights(into, path, partial=partial)
    assert caught.value.exit_code == 3
    for name, tensor in into.state_dict().items():
        assert torch.equal(tensor, before[name]), f"{name} was changed"
    return str(caught.value)


# order


def test_arrays_stand_in_darknets_order(whole: Path) -> None:
    into = network()
    ledger = load_weights(into, whole)
    assert (ledger.layers, ledger.floats, ledger.total, ledger.seen) == (4, FLOATS, FLOATS, 640)
    first, _, second, third = into.layers
    arrays = [
        *(
            first.norm.bias,
            first.norm.weight,
            first.norm.running_mean,
            first.norm.running_var,
            first.conv.weight,
        ),
        *(second.conv.bias, second.conv.weight, third.weights),
    ]
    flat = torch.cat([a.detach().flatten() for a in arrays])
    assert torch.equal(flat, torch.from_numpy(payload()))
    assert first.conv.weight[1, 2, 0, 1] == 16 + 1 + 1 * 27 + 2 * 9 + 1, "filter, channel, row, column"


def test_the_number_of_bytes_is_known_before(whole: Path) -> None:
    assert expected_bytes(network().graph) == whole.stat().st_size == 20 + 4 * 145


@pytest.mark.parametrize(
    ("version", "seen", "wide"),
    [
        ((0, 2, 5), 2**40, True),
        ((0, 2, 0), 7, True),
        ((1, 0, 0), 7, True),
        ((0, 1, 0), 7, False),
        ((0, 0, 0), 7, False),
    ],
)
def test_W03_the_version_says_whether_seen_has_64_bits(
    version: tuple[int, int, int], seen: int, wide: bool, tmp_path: Path
) -> None:
    header = struct.pack("<iiiQ" if wide else "<iiiI", *version, seen)
    assert len(header) == (20 if wide else 16)
    (tmp_path / "a.weights").write_bytes(header + payload().tobytes())
    into = network()
    assert load_weights(into, tmp_path / "a.weights").seen == seen
    assert into.layers[0].norm.bias.tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("seen", [0, 1, 2**31, 2**32, 2**53 + 1, 2**64 - 1])
def test_W10_images_seen_are_read_and_written_exactly(seen: int, tmp_path: Path) -> None:
    save_weights(network(), tmp_path / "a.weights", seen=seen)
    assert load_weights(network(), tmp_path / "a.weights").seen == seen


@pytest.mark.parametrize("half", [torch.float16, torch.float64])
def test_a_network_of_another_precision_is_written_in_float32(
    half: torch.dtype, whole: Path, tmp_path: Path
) -> None:
    into = network()
    load_weights(into, whole)
    save_weights(into.to(half), tmp_path / "b.weights", seen=640)
    assert (tmp_path / "b.weights").read_bytes() == whole.read_bytes()


def test_W15_write_read_write_gives_the_same_bytes(tmp_path: Path) -> None:
    one, two = tmp_path / "1.weights", tmp_path / "2.weights"
    save_weights(network(), one, seen=12345)
    into = network()
    save_weights(into, two, seen=load_weights(into, one).seen)
    assert one.read_bytes() == two.read_bytes()


@given(st.lists(st.floats(2.0**-126, 2.0**126, width=32), min_size=1, max_size=9))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_W15_read_write_gives_the_same_bytes(tmp_path: Path, numbers: list[float]) -> None:
    data = HEADER + np.resize(np.array(numbers, "<f4"), FLOATS).tobytes()
    (tmp_path / "a.weights").write_bytes(data)
    into = network()
    ledger = load_weights(into, tmp_path / "a.weights")
    save_weights(into, tmp_path / "b.weights", seen=ledger.seen)
    assert (tmp_path / "b.weights").read_bytes() == data


# length


@pytest.mark.parametrize("size", range(20))
def test_W01_less_than_a_header_is_refused(size: int, tmp_path: Path) -> None:
    (tmp_path / "a.weights").write_bytes(HEADER[:size])
    text = refusal(tmp_path / "a.weights")
    assert f"has {size} bytes; the header" in text
    assert "needs" in text


def test_W04_every_truncation_is_refused_with_the_layer_and_the_bytes(whole: Path, tmp_path: Path) -> None:
    data, cut = whole.read_bytes(), tmp_path / "cut.weights"
    for size in range(20, len(data)):
        cut.write_bytes(data[:size])
        text = refusal(cut)
        floats = (size - 20) // 4
        index = 0 if floats < COUNTS[0] else 2 if floats < COUNTS[0] + COUNTS[2] else 3
        assert f"ends inside layer {index} [" in text
        assert f"{size:,} bytes, {len(data) - size:,} too few" in text


def test_W04_a_file_that_is_too_short_says_where_it_ends(whole: Path) -> None:
    whole.write_bytes(whole.read_bytes()[: 20 + 4 * (COUNTS[0] + 7)])
    assert refusal(whole) == (
        f"{whole}: error: ends inside layer 2 [convolutional] (cfg line 13), in its weights "
        "(bytes 528 to 576): it needs 15 floats, 7 remain\n"
        "   = 544 bytes, 56 too few"
    )


def test_W05_a_file_that_is_too_long_says_by_how_much(whole: Path) -> None:
    whole.write_bytes(whole.read_bytes() + bytes(1000))
    assert refusal(whole) == (
        f"{whole}: error: has 1,600 bytes; the network takes 600, the end of layer 3 [shortcut] "
        "(cfg line 16), so 1,000 are left over\n"
        "   = it belongs to another network"
    )


@pytest.mark.parametrize("extra", [1, 2, 3, 4, 5, 8, 10**6])
def test_W05_bytes_left_over_are_refused(extra: int, whole: Path) -> None:
    whole.write_bytes(whole.read_bytes() + b"\1" * extra)
    assert f"so {extra:,} are left over" in refusal(whole)


def test_W04_a_refusal_by_length_reads_nothing(tmp_path: Path) -> None:
    path, into = tmp_path / "a.weights", network()
    with path.open("wb") as file:
        file.write(HEADER)
        file.truncate(1 << 33)  # 8 GiB, all holes
    tracemalloc.start()
    try:
        with pytest.raises(WeightsError, match="are left over"):
            load_weights(into, path)
        path.write_bytes(HEADER + payload().tobytes()[:-4])
        with pytest.raises(WeightsError, match="ends inside"):
            load_weights(into, path)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_reading_takes_at_most_twice_the_file(tmp_path: Path) -> None:
    wide = Network(compile(parse("[net]\nwidth=8\nheight=8\nchannels=3\n" + "[conv]\nfilters=1000\n" * 3)))
    save_weights(wide, tmp_path / "a.weights")
    size = (tmp_path / "a.weights").stat().st_size
    assert size > 8_000_000
    tracemalloc.start()
    try:
        load_weights(wide, tmp_path / "a.weights")
        assert tracemalloc.get_traced_memory()[1] < 2 * size
    finally:
        tracemalloc.stop()


# partial


@pytest.mark.parametrize(("layers", "floats"), [(1, 124), (2, 124), (3, 139), (4, 145)])
@pytest.mark.parametrize("length", ["cut there", "longer"])
def test_W06_the_first_layers_alone_are_read_when_asked(
    layers: int, floats: int, length: str, whole: Path
) -> None:
    if length == "cut there":
        whole.write_bytes(whole.read_bytes()[: 20 + 4 * floats])
    into, untouched = network(), network()
    untouched.load_state_dict(into.state_dict())
    ledger = load_weights(into, whole, partial=layers)
    assert (ledger.layers, ledger.floats, ledger.total) == (layers, floats, FLOATS)
    assert into.layers[0].norm.bias.tolist() == [1, 2, 3, 4]
    if layers < 3:
        assert torch.equal(into.layers[2].conv.weight, untouched.layers[2].conv.weight)


@pytest.mark.parametrize("name", ["a.conv.1", "a.weights.2", "yolov3-tiny.conv.15", "darknet53.conv.74"])
def test_W06_a_file_name_never_says_how_much_to_read(name: str, whole: Path, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(whole.read_bytes()[: 20 + 4 * 124])
    assert "ends inside layer 2" in refusal(tmp_path / name)


def test_W06_a_file_that_is_cut_within_the_layers_asked_for_is_refused(whole: Path) -> None:
    whole.write_bytes(whole.read_bytes()[: 20 + 4 * 130])
    assert "ends inside layer 2" in refusal(whole, partial=3)


@pytest.mark.parametrize("extra", [1, 2, 3])
def test_W05_a_part_of_a_float_is_refused_in_a_partial_reading_too(extra: int, whole: Path) -> None:
    whole.write_bytes(whole.read_bytes() + bytes(extra))
    text = refusal(whole, partial=2)
    assert "which is no whole number of floats" in text
    assert "--partial" not in text


@pytest.mark.parametrize("partial", [0, -1, 5, 10**9])
def test_a_number_of_layers_that_there_are_not_is_a_usage_error(partial: int, whole: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load_weights(network(), whole, partial=partial)
    assert str(caught.value) == f"error: --partial {partial}: the network has 4 layers\n   = expected 1 to 4"


# content


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    ("at", "layer", "part"),
    [(0, 0, "biases"), (12, 0, "variances"), (123, 0, "weights"), (124, 2, "biases"), (144, 3, "weights")],
)
def test_W08_numbers_that_are_not_finite_are_refused_with_layer_part_and_count(
    number: float, at: int, layer: int, part: str, whole: Path
) -> None:
    floats = payload()
    floats[at] = number
    whole.write_bytes(HEADER + floats.tobytes())
    assert f"has 1 NaN or infinite numbers in the {part} of layer {layer} [" in (text := refusal(whole))
    assert f", the first at byte {20 + 4 * at}\n" in text


def test_W08_large_and_tiny_numbers_are_read(whole: Path) -> None:
    floats = payload()
    floats[20:24] = [1e38, -1e38, 1e-45, 3.4028235e38]
    whole.write_bytes(HEADER + floats.tobytes())
    into = network()
    load_weights(into, whole)
    assert into.layers[0].conv.weight.flatten()[4:8].tolist() == floats[20:24].tolist()


@pytest.mark.parametrize("value", [-1.0, -1e-6, -1e38])
def test_W09_a_negative_variance_is_refused(value: float, whole: Path) -> None:
    floats = payload()
    floats[13:15] = value  # bias, scale, mean and variance of 4 filters each
    whole.write_bytes(HEADER + floats.tobytes())
    assert refusal(whole) == (
        f"{whole}: error: has 2 negative numbers in the variances of layer 0 [convolutional] (cfg line 5), "
        "the first at byte 72\n"
        "   = it is damaged, or belongs to another network of the same size"
    )


def test_W09_a_variance_of_zero_is_read_and_harmless(whole: Path) -> None:
    floats = payload()
    floats[12:16] = 0
    whole.write_bytes(HEADER + floats.tobytes())
    into = network().eval()
    load_weights(into, whole)
    assert all(torch.isfinite(m).all() for m in into(torch.rand(1, 3, 16, 16)))


def test_W09_other_arrays_may_be_negative(whole: Path) -> None:
    floats = -payload()
    floats[12:16] = 1
    whole.write_bytes(HEADER + floats.tobytes())
    assert load_weights(network(), whole).floats == FLOATS


@pytest.mark.parametrize(
    "version", [(-1, 2, 5), (0, -2, 5), (10**9, 0, 0), (0, 10**9, 0), (0, 2, -1), (0, 2, 10**9), (1001, 2, 5)]
)
def test_W02_W11_a_version_that_darknet_never_wrote_is_refused(
    version: tuple[int, int, int], tmp_path: Path
) -> None:
    (tmp_path / "a.weights").write_bytes(struct.pack("<iiiQ", *version, 0) + payload().tobytes())
    text = refusal(tmp_path / "a.weights")
    assert f"is not Darknet weights: version {version[0]}.{version[1]}.{version[2]} in its header" in text


def test_W16_a_pickle_is_never_opened(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    code = f"cos\nsystem\n(S'touch {canary}'\ntR.".encode()
    for start in (b"\x80\x02", b"\x80\x03", b""):
        (tmp_path / "a.pt").write_bytes(start + code)
        refusal(tmp_path / "a.pt")
    assert not canary.exists()


# files


@pytest.mark.parametrize("what", ["missing", "folder", "fifo", "device", "loop", "dangling"])
def test_W13_only_regular_files_are_read(what: str, tmp_path: Path) -> None:
    path = tmp_path / "a.weights"
    if what == "folder":
        path.mkdir()
    elif what == "fifo":
        os.mkfifo(path)
    elif what == "device":
        path = Path("/dev/zero")
    elif what == "loop":
        path.symlink_to(path)
    elif what == "dangling":
        path.symlink_to(tmp_path / "nowhere")
    outcome: list[str] = []
    thread = threading.Thread(target=lambda: outcome.append(refusal(path)), daemon=True)
    thread.start()
    thread.join(timeout=5)
    assert len(outcome) == 1, "it hangs"
    assert outcome[0].endswith(("error: no such file", "error: is not a regular file"))


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_W13_a_file_that_may_not_be_read_is_refused(whole: Path) -> None:
    whole.chmod(0)
    assert "cannot be read" in refusal(whole)


@pytest.mark.parametrize("size", [30, 300, 10_000])
def test_W12_a_file_that_changes_while_it_is_read_is_refused(
    size: int, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fromfile = np.fromfile

    def changed_before(*args: Any, **named: Any) -> Any:
        os.truncate(whole, size)
        return fromfile(*args, **named)

    monkeypatch.setattr(np, "fromfile", changed_before)
    assert refusal(whole) == f"{whole}: error: changed while it was read"


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_W14_when_writing_fails_the_old_file_stays(
    step: str, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    before = whole.read_bytes()
    if step == "fsync":
        monkeypatch.setattr(os, "fsync", full)
    else:
        monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        save_weights(network(), whole)
    assert whole.read_bytes() == before
    assert [p.name for p in whole.parent.iterdir()] == [whole.name]


def test_W14_a_file_appears_under_its_name_when_it_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, sizes = tmp_path / "a.weights", []
    replace = Path.replace

    def watched(self: Path, target: Path) -> Path:
        sizes.append((self.stat().st_size, path.exists()))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", watched)
    save_weights(network(), path)
    assert sizes == [(600, False)]
    assert path.stat().st_size == 600
