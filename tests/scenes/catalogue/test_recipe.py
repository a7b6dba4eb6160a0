"""What must hold of every single scene's facts and recipes."""

import subprocess
import sys
from pathlib import Path

import pytest

from workbench.scenes.catalogue import CATALOGUE
from workbench.scenes.catalogue.recipe import SceneEntry

ENTRIES = [entry for entry in CATALOGUE.values() if isinstance(entry, SceneEntry)]
DOCS = Path(__file__).parents[3] / "docs" / "datasets.md"


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_facts_and_recipes_are_whole(entry):
    facts = entry.facts
    counts = [counts for counts in (facts.train, facts.test, facts.total) if counts is not None]
    assert facts.labelled is not None
    assert {len(counted) for counted in counts} == {len(facts.classes)}
    assert len({recipe.name for recipe in entry.recipes}) == len(entry.recipes)
    assert entry.licence
    assert entry.citation
    assert "workbench import" in entry.how_to_get
    for recipe in entry.recipes:
        if recipe.refusal:
            assert recipe.files
            assert "Get " in recipe.refusal  # what to get instead
            continue
        assert set(recipe.parts) <= set(facts.sensors)
        assert "hsi" in recipe.parts
        truth = recipe.truth
        assert bool(truth.train) == bool(truth.test)
        assert bool(truth.train_index) == bool(truth.test_index)
        assert truth.train or truth.labels
        assert all(recipe.packaging.files)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_every_packaging_has_its_row_in_the_docs(entry):
    table = DOCS.read_text().split(f"| {entry.name} |", 1)[1]
    rows = [table.splitlines()[0]]
    for line in table.splitlines()[1:]:
        if not line.startswith("| |"):
            break
        rows.append(line)
    told = "\n".join(rows)
    usable = [recipe for recipe in entry.recipes if not recipe.refusal]
    assert len(rows) == len(usable) + ("refused" in told)
    assert ("refused" in told) == any(recipe.refusal for recipe in entry.recipes)


def test_the_catalogue_is_light():
    code = (
        "import sys, workbench.scenes.catalogue; "
        "print([name for name in ('rasterio', 'scipy', 'h5py', 'zarr', 'xarray', 'pandas') if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert told.strip() == "[]"
