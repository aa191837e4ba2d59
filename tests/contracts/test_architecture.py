"""What keeps the shape of the code: imports go down, files and functions stay readable."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "videogan"
FILES = sorted(PACKAGE.rglob("*.py"))

LAYERS = {
    0: ("errors", "config"),
    1: ("storage", "signals", "device"),
    2: ("models", "losses", "presets", "video"),
    3: ("data", "artifacts", "checkpoint", "runs"),
    4: ("generation",),
    5: ("metrics", "export"),
    6: ("training", "model", "inspection"),
    8: ("commands",),
    9: ("cli",),
}
SEPARATE = ("data", "models", "losses")
"""Parts of one layer that must not know each other: models see no data, losses see tensors only."""


def part(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def layer(name: str) -> int:
    return next(number for number, parts in LAYERS.items() if name in parts)


def imports(file: Path) -> list[str]:
    """Every module of the project that a file imports, also inside functions and for type checking."""
    found = []
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("videogan"):
            names = [f"videogan.{alias.name}" for alias in node.names] if node.module == "videogan" else [node.module]
            found += [name for name in names if name.split(".")[1] in {f.stem for f in PACKAGE.iterdir()}]
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(PACKAGE)))
def test_imports_go_down(file):
    if file.parent == PACKAGE and file.stem in ("__init__", "__main__"):
        return
    own = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
    for module in imports(file):
        other = part(module)
        assert layer(other) <= layer(own), f"{own} imports {module}, which lies above it"
        if own in SEPARATE and other in SEPARATE:
            assert own == other, f"{own} imports {module}, which lies beside it"


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(PACKAGE)))
def test_files_and_functions_are_readable(file):
    text = file.read_text()
    assert text.count("\n") <= 300
    tree = ast.parse(text)
    assert ast.get_docstring(tree) is not None
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno < 60, f"{node.name} does not fit a screen"


def test_every_module_belongs_to_a_layer():
    names = {file.relative_to(PACKAGE).parts[0].removesuffix(".py") for file in FILES} - {"__init__", "__main__"}
    assert names == {name for parts in LAYERS.values() for name in parts}


def test_the_command_line_answers_without_loading_torch():
    code = (
        "import sys; import videogan.cli; print([m for m in ('torch', 'av', 'numpy', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
