"""Reference: the layers that a variant changes; the oracle is the cfgs of the demo, counted by hand."""

from __future__ import annotations

from pathlib import Path

from darknet_py.report.findings.structure import structure_table
from darknet_py.report.report import report_json, report_markdown
from darknet_py.report.section import Report
from darknet_py.runs.read_comparison import read_comparison

DEMO = Path(__file__).parents[2] / "cfg" / "demo"


def cfg(name: str) -> str:
    return (DEMO / name).read_text()


def test_added_layers_have_their_map_cost_and_reach() -> None:
    table = structure_table(cfg("yolov3-tiny.cfg"), cfg("yolov3-tiny-spp.cfg"))
    assert table is not None
    spp, convolution, total = table.rows
    assert spp == ("added", "", "14 [spp]", "sizes=3,5,9", "512 x 5 x 5", "0", "0.000", "510 x 510")
    assert convolution[:3] == ("added", "", "15 [convolutional]")
    assert convolution[5].replace("\u202f", "") == str(512 * 128 + 4 * 128)
    assert total[6] == "0.208 -> 0.212"
    assert table.caption.startswith("21 layers are the same.")


def test_a_replaced_layer_names_both_sections() -> None:
    table = structure_table(cfg("yolov3-tiny.cfg"), cfg("yolov3-tiny-stochpool.cfg"))
    assert table is not None
    assert table.rows[0][:4] == ("replaced", "11 [maxpool]", "11 [stochpool]", "size=2, stride=1")


def test_keys_of_net_and_of_layers_are_written_as_before_and_after() -> None:
    before = cfg("yolov3-tiny.cfg")
    after = before.replace("width=160", "width=192").replace("size=2\nstride=1\n", "size=3\nstride=1\n", 1)
    table = structure_table(before, after)
    assert table is not None
    assert table.rows[0][:4] == ("changed", "[net]", "[net]", "width 160 -> 192")
    assert [row[3] for row in table.rows if row[1] == "11 [maxpool]"] == ["size 2 -> 3"]


def test_a_cfg_that_does_not_compile_here_has_no_table(run_folder: Path) -> None:
    assert structure_table("[net]\nwidth=8\n[my-layer]\n", "[net]\nwidth=8\n[my-layer]\n") is None
    (run_folder / "runs/yolov3-tiny-spp/seed-0/net.cfg").write_text("[net]\n[of-a-plugin]\n")
    report = Report.of(read_comparison(run_folder))
    assert report_json(report)["structure"]["yolov3-tiny-spp"] is None
    assert "## What yolov3-tiny-spp changes" in report_markdown(report)


def test_the_same_network_has_no_rows() -> None:
    table = structure_table(cfg("yolov3-tiny.cfg"), "# written otherwise\n" + cfg("yolov3-tiny.cfg"))
    assert table is not None
    assert (table.rows, table.caption) == ((), "The same network: 24 layers.")
