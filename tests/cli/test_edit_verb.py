"""Story. Oracle: what a person types and reads; the files before and after."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from darknet_py.__main__ import main
from tests.command import Cli
from tests.paths import ROOT

TINY = ROOT / "cfg" / "yolov3-tiny.cfg"


def test_the_new_cfg_is_printed_byte_for_byte(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["edit", str(TINY), "--replace", "11=stochpool"]) == 0
    out = capfdbinary.readouterr().out
    expected = TINY.read_bytes().splitlines()
    line = expected.index(b"[maxpool]", 94)
    assert out.splitlines() == [*expected[:line], b"[stochpool]", *expected[line + 1 :]]


def test_bytes_that_are_no_text_stay(tmp_path: Path) -> None:
    cfg, new = tmp_path / "a.cfg", tmp_path / "b.cfg"
    cfg.write_bytes(b"# caf\xe9\r\n[net]\r\nwidth=8\r\nheight=8\r\nchannels=3\r\n[dropout]\r\n")
    assert main(["edit", str(cfg), "--set", "net.width=16", "-o", str(new)]) == 0
    assert new.read_bytes() == cfg.read_bytes().replace(b"width=8", b"width=16")


def test_a_file_that_is_there_is_overwritten_only_when_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cfg = tmp_path / "a.cfg"
    cfg.write_bytes(TINY.read_bytes())
    command = ["edit", str(cfg), "--delete", "11", "-o", str(cfg)]
    assert main(command) == 2
    assert "is the cfg that is edited" in capsys.readouterr().err
    assert cfg.read_bytes() == TINY.read_bytes()
    (tmp_path / "b.cfg").write_text("mine")
    assert main([*command[:-1], str(tmp_path / "b.cfg")]) == 2
    assert main([*command, "--force"]) == 0
    assert cfg.read_bytes() != TINY.read_bytes()


def test_an_edit_with_errors_is_refused_with_the_lines_of_the_new_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = tmp_path / "b.cfg"
    assert main(["edit", str(TINY), "--delete", "9", "-o", str(new)]) == 3
    said = capsys.readouterr().err
    assert said.startswith("refused: the edited cfg would have errors; nothing is written\n")
    assert "error[shapes-differ]: maps of 52x52 and 26x26 cannot be concatenated" in said
    assert not new.exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "there is nothing to do"),
        (["--replace", "11"], "is no replacement"),
        (["--delete", "x-y"], "is not a layer"),
        (["--insert-after", "11", "spp sizes"], "is not a section"),
        (["--insert-after", "99", "dropout"], "the cfg has no layer 99"),
        (["--set", "spp_in.size=3"], "no layer is called spp_in"),
    ],
)
def test_a_command_that_means_nothing_exits_with_2(words: list[str], told: str, cli: Cli) -> None:
    ended = cli("edit", str(TINY), *words)
    assert ended.code == 2
    assert told in ended.err


def test_several_edits_at_once_and_what_they_change(
    tmp_path: Path, cli: Cli, capsys: pytest.CaptureFixture[str]
) -> None:
    new = tmp_path / "b.cfg"
    words = ["--insert-after", "12", "spp sizes=5,9,13 name=spp_in", "--replace", "11=stochpool"]
    assert main(["edit", str(TINY), *words, "--set", "16.classes=3,23.classes=3", "-o", str(new)]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "filters 255 -> 24" in captured.err
    assert main(["show", str(new), "--set", "spp_in.sizes=3,5", "--json"]) == 0
    layers = json.loads(capsys.readouterr().out)["layers"]
    assert layers[13]["section"] == "spp"
    assert layers[13]["shape"][0] == 3 * 1024
    ended = cli("edit", str(new), "--expand", "spp_in", "--plain")
    assert ended.code == 0
    assert "name" not in ended.out


def test_a_layer_that_nobody_reads_is_told(cli: Cli) -> None:
    ended = cli("edit", str(TINY), "--insert-after", "19", "dropout", "--set", "20.layers=19,8")
    assert ended.code == 0
    assert "warning: no layer reads the new layer 20 [dropout]" in ended.err


def test_a_diff_as_json_has_every_pair_and_totals(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "yolov3-tiny", "yolov3-tiny@11.section=stochpool", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["same"] is False
    assert [pair["kind"] for pair in found["layers"]].count("replaced") == 1
    assert len(found["layers"]) == found["total"]["a"]["layers"] == 24
    assert found["layers"][11]["b"]["section"] == "stochpool"


def test_a_diff_with_an_edit_of_a_layer_that_is_not_there_exits_with_2(
    cli: Cli,
) -> None:
    ended = cli("diff", "yolov3-tiny", "yolov3-tiny@99.size=3")
    assert ended.code == 2
    assert "the cfg has no layer 99" in ended.err
