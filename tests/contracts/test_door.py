"""The door: what `videogan` offers, and that commands know nothing else."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import videogan

ROOT = Path(__file__).parents[2]
COMMANDS = sorted((ROOT / "videogan" / "commands").glob("*.py"))
SHARED = ("__init__", "options", "console", "folders", "progress")
"""What commands share; it may look below the door, so that mistakes are told before a model is loaded."""

ALLOWED = {"videogan", "videogan.errors", "videogan.commands", *(f"videogan.commands.{name}" for name in SHARED)}


def imported(file: Path) -> set[str]:
    """Every module of the project that a file imports, also inside functions."""
    modules = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names if alias.name.split(".")[0] == "videogan"}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "videogan":
            modules.add(str(node.module))
    return modules


@pytest.mark.parametrize("file", COMMANDS, ids=lambda file: file.stem)
def test_a_command_knows_the_door_only(file):
    if file.stem in SHARED:
        return
    assert imported(file) <= ALLOWED


def test_every_name_of_the_door_can_be_imported():
    for name in videogan.__all__:
        assert getattr(videogan, name) is not None
    assert videogan.__all__ == sorted(videogan.__all__)


def test_everything_that_can_be_imported_is_in_all():
    modules = {path.stem for path in (ROOT / "videogan").iterdir()}
    code = "import videogan; print(*(name for name in vars(videogan) if not name.startswith('_')))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    helpers = {"TYPE_CHECKING", "Any", "import_module"}
    assert set(done.stdout.split()) - modules - helpers <= set(videogan.__all__)


def test_every_function_of_the_door_is_typed():
    for name in videogan.__all__:
        export = getattr(videogan, name)
        own = [export] if inspect.isfunction(export) else []
        if inspect.isclass(export):
            own = [member for key, member in vars(export).items() if inspect.isfunction(member) and key[0] != "_"]
        for function in own:
            signature = inspect.signature(function)
            assert signature.return_annotation is not inspect.Signature.empty, f"{name}: {function}"
            for parameter in signature.parameters.values():
                assert parameter.name == "self" or parameter.annotation is not inspect.Parameter.empty, function


def test_python_m_videogan_is_the_command_line():
    done = subprocess.run([sys.executable, "-m", "videogan", "--version"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, videogan.__version__)
