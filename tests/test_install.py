"""The core installs and imports without torchvision, and the command line starts without torch."""

import ast
import itertools
import re
import subprocess
import sys
import textwrap
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
BLOCKER = """
import sys
from importlib.machinery import PathFinder

find = PathFinder.find_spec
PathFinder.find_spec = staticmethod(
    lambda name, *rest: None if name.split(".")[0] == "torchvision" else find(name, *rest)
)
sys.path.insert(0, {src!r})
"""

# Where the name of a distribution is not that of its module.
DISTRIBUTIONS = {"PIL": "pillow", "sklearn": "scikit-learn", "yaml": "pyyaml"}
# Needed, though src/ does not import them: diffusers loads weights through accelerate,
# torch.utils.tensorboard writes through tensorboard, pydicom decodes through the other three.
INDIRECT = {"accelerate", "tensorboard", "python-gdcm", "pylibjpeg", "pylibjpeg-openjpeg"}


def run_python(code: str) -> str:
    """Run code in a fresh interpreter in which torchvision cannot be imported."""
    program = BLOCKER.format(src=str(ROOT / "src")) + textwrap.dedent(code)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def pins() -> list[Requirement]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize(
    "arguments",
    [
        "--help",
        "import --help",
        "validate --help",
        "prompts --help",
        "train --help",
        "generate --help",
        "evaluate --help",
        "filter --help",
        "detect --help",
        "export --help",
        "card --help",
        "info --help",
        "demo --help",
        "info",
    ],
)
def test_the_command_line_starts_without_torch(arguments: str) -> None:
    output = run_python(
        f"""
        import runpy
        sys.argv = ["synthmed", *{arguments.split()!r}]
        try:
            runpy.run_module("synthmed", run_name="__main__")
        except SystemExit as end:
            assert not end.code, end.code
        heavy = {{"torch", "diffusers", "transformers", "torchvision", "pydicom", "pyarrow"}}
        heavy |= {{"sklearn", "matplotlib", "scipy"}}
        heavy &= set(sys.modules)
        print("LOADED", sorted(heavy))
        """
    )
    assert output.rstrip().endswith("LOADED []")
    assert len(output.splitlines()) > 1  # it did say something


def test_import_synthmed_is_light() -> None:
    output = run_python(
        """
        import synthmed
        print(synthmed.__version__, {"torch", "diffusers", "transformers"} & set(sys.modules))
        """
    )
    assert re.fullmatch(r"\d+\.\d+\.\d+\S* set\(\)", output.strip())


def test_every_module_imports_without_torchvision() -> None:
    output = run_python(
        """
        import importlib, pkgutil, synthmed
        names = [m.name for m in pkgutil.walk_packages(synthmed.__path__, "synthmed.")
                 if not m.name.endswith("__main__")]
        for name in names:
            importlib.import_module(name)
        for name in synthmed.__all__:
            getattr(synthmed, name)
        assert "torchvision" not in sys.modules
        print(len(names))
        """
    )
    assert int(output) > 10


def test_the_core_requires_no_torchvision() -> None:
    todo = [Requirement(line) for line in PROJECT["dependencies"]]
    seen: set[str] = set()
    while todo:
        requirement = todo.pop()
        name = canonicalize_name(requirement.name)
        if name in seen or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        seen.add(name)
        todo += [Requirement(line) for line in metadata.requires(name) or []]
    assert {"torch", "diffusers", "huggingface-hub"} <= seen
    assert not {"torchvision", "timm", "torch-fidelity"} & seen


def test_constraints_pin_one_version_of_everything_that_is_declared() -> None:
    pinned = {canonicalize_name(pin.name): pin for pin in pins()}
    assert pins()[0].name == "torch"
    assert "torchvision" not in pinned
    extras = PROJECT["optional-dependencies"]
    for line in itertools.chain(PROJECT["dependencies"], *extras.values()):
        requirement = Requirement(line)
        (version,) = pinned[canonicalize_name(requirement.name)].specifier
        assert version.operator == "=="
        assert requirement.specifier.contains(version.version), line


def test_what_is_imported_is_declared_and_nothing_else() -> None:
    nodes = [
        node
        for path in (ROOT / "src").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
    ]
    modules = {alias.name for n in nodes if isinstance(n, ast.Import) for alias in n.names}
    modules |= {str(n.module) for n in nodes if isinstance(n, ast.ImportFrom) and not n.level}
    roots = {name.split(".")[0] for name in modules} - set(sys.stdlib_module_names) - {"synthmed"}
    declared = {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]}
    extras = {
        canonicalize_name(Requirement(line).name)
        for extra, lines in PROJECT["optional-dependencies"].items()
        for line in lines
        if extra not in {"dev", "docs"}
    }
    imported = {canonicalize_name(DISTRIBUTIONS.get(root, root)) for root in roots}
    assert imported - extras | INDIRECT == declared
    optional = {"monai", "nanodrr"}  # used where they are there, with an error where not
    assert imported & extras <= optional
