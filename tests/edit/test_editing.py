"""Golden. Oracle: texts written by hand, what a person would have typed."""

from __future__ import annotations

import pytest

from darknet_py.cfg.diagnostics import CfgError
from darknet_py.cfg.document import parse, read
from darknet_py.cfg.edits import parse_edits
from darknet_py.cfg.sections import new_section
from darknet_py.edit.editing import Changes, apply_edits, unread_inserts
from darknet_py.errors import UsageError
from darknet_py.graph.compile import compile
from darknet_py.layers.catalogue import CATALOGUE
from tests.paths import ROOT

BASE = """# a net
[net]
width=32
height=32
channels=3

# the trunk
[convolutional]
filters=8
size=3
pad=1
activation=leaky

[maxpool]
size=3   # odd
stride=1

[dropout]
probability=.2

# joins
[route]
layers = -1,0

# the head
[convolutional]
filters=18
activation=linear

[yolo]
mask=0,1,2
anchors=1,2, 3,4, 5,6
classes=1
num=3
"""


def done(text: str = BASE, **changes: object) -> str:
    return str(apply_edits(parse(text, path="a.cfg"), Changes(**changes)).document)  # type: ignore[arg-type]


def section(text: str) -> object:
    return new_section(text)


def test_a_new_layer_is_read_by_what_read_the_layer_before_it() -> None:
    text = done(inserts=((0, section("lppool size=3 stride=1")),))
    assert text == BASE.replace("activation=leaky\n", "activation=leaky\n\n[lppool]\nsize=3\nstride=1\n")
    assert [node.inputs for node in compile(parse(text))] == [(-1,), (0,), (1,), (2,), (3, 0), (4,), (5,)]


def test_references_are_renumbered_in_the_manner_they_are_written() -> None:
    text = BASE.replace("layers = -1,0", "layers = -3 ,  1")
    new = done(text, inserts=((None, section("dropout")), (1, section("dropout"))))
    assert "layers = -4 ,  2\n" in new
    assert new.index("[dropout]") < new.index("[convolutional]")


def test_minus_one_reads_a_layer_that_is_put_before_it() -> None:
    new = compile(parse(done(inserts=((2, section("softpool size=3 stride=1")),))))
    assert new[4].inputs == (3, 0)


def test_several_sections_stand_in_the_order_given() -> None:
    text = done(inserts=((1, section("dropout")), (1, section("softpool size=3"))))
    assert [s.name for s in parse(text).sections][3:6] == ["dropout", "softpool", "dropout"]


def test_a_new_section_refers_by_the_numbers_of_the_cfg_as_given() -> None:
    new = compile(parse(done(inserts=((None, section("dropout")), (2, section("route layers=-1, 1"))))))
    assert new[4].inputs == (3, 2)


def test_a_deleted_layer_is_bypassed() -> None:
    text = done(deletes=(2,))
    assert text == BASE.replace("[dropout]\nprobability=.2\n\n", "")
    assert [node.inputs for node in compile(parse(text))] == [(-1,), (0,), (1, 0), (2,), (3,)]


def test_comments_around_a_deleted_layer_stay() -> None:
    assert done(deletes=(3,), sets=tuple(parse_edits("4.size=1"))).count("# joins\n") == 1


def test_a_deletion_that_would_make_a_layer_read_another_map_is_refused() -> None:
    document = read(ROOT / "cfg" / "yolov3-tiny.cfg")
    with pytest.raises(UsageError) as caught:
        apply_edits(document, Changes(deletes=(17,)))
    assert (
        "layer 18 [convolutional] reads layer 17 [route]; without it, it would read layer 16 [yolo]"
        in str(caught.value)
    )


def test_a_named_image_is_refused() -> None:
    with pytest.raises(UsageError, match="layer 3 would read the image in the place of layer 0"):
        done(deletes=(0,))


def test_another_section_keeps_the_keys_that_it_has() -> None:
    assert done(replaces=((1, section("stochpool")),)) == BASE.replace("[maxpool]", "[stochpool]")
    assert done(replaces=((1, section("spp sizes=3,5")),)) == BASE.replace(
        "[maxpool]\nsize=3   # odd\nstride=1\n", "[spp]\nsizes=3,5\n"
    )


def test_a_replacement_and_its_inverse_are_nothing() -> None:
    there = done(replaces=((1, section("softpool")),))
    assert done(there, replaces=((1, section("maxpool")),)) == BASE


def test_filters_follow_classes_and_masks() -> None:
    assert done(sets=tuple(parse_edits("5.classes=3"))) == BASE.replace("classes=1", "classes=3").replace(
        "filters=18", "filters=24"
    )
    assert "filters=12\n" in done(sets=tuple(parse_edits("5.mask=0,2")))


def test_filters_that_a_person_sets_stay() -> None:
    assert "filters=18\n" in done(sets=tuple(parse_edits("5.classes=3,4.filters=18")))


def test_filters_follow_through_layers_that_keep_the_shape() -> None:
    text = BASE.replace("\n[yolo]", "\n[dropout]\n\n[yolo]")
    assert "filters=24\n" in done(text, sets=tuple(parse_edits("6.classes=3")))


def test_several_edits_go_by_the_numbers_of_the_cfg_as_given() -> None:
    text = done(
        sets=tuple(parse_edits("1.size=5,5.classes=2")),
        inserts=((0, section("dropout")),),
        deletes=(2,),
        replaces=((1, section("softpool")),),
    )
    graph = compile(parse(text))
    assert [node.layer.section for node in graph] == [
        "convolutional", "dropout", "softpool", "route", "convolutional", "yolo",
    ]  # fmt: skip
    assert graph[2].layer.size == 5
    assert graph[3].inputs == (2, 0)
    assert graph[4].layer.filters == 21


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"deletes": (9,)}, "--delete 9: the cfg has no layer 9"),
        ({"deletes": (None,)}, r"--delete net: \[net\] is no layer"),
        ({"deletes": ("top",)}, "--delete top: no layer is called top"),
        ({"deletes": (1,), "sets": tuple(parse_edits("1.size=3"))}, "layer 1 is deleted and changed"),
        ({"sets": tuple(parse_edits("1.sise=3"))}, r"1.sise=3: \[maxpool\] has no key `sise`"),
        ({"expands": (1,)}, "layer 1 .maxpool. .cfg line 14. cannot be expanded"),
        ({"folds": (1,)}, "is in no run of sections"),
    ],
)
def test_what_cannot_be_done_is_a_usage_error(changes: dict[str, object], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        done(**changes)


def test_a_new_section_with_a_misspelt_key_is_refused() -> None:
    with pytest.raises(UsageError, match="did you mean `sizes`"):
        done(inserts=((1, section("spp sises=3")),))


@pytest.mark.parametrize(
    "text", ["", "[]", "spp sizes", "spp sizes=", "spp =3", "spp a=#3", "[net", "s=3", "ä"]
)
def test_what_is_no_section_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="is not a section"):
        new_section(text)


def test_a_cfg_without_sections_is_told_as_compile_tells_it() -> None:
    with pytest.raises(CfgError, match="no-net"):
        done("# nothing\n", plain=True)


def test_a_cfg_with_errors_may_be_mended_by_an_edit() -> None:
    text = BASE.replace("filters=18", "filters=255")
    with pytest.raises(CfgError):
        compile(parse(text))
    compile(parse(done(text, sets=tuple(parse_edits("4.filters=18")))))


def test_a_new_layer_that_nobody_reads_is_known() -> None:
    text = BASE.replace("layers = -1,0", "layers = 0,1")
    edited = apply_edits(parse(text), Changes(inserts=((2, section("dropout")),)))
    graph = compile(edited.document)
    assert unread_inserts(edited, graph) == [3]


SPP = """[net]
width=32
height=32
channels=3

[convolutional]
filters=8

# several sizes
[spp]
sizes=5,9,13
name=spp_in

[dropout]

[route]
layers=@spp_in,1
"""
WRITTEN = """[maxpool]
size=5
stride=1

[route]
layers=-2

[maxpool]
size=9
stride=1

[route]
layers=-4

[maxpool]
size=13
stride=1

[route]
layers=-1,-3,-5,-6
name=spp_in
"""


def test_a_pyramid_is_written_out_as_in_yolov3_spp_and_read_back() -> None:
    there = done(SPP, expands=None)
    assert there == SPP.replace("[spp]\nsizes=5,9,13\nname=spp_in\n", WRITTEN).replace(
        "@spp_in,1", "@spp_in,6"
    )
    assert done(there, folds=None) == SPP
    assert done(there, folds=(3,)) == SPP


def test_the_pyramid_of_yolov3_spp_is_found() -> None:
    document = read(ROOT / "cfg" / "yolov3-spp.cfg")
    graph, folded = compile(document), compile(apply_edits(document, Changes(folds=None)).document)
    assert len(folded) == len(graph) - 5
    assert folded[78].layer == CATALOGUE["spp"](sizes=(5, 9, 13))
    assert folded.cost == graph.cost
    assert folded[-1].inputs == (107,)


def test_a_run_that_others_read_inside_is_left_alone() -> None:
    text = done(SPP, expands=None)
    for other in ("layers=@spp_in,1", "layers=@spp_in,3"):
        kept = text.replace("layers=@spp_in,6", other)
        assert done(kept, folds=None) == kept


def test_a_pyramid_that_darknet_cannot_say_stays_and_is_refused_by_number() -> None:
    for text, told in (
        (SPP.replace("sizes=5,9,13", "sizes=5,9,13\npool=stochpool"), "no sections for it"),
        (SPP.replace("sizes=5,9,13", "sizes=5,9,13\nstopbackward=1"), "`stopbackward` applies to one layer"),
        (
            SPP.replace("[convolutional]\nfilters=8\n\n", "").replace("@spp_in,1", "@spp_in"),
            "reads the image",
        ),
    ):
        assert done(text, expands=None) == text
        with pytest.raises(UsageError, match=told):
            done(text, expands=("spp_in",))
