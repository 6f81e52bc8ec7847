"""Imports go downwards only, and nothing uses torchvision. Every import counts, lazy ones too."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "synthmed"
# From the top to the bottom; floors on one line do not know each other.
FLOORS = (
    ("synthmed",),  # __init__ and __main__: the front door
    ("cli",),
    ("studio", "study"),
    ("pretraining",),
    ("evaluation",),
    ("synthesis",),
    ("training",),
    ("models",),
    ("xray",),
    ("datasets",),
    ("imaging",),
    ("measures",),
    ("transport",),
    ("errors",),
)
LEVEL = {name: len(FLOORS) - level for level, names in enumerate(FLOORS) for name in names}


def module_name(path: Path) -> str:
    """Dotted name of a file under src/, with `__init__` kept as a part."""
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)


def imported(source: str, module: str) -> list[str]:
    """Every dotted name that a module's source imports, in whatever way and wherever."""
    names = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names if alias.name != "synthmed"]
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "synthmed":
            names.append(f"synthmed.{node.attr}")  # what a plain `import synthmed` is used for
        elif isinstance(node, ast.ImportFrom):
            parent = module.split(".")[: -node.level] if node.level else []
            base = ".".join([*parent, *([node.module] if node.module else [])])
            names += [f"{base}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Call) and node.args:
            function = ast.unparse(node.func)
            argument = node.args[0]
            if function.endswith(("import_module", "__import__")) and isinstance(
                argument, ast.Constant
            ):
                names.append(str(argument.value))
    return names


def floor(name: str) -> str:
    """The floor of a dotted name within synthmed; "synthmed" for the names of the front door."""
    parts = name.split(".")
    known = len(parts) > 1 and ((PACKAGE / parts[1]).exists() or parts[1] in LEVEL)
    is_front_door = not known and not (PACKAGE / f"{parts[-1]}.py").exists()
    return "synthmed" if is_front_door or parts[1].startswith("__") else parts[1]


def upward(source: str, module: str) -> list[str]:
    """The imports of a module that do not go downwards."""
    here = floor(module)
    wrong = []
    for name in imported(source, module):
        root, *rest = name.split(".")
        if root != "synthmed" or rest[0].startswith("__"):  # such as synthmed.__version__
            continue
        there = floor(name)
        if there != here and LEVEL[there] >= LEVEL[here]:
            wrong.append(f"{module} ({here}) imports {name} ({there})")
    return wrong


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def test_every_module_stands_on_a_known_floor() -> None:
    assert len(modules()) > 10
    unknown = {floor(module_name(path)) for path in modules()} - LEVEL.keys()
    assert not unknown, f"add {unknown} to FLOORS, at the right height"


def test_imports_go_downwards() -> None:
    wrong = [line for path in modules() for line in upward(path.read_text(), module_name(path))]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("synthmed.transport.paths", "from synthmed.models import codec"),
        ("synthmed.transport.paths", "import synthmed.models.codec as codec"),
        ("synthmed.transport.paths", "def f():\n    from synthmed.imaging.frame import Frame"),
        ("synthmed.transport.paths", "from ..datasets import rows"),
        ("synthmed.transport.__init__", "from ..datasets import rows"),
        ("synthmed.transport.paths", "from synthmed import measures"),
        ("synthmed.transport.paths", "import importlib\nimportlib.import_module('synthmed.cli')"),
        ("synthmed.training.run", "from synthmed import Generator"),
        ("synthmed.training.run", "import synthmed\nsynthmed.Generator"),
        ("synthmed.study.pages", "from synthmed.studio import app"),
        ("synthmed.errors", "import synthmed.transport"),
    ],
)
def test_an_upward_import_is_found(module: str, source: str) -> None:
    assert upward(source, module)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("synthmed.training.run", "from synthmed.models.codec import Codec"),
        ("synthmed.training.run", "from synthmed.training import loop"),
        ("synthmed.training.run", "from . import loop"),
        ("synthmed.cli.main", "from synthmed import errors, transport"),
        ("synthmed.synthesis.marks", "from synthmed import __version__"),
        ("synthmed.synthesis.marks", "import synthmed\nprint(synthmed.__version__)"),
        ("synthmed.__init__", "from synthmed.cli import main"),
        ("synthmed.measures.fidelity", "import numpy, scipy.linalg"),
    ],
)
def test_a_downward_import_is_allowed(module: str, source: str) -> None:
    assert not upward(source, module)


def test_transport_needs_nothing_but_torch() -> None:
    roots = {
        name.split(".")[0]
        for path in (PACKAGE / "transport").rglob("*.py")
        for name in imported(path.read_text(), module_name(path))
    }
    assert roots - set(sys.stdlib_module_names) <= {"torch", "synthmed"}


def test_nothing_imports_torchvision() -> None:
    folders = [ROOT / name for name in ("src", "tests", "benchmarks", "scripts", "recipes")]
    files = [path for folder in folders for path in folder.rglob("*.py")]
    guilty = [
        str(path.relative_to(ROOT))
        for path in files
        if any(name.split(".")[0] == "torchvision" for name in imported(path.read_text(), "x"))
    ]
    assert PACKAGE / "errors.py" in files
    assert not guilty
    assert imported("def f():\n    import torchvision.ops", "x") == ["torchvision.ops"]
