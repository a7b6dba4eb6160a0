"""Friedman's test of several models over several data sets, with the Nemenyi critical difference."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from workbench.base.errors import WorkbenchError

if TYPE_CHECKING:
    import pandas as pd

DIGITS = 12  # scores that differ by less are the same


@dataclass(frozen=True, eq=False)
class Friedman:
    """What the test found.

    Attributes:
        models: Names.
        data_sets: Names.
        scores: Score of each model on each data set, (N, k), larger is better.
        ranks: Rank of each model on each data set, 1 is the best, ties share the mean; (N, k).
        average_ranks: Mean over the data sets, (k,).
        statistic: Friedman's chi-square, corrected for ties.
        p: Its p-value, by the chi-square distribution of k - 1 degrees of freedom.
        f_statistic: Iman and Davenport's F, less conservative; None where all data sets rank alike, so that it is
            infinite.
        f_p: Its p-value; None likewise.
        level: Level of the critical difference.
        critical_difference: Average ranks that differ by less are not told apart (Nemenyi).
        cliques: Indices of models, best first, that are not told apart; only groups of two or more that no other
            holds.
        notes: What a reader must know.
    """

    models: tuple[str, ...]
    data_sets: tuple[str, ...]
    scores: tuple[tuple[float, ...], ...]
    ranks: tuple[tuple[float, ...], ...]
    average_ranks: tuple[float, ...]
    statistic: float
    p: float
    f_statistic: float | None
    f_p: float | None
    level: float
    critical_difference: float
    cliques: tuple[tuple[int, ...], ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON types."""
        names = ("models", "data_sets", "average_ranks", "notes")
        return {
            **{name: list(getattr(self, name)) for name in names},
            **{name: [list(row) for row in getattr(self, name)] for name in ("scores", "ranks")},
            **{name: getattr(self, name) for name in ("statistic", "p", "f_statistic", "f_p", "level")},
            "critical_difference": self.critical_difference,
            "cliques": [[self.models[number] for number in clique] for clique in self.cliques],
        }

    def to_frame(self) -> "pd.DataFrame":
        """One row per model, the best average rank first: average rank, then the rank on each data set."""
        import pandas as pd

        columns = {"average rank": self.average_ranks, **dict(zip(self.data_sets, self.ranks, strict=True))}
        frame = pd.DataFrame(columns, index=pd.Index(self.models, name="model"))
        return frame.sort_values("average rank", kind="stable")


def friedman(scores: ArrayLike, models: Sequence[str], data_sets: Sequence[str], level: float = 0.05) -> Friedman:
    """Test whether models differ over data sets, and by how much average ranks must differ.

    Demsar 2006 (Journal of Machine Learning Research 7:1-30, section 3.2): Friedman's chi-square, Iman and
    Davenport's F on it, and Nemenyi's critical difference q sqrt(k (k + 1) / (6 N)), q the studentised range over the
    square root of 2. The chi-square is scipy's, corrected for ties; the paper's is not.

    The blocks of this test are independent data sets. Splits or seeds of one scene are not independent: compare those
    by `paired_wilcoxon`.

    Args:
        scores: Larger is better, (N data sets, k models).
        models: Their names.
        data_sets: Their names.
        level: Level of the critical difference.

    Raises:
        WorkbenchError: There are fewer than 2 data sets or 3 models, names do not fit, or a score is not finite.
    """
    given = np.asarray(scores, float)
    doing = "While comparing models across data sets"
    if given.shape != (len(data_sets), len(models)):
        raise WorkbenchError(
            f"{doing}: scores of shape {given.shape} for {len(data_sets)} data sets and {len(models)} models."
        )
    sets, count = given.shape
    if sets < 2 or count < 3:
        raise WorkbenchError(
            f"{doing}: {sets} data set(s) and {count} model(s); the Friedman test needs 2 data sets and 3 models at "
            "least. It is for data sets only; splits of one scene are compared by Wilcoxon's test (compare_groups)."
        )
    for what, names in (("data sets", data_sets), ("models", models)):
        if len(set(names)) != len(names):
            raise WorkbenchError(f"{doing}: {what} must be named once each, not {list(names)}.")
    if not np.isfinite(given).all():
        raise WorkbenchError(f"{doing}: every model needs a score on every data set; leave the others out.")
    if not 0 < level < 1:
        raise WorkbenchError(f"{doing}: the level must lie between 0 and 1, not {level}.")
    from scipy.stats import f, friedmanchisquare, rankdata, studentized_range

    rounded = np.round(given, DIGITS)
    ranks = rankdata(-rounded, axis=1)
    average = ranks.mean(0)
    notes = []
    statistic, p = 0.0, 1.0
    if (ranks == ranks[0, 0]).all():
        notes.append("All models score alike on every data set.")
    else:
        statistic, p = map(float, friedmanchisquare(*rounded.T))
    room = sets * (count - 1) - statistic
    f_statistic = f_p = None
    if room > 1e-9:
        f_statistic = (sets - 1) * statistic / room
        f_p = float(f.sf(f_statistic, count - 1, (count - 1) * (sets - 1)))
    else:
        notes.append("Every data set ranks the models alike: Iman and Davenport's F is infinite.")
    if sets <= 10 or count <= 5:
        notes.append(
            f"{sets} data sets and {count} models: the chi-square p-value is rough up to 10 data sets or 5 models "
            "(Demsar 2006)."
        )
    q = float(studentized_range.ppf(1 - level, count, np.inf)) / np.sqrt(2)
    difference = float(q * np.sqrt(count * (count + 1) / (6 * sets)))
    return Friedman(
        models=tuple(models),
        data_sets=tuple(data_sets),
        scores=tuple(map(tuple, given.tolist())),
        ranks=tuple(map(tuple, ranks.tolist())),
        average_ranks=tuple(average.tolist()),
        statistic=statistic,
        p=p,
        f_statistic=f_statistic,
        f_p=f_p,
        level=level,
        critical_difference=difference,
        cliques=_cliques(average.tolist(), difference),
        notes=tuple(notes),
    )


def _cliques(average: Sequence[float], difference: float) -> tuple[tuple[int, ...], ...]:
    """Longest runs of models in the order of their ranks whose first and last differ by less than the difference."""
    order = sorted(range(len(average)), key=lambda number: average[number])
    found: list[tuple[int, ...]] = []
    reached = 0
    for start, first in enumerate(order):
        stop = max(place for place in range(len(order)) if average[order[place]] - average[first] < difference) + 1
        if stop - start > 1 and stop > reached:
            found.append(tuple(order[start:stop]))
            reached = stop
    return tuple(found)
