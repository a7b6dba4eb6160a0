"""What `docs/models.md` says of the networks is so."""

import re
from pathlib import Path

import torch

from workbench.models import FusionModel, create_model, list_models, model_class
from workbench.models.blocks import count_parameters

PAGE = Path(__file__).parents[2] / "docs" / "models.md"
PATCHES, TILES = ({"hsi": 144, "aux": 1}, 15), ({"image": 13, "aux": 2}, 7)  # Houston 2013 and Hunan


def test_every_model_is_there_and_its_parameters_are_counted_right():
    page = PAGE.read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| (\w+) \| (?:patch|dense) \| ([\d,]+) \|", page, re.MULTILINE))
    networks = [name for name in list_models() if issubclass(model_class(name), FusionModel)]
    assert set(told) == set(networks)
    for name in networks:
        bands, classes = PATCHES if "hsi" in model_class(name).roles else TILES
        with torch.device("meta"):  # nothing is computed
            model = create_model(name, bands, classes)
        assert int(told[name].replace(",", "")) == count_parameters(model), name
    assert all(f"`{name}`" in page for name in list_models())
