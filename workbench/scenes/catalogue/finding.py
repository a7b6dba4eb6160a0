"""Which packaging a folder holds: by file names and by the variables inside, case aside."""

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from workbench.base.errors import WorkbenchError
from workbench.base.roots import data_root
from workbench.scenes.archives import is_archive, unpack
from workbench.scenes.catalogue.entry import Progress
from workbench.scenes.catalogue.recipe import Recipe, SceneEntry, Spelling
from workbench.scenes.readers import split_variable

DEEP = 4
"""Folders below the one named that are looked into, where a packaging spreads over several."""


@dataclass(frozen=True)
class Found:
    """A packaging that is there.

    Args:
        recipe: The packaging.
        folder: Where it lies.
        files: What is in the folder, as `present` gives it.
    """

    recipe: Recipe
    folder: Path
    files: dict[str, list[Path]]

    def where(self, spellings: Sequence[Spelling]) -> str | None:
        """Path, with the variable if one is named, of the first spelling that is there."""
        return next((found for spelling in spellings if (found := resolve(spelling, self.files))), None)

    @property
    def title(self) -> str:
        """The packaging in words."""
        return f"packaging {self.recipe.name!r} in {self.folder}"


@contextmanager
def located(entry: SceneEntry, source: Path, progress: Progress | None) -> Iterator[Found]:
    """Find the packaging in a folder, one folder deeper, or inside an archive, which is unpacked meanwhile.

    Args:
        entry: The data set.
        source: A folder or an archive.
        progress: Called with what is being done and the share done.

    Raises:
        WorkbenchError: No packaging is there or only a part of one, several are, or it is one that cannot become a
            scene; the message says what was found and what is wanted.
    """
    source = Path(source).expanduser()
    if not source.exists():
        raise WorkbenchError(
            f"While importing {entry.name!r}: {source} does not exist. Name the folder that holds the files. "
            f"{entry.how_to_get}"
        )
    archives = [source] if source.is_file() else sorted(path for path in source.iterdir() if is_archive(path))
    if source.is_file() and not is_archive(source):
        raise WorkbenchError(
            f"While importing {entry.name!r}: {source} is neither a folder nor an archive. Name the folder it lies in."
        )
    found = None if source.is_file() else find(entry, source)
    if found is None and archives:
        data_root().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{entry.name}-", dir=data_root()) as place:
            for archive in archives:
                unpack(archive, Path(place) / archive.stem, progress)
            found = find(entry, Path(place))
            if found is None:  # some of it packed, some beside the archive
                every = present(Path(place), DEEP)
                for name, paths in ({} if source.is_file() else present(source, 0)).items():
                    every.setdefault(name, paths)
                found = _complete(entry, source, every)
            if found is None:
                raise _nothing(entry, source, every, ", ".join(path.name for path in archives))
            yield _usable(entry, found)
        return
    if found is None:
        raise _nothing(entry, source, present(source, DEEP))
    yield _usable(entry, found)


def find(entry: SceneEntry, folder: Path) -> Found | None:
    """The packaging in `folder`, in one of its folders, or spread over them; None where none is complete.

    Raises:
        WorkbenchError: Several are there.
    """
    here = _complete(entry, folder, present(folder, 0))
    if here is not None:
        return here
    below = [path for path in sorted(folder.iterdir()) if path.is_dir() and not path.name.startswith((".", "__"))]
    hits = [hit for path in below if (hit := _complete(entry, path, present(path, 0))) is not None]
    if len(hits) > 1:
        raise WorkbenchError(
            f"While importing {entry.name!r}: several folders hold a packaging of it: "
            f"{', '.join(hit.title for hit in hits)}. Name one of them."
        )
    return hits[0] if hits else _complete(entry, folder, present(folder, DEEP))


def present(folder: Path, depth: int) -> dict[str, list[Path]]:
    """Files by lower-case name, of a folder and of so many folders below it."""
    files: dict[str, list[Path]] = {}
    level = [folder]
    for _ in range(depth + 1):
        below: list[Path] = []
        for place in level:
            for path in sorted(place.iterdir()):
                if path.name.startswith(("._", ".", "__MACOSX")):  # what a Mac's archives bring along
                    continue
                if path.is_dir() and path.suffix != ".zarr":
                    below.append(path)
                else:
                    files.setdefault(path.name.lower(), []).append(path)
        level = below
    return files


def resolve(spelling: Spelling, files: dict[str, list[Path]]) -> str | None:
    """``path:variable`` of a spelling, None where the file or its variable is not there.

    Raises:
        WorkbenchError: Two files fit.
    """
    path, variable = _file_of(spelling, files)
    if path is None or variable is None:
        return None if path is None else str(path)
    root, rest = re.match(r"([^.\[]*)(.*)", variable).groups()  # type: ignore[union-attr]  # it fits any text
    name = next((name for name in variables(path) if name.lower() == root.lower()), None)
    return None if name is None else f"{path}:{name}{rest}"


def variables(path: Path) -> tuple[str, ...]:
    """Names of the variables of a MATLAB file; none where it cannot be read, which its reader will say."""
    import h5py
    from scipy.io import whosmat

    try:
        if h5py.is_hdf5(path):
            with h5py.File(path, "r") as file:
                return tuple(name for name in file if not name.startswith("#"))
        return tuple(name for name, _, _ in whosmat(path))
    except Exception:  # noqa: BLE001  a damaged file makes either library raise almost anything
        return ()


def _file_of(spelling: Spelling, files: dict[str, list[Path]]) -> tuple[Path | None, str | None]:
    variable = split_variable(spelling)[1]
    hits = _hits(spelling, files)
    if len(hits) > 1:
        raise WorkbenchError(
            f"While looking for {spelling}: several files fit: {', '.join(map(str, hits[:5]))}. Name a folder that holds "
            "one of them."
        )
    return (hits[0] if hits else None), variable


def _complete(entry: SceneEntry, folder: Path, files: dict[str, list[Path]]) -> Found | None:
    """The packaging of which all files are there; of several, the one that uses most of them, real ones first."""
    hits: list[tuple[int, Recipe]] = []
    for recipe in entry.recipes:
        there = [any(resolve(spelling, files) for spelling in wanted) for wanted in recipe.needed.values()]
        if all(there):
            hits.append((len(there) - 100 * bool(recipe.refusal), recipe))
    if not hits:
        return None
    most = max(number for number, _ in hits)
    best = [recipe for number, recipe in hits if number == most]
    if len(best) > 1:
        raise WorkbenchError(
            f"While importing {entry.name!r}: {folder} holds files of several packagings: "
            f"{', '.join(repr(recipe.name) for recipe in best)}. Put those of one into a folder of their own."
        )
    return Found(best[0], folder, files)


def _usable(entry: SceneEntry, found: Found) -> Found:
    if found.recipe.refusal:
        raise WorkbenchError(f"While importing {entry.name!r} from the {found.title}: {found.recipe.refusal}")
    return found


def _nothing(entry: SceneEntry, source: Path, files: dict[str, list[Path]], unpacked: str = "") -> WorkbenchError:
    """Why nothing was found: half a packaging, wrong variables, or nothing of it at all."""
    inside = f" (looked into {unpacked} too)" if unpacked else ""
    best: tuple[int, Recipe, list[str]] | None = None
    for recipe in entry.recipes:
        faults, there = [], 0
        for wanted in recipe.needed.values():
            fits = [spelling for spelling in wanted if len(_hits(spelling, files)) > 0]
            if any(resolve(spelling, files) for spelling in fits):
                there += 2
            elif fits:
                path, variable = _file_of(fits[0], files)
                held = ", ".join(variables(path)) if path else ""
                there += 1
                faults.append(
                    f"{fits[0].partition(':')[0]} should hold {variable!r} and holds {held or 'nothing that can be read'}"
                )
            else:
                faults.append(f"{' or '.join(wanted)} is missing")
        if there and (best is None or there - len(faults) > best[0]):
            best = (there - len(faults), recipe, faults)
    start = f"While importing {entry.name!r} from {source}{inside}: "
    if best is not None:
        return WorkbenchError(
            f"{start}the nearest packaging is {best[1].name!r}, but {'; '.join(best[2])}. Is the download complete, and is "
            f"it {entry.name}?{f' {best[1].note}' if best[1].note else ''} Other packagings: {_listed(entry, best[1])}"
        )
    seen = ", ".join(sorted(path.name for paths in files.values() for path in paths)[:10]) or "nothing"
    return WorkbenchError(
        f"{start}no packaging of it was recognised. Expected one of: {_listed(entry)} Found: {seen}. {entry.how_to_get}"
    )


def _hits(spelling: Spelling, files: dict[str, list[Path]]) -> list[Path]:
    pattern = split_variable(spelling)[0].name.lower()
    return [path for key, paths in files.items() if fnmatchcase(key, pattern) for path in paths]


def _listed(entry: SceneEntry, without: Recipe | None = None) -> str:
    told = [
        f"{recipe.name} ({', '.join(recipe.packaging.files)})"
        for recipe in entry.recipes
        if not recipe.refusal and recipe is not without
    ]
    return "; ".join(told) + "."
