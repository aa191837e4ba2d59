"""What keeps the shape of the code: imports go strictly down one table, files and functions stay readable."""

import ast
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "videogan"
FILES = sorted(PACKAGE.rglob("*.py"))
DOOR = ("__init__", "__main__")
"""The door itself and the way to the command line through it stand outside of the rooms."""


def rows() -> dict[str, int]:
    """The row of each room, from the table in docs/design.md."""
    table = re.search(r"```\n(\d+ cli\n.*?)```", (ROOT / "docs" / "design.md").read_text(), re.S)
    assert table is not None, "docs/design.md shows no table of rooms"
    return {room: int(number) for number, *rooms in map(str.split, table[1].splitlines()) for room in rooms}


ROWS = rows()


def module_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(file): file for file in FILES}


def room_of(module: str) -> str:
    """The room that a module lies in; the package itself is the door."""
    return module.split(".")[1] if "." in module else "videogan"


def imports(file: Path, *, at_load: bool = False) -> set[str]:
    """Every module of the project that a file imports: in functions too, or only when it loads."""
    tree = ast.parse(file.read_text())
    nodes = tree.body if at_load else ast.walk(tree)
    modules = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names if alias.name.split(".")[0] == "videogan"}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "videogan":
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                modules.add(inner if inner in MODULES else str(node.module))
    return modules


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_go_strictly_down(file):
    if file.parent == PACKAGE and file.stem in DOOR:
        return
    own = room_of(module_of(file))
    for module in imports(file):
        other = room_of(module)
        assert other == own or ROWS[other] < ROWS[own], f"{own} (row {ROWS[own]}) imports {module} (row {ROWS[other]})"


def test_nothing_goes_in_a_circle():
    graph = {module: imports(file, at_load=True) for module, file in MODULES.items()}
    TopologicalSorter(graph).prepare()  # raises CycleError


def test_an_upward_import_of_any_form_is_seen(tmp_path):
    file = tmp_path / "x.py"
    file.write_text(
        "import videogan.cli\nfrom videogan import presets\ndef f():\n    from videogan.training.step import advance\n"
    )
    assert imports(file) == {"videogan.cli", "videogan.presets", "videogan.training.step"}
    assert imports(file, at_load=True) == {"videogan.cli", "videogan.presets"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_files_and_functions_are_readable(file):
    text = file.read_text()
    assert text.count("\n") <= 300
    tree = ast.parse(text)
    assert ast.get_docstring(tree) is not None
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno < 60, f"{node.name} does not fit a screen"


def test_every_module_belongs_to_a_row_and_few_lie_loose():
    names = {file.relative_to(PACKAGE).parts[0].removesuffix(".py") for file in FILES} - set(DOOR)
    assert names == set(ROWS) - {"videogan"}
    assert len({file.stem for file in PACKAGE.glob("*.py")} - set(DOOR)) <= 9


def test_the_command_line_answers_without_loading_torch():
    code = (
        "import sys; import videogan.cli; print([m for m in ('torch', 'av', 'numpy', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
