"""Several runs by their names, where a name may be a pattern."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from workbench.base.errors import UnknownNameError
from workbench.base.roots import runs_root
from workbench.runs.folder import RunFolder, list_runs, open_run_folder

SIGNS = "*?["


def named_runs(names: Sequence[str]) -> list[RunFolder]:
    """Open runs by their ids, beginnings of ids, or patterns such as `demo-svm-*`; each run once.

    Args:
        names: A name with `*`, `?` or `[` takes every finished run whose id matches, the newest first; other names are
            those of `open_run_folder`.

    Raises:
        UnknownNameError: There is no such run, or no finished run matches.
        WorkbenchError: Several runs begin so, or a run is damaged.
    """
    found: dict[str, RunFolder] = {}
    for name in map(str, names):
        if not any(sign in name for sign in SIGNS):
            run = open_run_folder(name)
            found.setdefault(run.id, run)
            continue
        finished = [run for run in list_runs() if run.finished]
        matching = [run for run in finished if fnmatchcase(run.id, name)]
        if not matching:
            advice = f"No finished run matches the pattern. Runs lie in {runs_root()}; `workbench runs` lists them."
            raise UnknownNameError("run", name, [run.id for run in finished], advice)
        for run in matching:
            found.setdefault(run.id, run)
    return list(found.values())
