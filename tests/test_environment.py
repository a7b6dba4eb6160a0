"""pyproject.toml, constraints.txt, environment.yml and what is installed say the same."""

import ast
import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
RUNTIME = [Requirement(text) for text in PROJECT["dependencies"]]
EXTRAS = [Requirement(text) for texts in PROJECT["optional-dependencies"].values() for text in texts]
CONSTRAINTS = [
    Requirement(line)
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]
ENVIRONMENT = YAML(typ="safe").load((ROOT / "environment.yml").read_text(encoding="utf-8"))

# Where conda-forge's name is another; dashes and underscores are told apart there.
CONDA_NAMES = {
    "jupyter-bokeh": "jupyter_bokeh",
    "jupyter-client": "jupyter_client",
    "pyviz-comms": "pyviz_comms",
    "torch": "pytorch",
    "xxhash": "python-xxhash",
}
# Come with another build of PyTorch or another operating system than the one that constraints.txt was made on.
ELSEWHERE = re.compile(r"nvidia-|cuda-|triton$|appnope$|pywin|colorama$|exceptiongroup$")


def name_of(requirement: Requirement) -> str:
    return str(canonicalize_name(requirement.name))


PINNED = {name_of(pin): next(iter(pin.specifier)).version for pin in CONSTRAINTS}


def test_constraints_are_exact_and_unique() -> None:
    for pin in CONSTRAINTS:
        (specifier,) = pin.specifier
        assert specifier.operator == "==", f"{pin} is no exact version"
        assert "+" not in specifier.version, f"{pin} has a local tag, which registries lack"
        assert "*" not in specifier.version, f"{pin} is no exact version"
    assert len(PINNED) == len(CONSTRAINTS)
    assert [pin.name.lower() for pin in CONSTRAINTS] == sorted(pin.name.lower() for pin in CONSTRAINTS)


@pytest.mark.parametrize("wanted", RUNTIME + EXTRAS, ids=str)
def test_dependency_is_pinned_within_its_range(wanted: Requirement) -> None:
    assert name_of(wanted) in PINNED, f"{wanted.name} is missing in constraints.txt"
    assert wanted.specifier.contains(PINNED[name_of(wanted)], prereleases=False)
    assert wanted.specifier, f"{wanted.name} needs a lower bound in pyproject.toml"


def test_a_dependency_is_declared_once() -> None:
    names = [name_of(wanted) for wanted in RUNTIME + EXTRAS]
    assert sorted(set(names)) == sorted(names)


def test_whatever_the_project_brings_is_pinned() -> None:
    brought: set[str] = set()
    waiting = [*RUNTIME, *EXTRAS]
    while waiting:
        wanted = waiting.pop()
        extras = wanted.extras or {""}
        if wanted.marker and not any(wanted.marker.evaluate({"extra": extra}) for extra in extras):
            continue
        if name_of(wanted) in brought and extras == {""}:
            continue
        brought.add(name_of(wanted))
        for text in metadata.distribution(wanted.name).requires or []:
            inner = Requirement(text)
            if inner.marker is None or any(inner.marker.evaluate({"extra": extra}) for extra in extras | {""}):
                inner.marker = None
                waiting.append(inner)
    assert len(brought) > len(RUNTIME) + len(EXTRAS)
    missing = {name for name in brought - set(PINNED) if not ELSEWHERE.match(name)}
    assert not missing, "renew constraints.txt as its second line says"
    assert not set(PINNED) - brought, "constraints.txt pins what nothing needs any more"


def test_installed_versions_are_the_pinned_ones() -> None:
    installed = {
        name: metadata.version(name).partition("+")[0]
        for name in PINNED
        if any(True for _ in metadata.distributions(name=name))
    }
    assert len(installed) > len(RUNTIME)
    assert installed == {name: PINNED[name] for name in installed}


def test_conda_environment_has_the_same_ranges() -> None:
    lines = [line for line in ENVIRONMENT["dependencies"] if isinstance(line, str)]
    (pip_lines,) = [line["pip"] for line in ENVIRONMENT["dependencies"] if isinstance(line, dict)]
    there = {Requirement(line).name: Requirement(line).specifier for line in lines}
    expected = {CONDA_NAMES.get(wanted.name, wanted.name): wanted.specifier for wanted in RUNTIME}
    expected |= {"python": SpecifierSet(PROJECT["requires-python"]), "pip": SpecifierSet()}
    assert there == expected
    assert pip_lines == ["-e ."]
    assert ENVIRONMENT["name"] == "workbench"
    assert ENVIRONMENT["channels"] == ["conda-forge"]


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt", "environment.yml"])
def test_no_addresses(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.findall(r"\w+://\S+|--\S*(?:index|links)\S*| @ ", text)


@pytest.mark.parametrize(("folder", "allowed"), [("workbench", RUNTIME), ("tests", RUNTIME + EXTRAS)])
def test_imports_are_declared(folder: str, allowed: list[Requirement]) -> None:
    """What is imported is a dependency of its own, not one that another package happens to bring."""
    providers = metadata.packages_distributions()
    declared = {name_of(wanted) for wanted in allowed}
    undeclared = set()
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                modules = [node.module or ""]
            else:
                continue
            for top in {module.partition(".")[0] for module in modules} - {
                "workbench",
                "tests",
                "__future__",
                "conftest",
            }:
                names = {str(canonicalize_name(name)) for name in providers.get(top, [top])}
                if top not in sys.stdlib_module_names and not names & declared:
                    undeclared.add(f"{path.relative_to(ROOT)} imports {top} ({', '.join(sorted(names))})")
    assert not undeclared
