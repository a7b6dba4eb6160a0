"""The class table: which label value means what, and in which colour it is drawn."""

import colorsys
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from workbench.base.errors import WorkbenchError

HIGHEST = 65535
"""The highest label value: labels are stored in at most 16 bits."""

# Paul Tol's schemes in the order muted, light, bright, vibrant, dark: the first nine are told apart by readers with
# colour-vision deficiency; beyond them colours alone never suffice, and faces add names or hatches.
# fmt: off
PALETTE = (
    "#cc6677", "#332288", "#ddcc77", "#117733", "#88ccee", "#882255", "#44aa99", "#999933", "#aa4499",
    "#77aadd", "#ee8866", "#eedd88", "#ffaabb", "#99ddff", "#44bb99", "#bbcc33", "#aaaa00", "#4477aa",
    "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#ee7733", "#0077bb", "#33bbee", "#ee3377",
    "#cc3311", "#009988", "#222255", "#225555", "#225522", "#666633", "#663333",
)
# fmt: on


@dataclass(frozen=True)
class ClassEntry:
    """One class.

    Args:
        value: Label value, 1 to 65535; 0 means unlabelled and is no class.
        name: What people call it.
        color: ``"#rrggbb"``.
    """

    value: int
    name: str
    color: str

    def __post_init__(self) -> None:
        if isinstance(self.value, bool) or not isinstance(self.value, int) or not 1 <= self.value <= HIGHEST:
            raise WorkbenchError(
                f"Class {self.name!r} has the value {self.value!r}: a class value is a whole number from 1 to "
                f"{HIGHEST}; 0 is kept for unlabelled pixels."
            )
        if not self.name.strip():
            raise WorkbenchError(f"The class of value {self.value} has no name. Give it one.")
        if not re.fullmatch(r"#[0-9a-fA-F]{6}", self.color):
            raise WorkbenchError(f"Class {self.name!r} has the colour {self.color!r}; write it as #rrggbb.")


class ClassTable:
    """An immutable table of classes, ordered by value.

    Args:
        entries: The classes in any order.

    Raises:
        WorkbenchError: Two classes share a value or a name.
    """

    __slots__ = ("_by_value", "_entries")

    def __init__(self, entries: Iterable[ClassEntry] = ()) -> None:
        self._entries = tuple(sorted(entries, key=lambda entry: entry.value))
        self._by_value = {entry.value: entry for entry in self._entries}
        for what, given in (("value", self.values), ("name", self.names)):
            twice = sorted({item for item in given if given.count(item) > 1}, key=str)
            if twice:
                raise WorkbenchError(f"A class table holds the {what} {twice[0]!r} twice; make it unique.")

    @classmethod
    def from_names(cls, names: Iterable[str]) -> "ClassTable":
        """Values 1 to n in the order of `names`, with colours from a colour-vision-safe palette."""
        return cls(ClassEntry(i, name, default_color(i)) for i, name in enumerate(names, start=1))

    @classmethod
    def from_json(cls, rows: Iterable[dict[str, Any]]) -> "ClassTable":
        """Read what `to_json` wrote."""
        return cls(ClassEntry(row["value"], row["name"], row["color"]) for row in rows)

    def to_json(self) -> list[dict[str, Any]]:
        """A list of ``{"value", "name", "color"}``, ordered by value."""
        return [{"value": entry.value, "name": entry.name, "color": entry.color} for entry in self._entries]

    @property
    def values(self) -> tuple[int, ...]:
        """Label values, ascending."""
        return tuple(entry.value for entry in self._entries)

    @property
    def names(self) -> tuple[str, ...]:
        """Class names in the order of `values`."""
        return tuple(entry.name for entry in self._entries)

    @property
    def colors(self) -> tuple[str, ...]:
        """Colours in the order of `values`."""
        return tuple(entry.color for entry in self._entries)

    def __getitem__(self, value: int) -> ClassEntry:
        try:
            return self._by_value[int(value)]
        except KeyError:
            there = ", ".join(str(known) for known in self.values) or "none"
            raise WorkbenchError(f"Label value {value} is not in the class table (values: {there}).") from None

    def name(self, value: int) -> str:
        """Name of the class of `value`; raises `WorkbenchError` for a value outside the table."""
        return self[value].name

    def color(self, value: int) -> str:
        """Colour of the class of `value`; raises `WorkbenchError` for a value outside the table."""
        return self[value].color

    def __contains__(self, value: object) -> bool:
        return value in self._by_value

    def __iter__(self) -> Iterator[ClassEntry]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ClassTable) and self._entries == other._entries

    def __hash__(self) -> int:
        return hash(self._entries)

    def __repr__(self) -> str:
        return f"ClassTable({', '.join(f'{entry.value}: {entry.name}' for entry in self._entries)})"


def default_color(value: int) -> str:
    """Colour for the class of `value` where none is given: the palette, then hues a golden angle apart."""
    if value <= len(PALETTE):
        return PALETTE[value - 1]
    rgb = colorsys.hls_to_rgb(value * 0.618034 % 1.0, 0.35 + 0.3 * (value % 3) / 2, 0.6)
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in rgb)
