"""Oracle: YAML's own rules for the few forms that are read, and files made to exhaust it. Kind: story."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from darknet_py.data.findings import Findings
from darknet_py.data.formats.darknet.data_yaml import DataYaml, read_data_yaml


def read(tmp_path: Path, text: str) -> tuple[DataYaml, list[str], list[str]]:
    """The file, its names, and what was reported, with the line."""
    (tmp_path / "data.yaml").write_text(text)
    findings = Findings()
    yaml = read_data_yaml(tmp_path / "data.yaml", findings)
    names = yaml.names(findings)
    return yaml, names, [f"{finding.line}: {finding.code}: {finding.message}" for finding in findings.all]


NAMES = [
    ("names: [cat, dog]\n", ["cat", "dog"]),
    ("names: ['cat', \"d\\u00f6g\"] # two\n", ["cat", "dög"]),
    ("names: ['it''s', b's]\n", ["it's", "b's"]),
    ("names: [no, 1e3,\n  12:30 pm, '#1', ]\nnc: 4\n", ["no", "1e3", "12:30 pm", "#1"]),
    ("names:\n- cat\n- dog#1\n", ["cat", "dog#1"]),
    ("names:\n  - cat # first\n\n  - 'a: b'\n", ["cat", "a: b"]),
    ("---\nnames: {1: dog, 0: cat}\n", ["cat", "dog"]),
    ("names:\n  1: dog\n  0: cat\nnc: 2\n", ["cat", "dog"]),
    ("nc: 2\n", ["0", "1"]),
    ("'names': [cat]\n", ["cat"]),
    ("a: {names: [x]}\nnames: [cat]\nb:\n  names: [y]\n", ["cat"]),
]


@pytest.mark.parametrize(("text", "names"), NAMES)
def test_11_names_are_read_in_every_form(tmp_path: Path, text: str, names: list[str]) -> None:
    _, found, reported = read(tmp_path, text)
    assert (found, reported) == (names, [])


def test_11_paths_are_read_and_other_keys_are_not(tmp_path: Path) -> None:
    text = "path: ../pets # root\ntrain: [a, b]\nval:\n  - c\ntest:\ndownload: |\n  train: x\n  rm -rf /\n"
    yaml, _, reported = read(tmp_path, text)
    assert (yaml.paths("train"), yaml.paths("val"), yaml.paths("test")) == (["a", "b"], ["c"], [])
    assert (yaml.root, yaml.ignored, reported) == (tmp_path / "../pets", ["download"], [])


ACTIVE = "anchors, aliases, tags and blocks are not read"
REFUSED = [
    ("a: &a [x]\nnames: *a\n", f"2: data-yaml: `names` holds `*a`: {ACTIVE}"),
    ("names: &a [*a, *a]\n", f"1: data-yaml: `names` holds `&a [*a, *a]`: {ACTIVE}"),
    (
        "names: !!python/object:os.system x\n",
        f"1: data-yaml: `names` holds `!!python/object:os.system x`: {ACTIVE}",
    ),
    ("names: [[a], [b]]\n", "1: data-yaml: `names` has `[` where `,` or its end is expected"),
    ("names: [a, b\n", "1: data-yaml: `names` has no end"),
    ("names: cat\n", "1: data-yaml: `names` is neither a list nor a mapping of numbers"),
    ("names:\n  cat: 0\n", "2: data-yaml: `names` holds `cat: 0`, which is neither `- name` nor `0: name`"),
    ("names: {0: a, 0: b}\n", "1: data-yaml: `names` gives a number twice"),
    ("names: {0: a, 2: b}\n", "1: names-count: `names` has 2 names, and no 1"),
    ("names: [a]\nnc: 2\n", "2: names-count: `nc` is 2, but there are 1 names"),
    ("nc: many\n", "1: classes-value: `nc` is not a whole number from 1 to 999999"),
    ("names: [a]\nnames: [b]\n", "2: data-duplicate-key: `names` is given twice"),
    ("train: a\n  b\n", "2: data-yaml: `train` goes on in another line, which is not read"),
    ("<html>\n", "1: data-yaml: `<html>` is not `key: value`"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_11_what_is_not_read_is_refused_at_its_line(tmp_path: Path, text: str, message: str) -> None:
    assert read(tmp_path, text)[2][0] == message


BOMB = "".join(f"a{at}: &a{at} [{', '.join([f'*a{at - 1}'] * 9)}]\n" for at in range(1, 30)) + "names: *a29\n"
HOSTILE = [BOMB, "names: " + "[" * 300_000, "names: [" + "a," * 150_000 + "]", "names: [" + "\n" * 300_000,
           "names:\n" + "  - a\n" * 50_000, "names: " + '"\\' * 150_000, "- " * 150_000]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_11_a_hostile_yaml_takes_no_time(tmp_path: Path, text: str) -> None:
    start = time.process_time()
    read(tmp_path, text)
    assert time.process_time() - start < 1.5


def test_11_a_yaml_of_megabytes_is_not_read(tmp_path: Path) -> None:
    assert read(tmp_path, "#" * (1 << 20) + "\n")[2] == [
        "0: too-large: has 1048577 bytes; at most 1048576 are read"
    ]
