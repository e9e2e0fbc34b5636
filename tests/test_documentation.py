"""Whoever asks a public name for help is told parameters, results and errors, and sees an example that runs."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import rnnforecast

ROOT = Path(__file__).resolve().parent.parent


def public() -> Iterator[tuple[str, Any]]:
    """Yield the classes and functions that the package and its public modules name; exceptions and warnings are not
    made by those who use them.
    """
    for module in (rnnforecast, *(importlib.import_module(f"rnnforecast.{name}") for name in rnnforecast._MODULES)):
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isfunction(value) or (inspect.isclass(value) and not issubclass(value, BaseException)):
                yield f"{module.__name__}.{name}", value


def methods(owner: type) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield the public methods of a class that this package wrote, inherited ones included."""
    for name in dir(owner):
        value = inspect.getattr_static(owner, name)
        value = getattr(value, "__func__", value)
        if not name.startswith("_") and inspect.isfunction(value) and value.__module__.startswith("rnnforecast"):
            yield name, value


PUBLIC = dict(public())
CALLABLES = {name: value for name, value in PUBLIC.items() if inspect.isfunction(value)} | {
    f"{name}.{method}": value
    for name, owner in PUBLIC.items()
    if inspect.isclass(owner)
    for method, value in methods(owner)
}


def sections(value: Any) -> set[str]:
    """Return the underlined headings of a docstring."""
    return set(re.findall(r"^(\w+(?: \w+)?)\n-{3,}$", inspect.getdoc(value) or "", re.MULTILINE))


def arguments(value: Any) -> list[str]:
    return [name for name in inspect.signature(value).parameters if name not in {"self", "cls"}]


def unnamed(value: Any) -> list[str]:
    """Return the arguments that a docstring does not speak of."""
    text = inspect.getdoc(value) or ""
    return [name for name in arguments(value) if not re.search(rf"\b{name}\b", text)]


def raises(function: Callable[..., Any]) -> bool:
    """Whether a function itself raises: what is refused further down is told by those who know of it."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    return any(isinstance(node, ast.Raise) and node.exc is not None for node in ast.walk(tree))


def returns(function: Callable[..., Any]) -> bool:
    return inspect.signature(function).return_annotation not in {None, "None"}


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_has_an_example(name):
    assert "Examples" in sections(PUBLIC[name])
    assert ">>> " in inspect.getdoc(PUBLIC[name])


@pytest.mark.parametrize("name", PUBLIC)
def test_every_parameter_of_a_public_name_is_documented(name):
    value = PUBLIC[name]
    told = sections(value) & {"Parameters", "Attributes"}  # a record's attributes are its parameters
    assert unnamed(value) == []
    assert told or not arguments(value)


def test_every_argument_of_a_public_method_is_documented():
    wrong = {name: unnamed(value) for name, value in CALLABLES.items() if unnamed(value)}
    wrong |= {name: [] for name, value in CALLABLES.items() if arguments(value) and "Parameters" not in sections(value)}
    assert wrong == {}


def test_what_takes_arguments_says_what_it_returns():
    wrong = [
        name
        for name, value in CALLABLES.items()
        if arguments(value) and returns(value) and not sections(value) & {"Returns", "Yields"}
    ]
    assert wrong == []


def test_what_raises_says_so():
    assert [name for name, value in CALLABLES.items() if raises(value) and "Raises" not in sections(value)] == []


def test_the_guide_lists_every_page_and_every_page_says_what_it_is_about():
    pages = sorted((ROOT / "examples").glob("*.py"))
    listed = (ROOT / "examples" / "README.md").read_text("utf-8")
    assert [page.name for page in pages if page.name not in listed] == []
    assert [page.name for page in pages if not ast.get_docstring(ast.parse(page.read_text("utf-8")))] == []


@pytest.mark.parametrize("page", ["README.md", "examples/README.md", "datasets/README.md"])
def test_links_lead_somewhere(page):
    text = (ROOT / page).read_text("utf-8")
    targets = [target for target in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in target]
    headings = {
        re.sub(r"[^\w -]", "", line).strip().lower().replace(" ", "-")
        for line in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    }
    assert [target for target in targets if target.startswith("#") and target[1:] not in headings] == []
    assert [
        target for target in targets if not target.startswith("#") and not ((ROOT / page).parent / target).exists()
    ] == []
