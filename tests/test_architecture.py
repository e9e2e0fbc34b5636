"""The laws of the source tree, checked on its syntax trees: who imports whom, and what kernels must not do."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "rnnforecast"
SOURCES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}

LAYERS = ("kernels", "network", "training", "interchange", "estimators")  # each knows itself and those before it
LEAVES = ("series", "scaling", "seasonality", "transforms", "metrics", "datasets")  # know no layer
TOP_LEVEL = {"rnnforecast", "tests", "datasets", "examples", "pyproject.toml", "README.md", "LICENSE"}

HOMES = {
    "numba": {"kernels"},
    "llvmlite": {"kernels"},
    "sklearn": {"estimators", "model_selection", "plotting", "adapters"},
    "pandas": {"series", "datasets", "estimators", "metrics", "model_selection", "plotting", "commands", "adapters"},
    "onnx": {"interchange"},
    "sktime": {"adapters"},
}

ALLOCATORS = {
    *(
        "empty",
        "zeros",
        "ones",
        "full",
        "empty_like",
        "zeros_like",
        "ones_like",
        "full_like",
        "eye",
        "arange",
        "linspace",
    ),
    *("array", "asarray", "ascontiguousarray", "copy", "astype", "flatten", "repeat", "tile"),
    *("concatenate", "stack", "vstack", "hstack", "dot", "matmul", "outer", "where", "nonzero", "sort"),
}


def unit(path: Path) -> str:
    """Return the top-level module or subpackage of the package a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def place(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"


def imports(path: Path, tree: ast.AST) -> Iterator[tuple[ast.stmt, str]]:
    """Yield every import statement with the full name of a module it names, relative ones resolved."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) + "." if node.level else ""
            for alias in node.names:
                yield node, f"{base}{node.module or ''}.{alias.name}".replace("..", ".")


def own_imports(path: Path, tree: ast.AST) -> Iterator[tuple[ast.stmt, str]]:
    """Yield imports of the package's own parts with the part's name."""
    for node, name in imports(path, tree):
        parts = name.split(".")
        if parts[0] == "rnnforecast" and len(parts) > 1:
            yield node, parts[1]


def decorator_name(decorator: ast.expr) -> str:
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    return target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")


def compiled_functions() -> Iterator[tuple[Path, ast.FunctionDef]]:
    """Yield the functions that Numba compiles as they stand: those under ``@kernel`` and ``@pointwise``."""
    for path, tree in SOURCES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and {"kernel", "pointwise"} & set(
                map(decorator_name, node.decorator_list)
            ):
                yield path, node


def test_layers_import_only_what_lies_below():
    wrong = [
        f"{place(path, node)} imports {target}"
        for path, tree in SOURCES.items()
        for node, target in own_imports(path, tree)
        if unit(path) in LAYERS and target in LAYERS and LAYERS.index(target) > LAYERS.index(unit(path))
    ]
    assert wrong == []


def test_the_layers_below_know_no_data_and_no_estimators():
    below = set(LAYERS) - {"estimators"}
    wrong = [
        f"{place(path, node)} imports {target}"
        for path, tree in SOURCES.items()
        for node, target in own_imports(path, tree)
        if unit(path) in below and target not in below
    ]
    assert wrong == []


def test_detection_imports_no_layer_but_kernels():
    wrong = [
        f"{place(path, node)} imports {target}"
        for path, tree in SOURCES.items()
        for node, target in own_imports(path, tree)
        if unit(path) == "detection" and target in LAYERS and target != "kernels"
    ]
    assert wrong == []


def test_leaf_modules_import_no_layer():
    wrong = [
        f"{place(path, node)} imports {target}"
        for path, tree in SOURCES.items()
        for node, target in own_imports(path, tree)
        if unit(path) in LEAVES and target in LAYERS
    ]
    assert wrong == []


@pytest.mark.parametrize("library", HOMES)
def test_a_library_is_imported_only_at_home(library):
    wrong = [
        place(path, node)
        for path, tree in SOURCES.items()
        for node, name in imports(path, tree)
        if name.split(".")[0] == library and unit(path) not in HOMES[library]
    ]
    assert wrong == []


@pytest.mark.parametrize("extra", ["matplotlib", "onnx"])
def test_what_is_not_always_installed_is_imported_inside_functions(extra):
    wrong = []
    for path, tree in SOURCES.items():
        inside = {
            id(inner)
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef)
            or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test))
            for inner in ast.walk(node)
        }
        wrong += [
            place(path, node)
            for node, name in imports(path, tree)
            if name.split(".")[0] == extra and id(node) not in inside
        ]
    assert wrong == []


def test_importing_the_package_loads_none_of_the_heavy_libraries():
    heavy = ("numba", "llvmlite", "sklearn", "pandas", "scipy", "matplotlib", "onnx")
    code = f"import rnnforecast, sys; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_every_public_name_can_be_loaded():
    code = "import rnnforecast; [getattr(rnnforecast, name) for name in rnnforecast.__all__]"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, cwd=ROOT)


def test_kernels_do_not_raise():
    wrong = [
        place(path, node)
        for path, function in compiled_functions()
        for node in ast.walk(function)
        if isinstance(node, (ast.Raise, ast.Assert, ast.Try))
    ]
    assert wrong == []


def test_kernels_do_not_allocate():
    wrong = []
    for path, function in compiled_functions():
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ALLOCATORS:
                wrong.append(f"{place(path, node)} {ast.unparse(node.func)}")
            elif isinstance(node, (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)):
                wrong.append(f"{place(path, node)} {ast.unparse(node)}")
    assert wrong == []


def test_there_are_kernels_to_check():
    assert len(list(compiled_functions())) >= 4  # gather, sgd, rmsprop, adam


def test_a_kernels_docstring_names_every_argument():
    wrong = []
    for path, function in compiled_functions():
        if "kernel" not in map(decorator_name, function.decorator_list):
            continue  # pointwise functions of one or two numbers need no table
        text = ast.get_docstring(function) or ""
        missing = [argument.arg for argument in function.args.args if argument.arg not in text]
        wrong += [f"{place(path, function)} {function.name}: {missing}"] * bool(missing)
    assert wrong == []


def test_nothing_is_compiled_in_parallel_or_with_all_of_fastmath():
    # The workqueue layer aborts when two threads enter; fastmath=True deletes checks for NaN.
    wrong = []
    for path, tree in SOURCES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and node.arg in {"parallel", "fastmath"}:
                if isinstance(node.value, ast.Constant) and node.value.value is True:
                    wrong.append(f"{place(path, node.value)} {node.arg}=True")
            elif (isinstance(node, ast.Name) and node.id == "prange") or (
                isinstance(node, ast.Attribute) and node.attr == "prange"
            ):
                wrong.append(f"{place(path, node)} prange")
    assert wrong == []


def public_definitions(body: list[ast.stmt]) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public_definitions(node.body)


def test_public_modules_classes_and_functions_have_docstrings():
    wrong = []
    for path, tree in SOURCES.items():
        wrong += [place(path, tree)] * (ast.get_docstring(tree) is None)
        wrong += [
            f"{place(path, node)} {node.name}" for node in public_definitions(tree.body) if not ast.get_docstring(node)
        ]
    assert wrong == []


def test_modules_have_one_subject():
    # A module past 400 lines has two: split it.
    lengths = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert {name: length for name, length in lengths.items() if length > 400} == {}
    assert not any(path.stem in {"utils", "helpers", "common", "misc"} for path in SOURCES)


def test_the_repository_holds_what_the_layout_names():
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("needs git and a checkout, to tell the project's files from build products")
    # Files git would take: what is ignored (environments, pictures, builds) may lie around.
    command = [git, "-c", f"safe.directory={ROOT}", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout.splitlines()
    names = {name.split("/")[0] for name in listed if (ROOT / name).exists()}
    assert {name for name in names if not name.startswith(".")} == TOP_LEVEL
