"""A style in a GeoPackage by which QGIS lets an interpreter choose an answer from the class names."""

from typing import TYPE_CHECKING
from xml.etree import ElementTree

from workbench.scenes import ClassTable

if TYPE_CHECKING:
    import pandas as pd


def form_style(layer: str, column: str, classes: ClassTable) -> "pd.DataFrame":
    """The table `layer_styles`, as QGIS writes it to a GeoPackage, with one default style for a layer.

    Args:
        layer: The layer whose form it is.
        column: Its column of answers, text: the class value of the chosen name is put there.
        classes: What may be chosen.
    """
    import pandas as pd

    root = ElementTree.Element("qgis", {"version": "3.28", "styleCategories": "Fields|Forms"})
    field = ElementTree.SubElement(ElementTree.SubElement(root, "fieldConfiguration"), "field", {"name": column})
    config = ElementTree.SubElement(ElementTree.SubElement(field, "editWidget", {"type": "ValueMap"}), "config")
    options = ElementTree.SubElement(config, "Option", {"type": "Map"})
    choices = ElementTree.SubElement(options, "Option", {"name": "map", "type": "List"})
    for entry in classes:
        choice = ElementTree.SubElement(choices, "Option", {"type": "Map"})
        words = {"name": f"{entry.value} {entry.name}", "value": str(entry.value), "type": "QString"}
        ElementTree.SubElement(choice, "Option", words)
    return pd.DataFrame(
        {
            "f_table_catalog": [""],
            "f_table_schema": [""],
            "f_table_name": [layer],
            "f_geometry_column": ["geom"],
            "styleName": [layer],
            "styleQML": [ElementTree.tostring(root, encoding="unicode")],
            "styleSLD": [""],
            "useAsDefault": [True],
            "description": ["Answers are chosen from the class names"],
            "owner": [""],
            "ui": [""],
            "update_time": pd.to_datetime(["2000-01-01T00:00:00Z"]),  # of no interest, but QGIS expects the column
        }
    )
