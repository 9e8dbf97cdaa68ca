"""docs/overview.md is true: every module stands in its table, in a row of its own package, and what it names exists."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "repose"
ROWS = [
    line.strip("|").split("|", 1)
    for line in (ROOT / "docs" / "overview.md").read_text().splitlines()
    if line.startswith("| `")
]
UNNAMED = {"__init__.py", "__main__.py"}
OF_PAPERS = {"network.py", "objective.py", "recipe.py", "convert.py", "inspect.py"}
"""Files that each folder of a paper has; the row of models/ names them once."""


def entries() -> dict[str, str]:
    """Module or package ("scene/", "person.py") -> its row."""
    return {name: where + what for where, what in ROWS for name in re.findall(r"`([\w/.]+)`", where)}


def test_every_module_stands_in_its_row() -> None:
    rows = entries()
    missing = []
    for path in sorted(SOURCE.iterdir()):
        name = f"{path.name}/" if path.is_dir() else path.name
        if name in UNNAMED or name.startswith(("__", ".")) or (path.is_file() and path.suffix != ".py"):
            continue
        if name not in rows:
            missing.append(name)
            continue
        for inner in sorted(path.iterdir()) if path.is_dir() else ():
            shown = f"{inner.name}/" if inner.is_dir() else inner.name
            if inner.name.startswith("__") or not (inner.is_dir() or inner.suffix == ".py"):
                continue
            if name == "models/" and inner.is_dir() and shown != "carry/":
                continue  # a folder for each paper
            if name == "render/" and shown == "spare/":
                continue  # pictures
            if f"`{shown}`" not in rows[name]:
                missing.append(f"{name}{shown}")
    assert not missing, f"docs/overview.md does not name {', '.join(missing)}"


def test_what_the_table_names_exists() -> None:
    for name, row in entries().items():
        place = SOURCE / name
        assert place.exists(), name
        for inner in re.findall(r"`([\w/]+\.py|\w+/)`", row.replace(f"`{name}`", "")):
            there = [place / inner, SOURCE / inner, *(SOURCE / "models").glob(f"*/{inner}")]
            assert any(one.exists() for one in there), f"the row of {name} names {inner}"


def test_the_rows_are_in_the_order_of_the_layers() -> None:
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]
    # a name in parentheses may be absent
    layer = {name.strip(" ()"): k for k, names in enumerate(contract["layers"]) for name in re.split(r"[|:]", names)}
    order = [layer[name.rstrip("/").removesuffix(".py")] for name in entries()]
    assert order == sorted(order)
    optional = set(re.findall(r"\((\w+)\)", " ".join(contract["layers"]))) - {path.stem for path in SOURCE.iterdir()}
    assert set(layer) - {"__main__"} - optional == {name.rstrip("/").removesuffix(".py") for name in entries()}
