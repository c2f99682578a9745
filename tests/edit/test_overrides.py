"""Property. Oracle: what a person who misspells a key expects to be told."""

from __future__ import annotations

import pytest

from darknet_py.cfg.document import parse
from darknet_py.cfg.edits import parse_edits
from darknet_py.edit.overrides import apply_overrides
from darknet_py.errors import UsageError
from darknet_py.graph.compile import compile

CFG = "[net]\nwidth=8\nheight=8\nchannels=3\n[maxpool]\nsize=2\nstride=2\n"


@pytest.mark.parametrize(
    ("edit", "told"), [("net.widht=64", "`width`"), ("0.strid=1", "`stride`"), ("0.sise=3", "`size`")]
)
def test_a_misspelt_key_is_refused_also_where_the_section_has_the_right_one(edit: str, told: str) -> None:
    with pytest.raises(UsageError, match="has no key") as caught:
        apply_overrides(parse(CFG), parse_edits(edit))
    assert f"did you mean {told}?" in str(caught.value)


def test_a_key_of_the_new_section_may_be_set_with_it() -> None:
    document = apply_overrides(parse(CFG, path="a.cfg"), parse_edits("0.section=stochpool,0.negatives=abs"))
    assert compile(document)[0].layer.negatives == "abs"
    assert document.path == "a.cfg@0.section=stochpool,0.negatives=abs"


def test_without_edits_the_document_is_itself() -> None:
    document = parse(CFG)
    assert apply_overrides(document, ()) is document
