"""What the documents say of the code, and what the house rules ask of it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture import diagram

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "eventflow").rglob("*.py"))
LONGEST_FILE = 400
LONGEST_FUNCTION = 60


def test_the_state_diagram_is_the_one_of_the_table() -> None:
    assert diagram.draw() in (ROOT / "eventflow" / "ARCHITECTURE.md").read_text()


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= LONGEST_FILE, "a file this long holds two nouns"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= LONGEST_FUNCTION, f"{node.name} has {length} lines"


def test_packages_hold_a_docstring_and_no_more() -> None:
    for path in SOURCES:
        if path.name == "__init__.py":
            body = ast.parse(path.read_text()).body
            assert len(body) == 1, f"{path} re-exports"
            assert isinstance(body[0], ast.Expr), path


@pytest.mark.slow
def test_each_module_can_be_imported_alone() -> None:
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in SOURCES]
    program = """
import importlib, os, sys
for name in sys.argv[1:]:
    child = os.fork()
    if not child:
        try:
            importlib.import_module(name)
        except BaseException as error:
            print(name, repr(error), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        sys.exit(f"{name} cannot be imported alone")
"""
    modules = [name for name in names if not name.endswith("__main__")]
    command = [sys.executable, "-c", program, *modules]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr


def test_help_comes_within_its_budget_of_imports() -> None:
    heavy = ("aiohttp", "pydantic", "celpy", "rich")
    program = f"import sys, eventflow.cli.main; print([each for each in {heavy} if each in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]", "what the command line imports at start makes --help slow"
