"""Which classes are taken for which: every pair with its counts and shares."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from workbench.analysis.metrics import checked_counts
from workbench.analysis.strata import wilson
from workbench.base.errors import WorkbenchError


@dataclass(frozen=True)
class TakenFor:
    """Pixels of one class that the map gives another.

    Attributes:
        reference: Class value of the label.
        mapped: Class value in the map.
        pixels: How many.
        of_reference: Share of all pixels of the reference class, above 0 to 1.
        of_errors: Share of the wrong pixels of the reference class.
        of_mapped: Share of all pixels that the map gives the class `mapped`.
    """

    reference: int
    mapped: int
    pixels: int
    of_reference: float
    of_errors: float
    of_mapped: float


@dataclass(frozen=True)
class Confusions:
    """The confused pairs of a class map, most pixels first.

    Attributes:
        classes: Class values.
        support: Reference pixels of each class.
        wrong: Of these, those that the map gives another class.
        false_alarms: Pixels of other classes that the map gives this one.
        pairs: Every pair with at least one pixel.
    """

    classes: tuple[int, ...]
    support: tuple[int, ...]
    wrong: tuple[int, ...]
    false_alarms: tuple[int, ...]
    pairs: tuple[TakenFor, ...]

    def of(self, reference: int) -> tuple[TakenFor, ...]:
        """What one class is taken for."""
        return tuple(pair for pair in self.pairs if pair.reference == reference)

    def worst(self, most: int = 3) -> tuple[int, ...]:
        """Class values that are wrong most, the worst first; classes without a wrong pixel are left out.

        By the lower end of the 95 % interval of the share of wrong pixels, so that a class of few pixels is not called the
        worst by chance.
        """
        shares = {
            value: wilson(wrong, support)[0]
            for value, support, wrong in zip(self.classes, self.support, self.wrong, strict=True)
            if wrong
        }
        return tuple(sorted(shares, key=lambda value: (-shares[value], value))[:most])

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON types."""
        return {
            "classes": list(self.classes),
            "support": list(self.support),
            "wrong": list(self.wrong),
            "false_alarms": list(self.false_alarms),
            "pairs": [asdict(pair) for pair in self.pairs],
        }

    def to_frame(self, names: Sequence[str] | None = None) -> Any:
        """One row per pair, as a pandas DataFrame; shares in percent with one decimal.

        Args:
            names: Class names in the order of `classes`; the values where None.

        Raises:
            WorkbenchError: There are not as many names as classes.
        """
        import pandas as pd

        if names is not None and len(names) != len(self.classes):
            raise WorkbenchError(f"While tabulating confusions: {len(names)} names for {len(self.classes)} classes.")
        told = dict(zip(self.classes, names or self.classes, strict=True))
        rows = [
            [
                told[pair.reference],
                told[pair.mapped],
                pair.pixels,
                *(round(100 * share, 1) for share in (pair.of_reference, pair.of_errors, pair.of_mapped)),
            ]
            for pair in self.pairs
        ]
        head = ["reference", "mapped as", "pixels", "% of the reference", "% of its errors", "% of the mapped class"]
        return pd.DataFrame(rows, columns=head)


def confusions(confusion: ArrayLike, classes: Sequence[int]) -> Confusions:
    """Find the confused pairs.

    Args:
        confusion: Counts (K, K), rows reference, columns map.
        classes: Class values of rows and columns.

    Raises:
        WorkbenchError: The matrix is not (K, K), or holds negative or fractional counts.
    """
    values = tuple(int(value) for value in classes)
    counts = checked_counts(confusion, len(values), "While listing confusions")
    support, mapped, hits = counts.sum(axis=1), counts.sum(axis=0), counts.diagonal()
    wrong = support - hits
    pairs = [
        TakenFor(
            values[i],
            values[j],
            int(counts[i, j]),
            float(counts[i, j] / support[i]),
            float(counts[i, j] / wrong[i]),
            float(counts[i, j] / mapped[j]),
        )
        for i, j in np.argwhere(counts > 0)
        if i != j
    ]
    pairs.sort(key=lambda pair: (-pair.pixels, pair.reference, pair.mapped))
    return Confusions(
        values, tuple(support.tolist()), tuple(wrong.tolist()), tuple((mapped - hits).tolist()), tuple(pairs)
    )
