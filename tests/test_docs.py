"""What the documentation tells people to type exists: verbs, options, targets, names, links."""

import ast
import importlib
import re
import shlex
from pathlib import Path

import pytest
import typer
import yaml

from synthmed.cli.main import app
from synthmed.synthesis.prompts import read_prompts
from synthmed.training.recipe import load_recipe

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
IDS = [str(page.relative_to(ROOT)) for page in PAGES]


def blocks(page: Path, language: str) -> list[str]:
    """The fenced code blocks of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


def problems(line: str) -> list[str]:
    """What a command line says that does not exist."""
    words = shlex.split(line, comments=True)
    if not words:
        return []
    if words[0] == "make":
        makefile = (ROOT / "Makefile").read_text()
        return [w for w in words[1:] if not re.search(rf"^{w}:", makefile, re.MULTILINE)]
    if words[0] != "synthmed":
        return []
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    if words[1] not in commands:
        return [words[1]]
    known = {option for p in commands[words[1]].params for option in (*p.opts, *p.secondary_opts)}
    return [w for w in words[2:] if w.startswith("--") and w.split("=")[0] not in known]


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_commands_exist(page: Path) -> None:
    lines = [line for block in blocks(page, "bash") for line in block.splitlines()]
    inline = re.findall(r"`((?:synthmed|make) [a-z][^`]*)`", page.read_text())
    wrong = [(line, found) for line in [*lines, *inline] if (found := problems(line))]
    assert not wrong


@pytest.mark.parametrize(
    "line", ["synthmed dream x", "synthmed generate m --no-such-option 1", "make coffee"]
)
def test_an_invented_command_is_found(line: str) -> None:
    assert problems(line)


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_python_examples_use_names_that_exist(page: Path) -> None:
    for block in blocks(page, "python"):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("synthmed"):
                module = importlib.import_module(str(node.module))
                assert all(hasattr(module, alias.name) for alias in node.names)
            elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "synthmed":
                assert hasattr(importlib.import_module("synthmed"), node.attr)


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_relative_links_and_pictures_are_there(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text())
    assert not [link for link in links if not (page.parent / link).exists()]


def test_the_example_recipe_and_prompts_can_be_read(tmp_path: Path) -> None:
    page = ROOT / "docs" / "getting-started.md"
    (recipe,), (table,) = blocks(page, "yaml"), blocks(page, "csv")
    (tmp_path / "recipe.yaml").write_text(recipe)
    (tmp_path / "prompts.csv").write_text(table)
    assert load_recipe(tmp_path / "recipe.yaml").name == yaml.safe_load(recipe)["name"]
    assert [prompt.count for prompt in read_prompts(tmp_path / "prompts.csv")] == [20, 20]
