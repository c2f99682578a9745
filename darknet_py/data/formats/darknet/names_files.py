"""The file that names the classes of a folder of label files: a line each, or as tools describe data sets.

`classes.txt`, `names.txt`, `obj.names` or the only `*.names`; the names of `data.yaml`; Roboflow's
`_darknet.labels`; Label Studio's `notes.json`. labelImg puts `classes.txt` among the labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from darknet_py.data.findings import Findings
from darknet_py.data.formats.class_names import ClassNames, read_names
from darknet_py.data.formats.coco.json_tables import read_tables
from darknet_py.data.formats.darknet.data_yaml import DataYaml, read_data_yaml
from darknet_py.errors import DataError, quoted

TEXT_NAMES = ("classes.txt", "names.txt", "obj.names")
OTHER_NAMES = ("_darknet.labels", "predefined_classes.txt", "notes.json")
YAML_NAMES = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml")


def data_yaml_of(folder: Path) -> Path | None:
    """The description of a folder in YAML: of a known name, or the only one that names classes."""
    known = next((folder / name for name in YAML_NAMES if (folder / name).is_file()), None)
    if known:
        return known
    files = sorted((*folder.glob("*.yaml"), *folder.glob("*.yml")))
    fitting = [file for file in files[:20] if read_data_yaml(file, Findings()).names_classes]
    return fitting[0] if len(fitting) == 1 else None


def names_file(folder: Path, homes: Sequence[Path] = ()) -> Path:
    """Find the file of class names.

    Args:
        homes: folders of images, where and next to which label files are.

    Raises: DataError: when there is none, or several that could be it.
    """
    found = [folder / name for name in TEXT_NAMES if (folder / name).is_file()][:1]
    found = found or sorted(folder.glob("*.names"))
    yaml = data_yaml_of(folder)
    if not found and yaml and read_data_yaml(yaml, Findings()).names_classes:
        found = [yaml]
    if not found:
        inside = [folder, *(place for home in homes for place in _label_folders(home))]
        places = [home / name for home in inside for name in (*TEXT_NAMES, *OTHER_NAMES)]
        found = [place for place in dict.fromkeys(places) if place.is_file()]
        if len({place.read_bytes() for place in found}) == 1:  # each split has a copy
            return found[0]
    if len(found) == 1:
        return found[0]
    names = ", ".join(path.relative_to(folder).as_posix() for path in found) or "none"
    raise DataError(
        f"one file of class names was expected, found {quoted(names)}",
        where=folder,
        hint=f"a line for each class in {', '.join(TEXT_NAMES)} or *.names, or `names` in data.yaml",
    )


def _label_folders(images: Path) -> list[Path]:
    """Folders where the labels of a folder of images may be."""
    parts, home = images.parts, [images]
    for at in range(len(parts) - 1, max(len(parts) - 3, -1), -1):
        if parts[at] in ("images", "JPEGImages"):
            home.append(Path(*parts[:at], "labels", *parts[at + 1 :]))
            home.append(Path(*parts[:at], "labels"))
    return home


def read_class_names(file: Path, findings: Findings) -> list[str]:
    """Read class names from any of these files."""
    if file.suffix in (".yaml", ".yml"):
        return _yaml_names(read_data_yaml(file, findings), findings)
    return _json_names(file, findings) if file.suffix == ".json" else read_names(file, findings)


def _yaml_names(yaml: DataYaml, findings: Findings) -> list[str]:
    """The class names of a data.yaml, checked like those of other files."""
    names, compared = yaml.names(findings), ClassNames()
    for at, name in enumerate(names):
        problem = compared.problem(name, f"name {at}")
        if problem:
            code, message = problem
            findings.add(code, f"name {at} {message}", yaml.file, yaml.lines.get("names", 0))
    if not names:
        findings.add("no-classes", "names no class", yaml.file)
    return names


def _json_names(file: Path, findings: Findings) -> list[str]:
    """The names of Label Studio's `notes.json`, in the order of their ids."""
    tables = read_tables(file, ("categories",), findings)
    found: dict[int, str] = {}
    known: dict[int, int] = {}
    for at, row in tables.objects("categories") if tables else ():
        identity = tables.identity("categories", at, row, known) if tables else None
        name = tables.value("categories", at, row, "name", "text") if tables else None
        if identity is not None and name is not None:
            found[identity] = name
    missing = next((number for number in range(len(found)) if number not in found), None)
    if missing is not None:
        findings.add("names-count", f"has {len(found)} names, and no {missing}", file)
    if not found:
        findings.add("no-classes", "names no class", file)
    return [found[number] for number in sorted(found)]
