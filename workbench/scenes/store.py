"""Opening, writing and listing scenes by name."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from workbench.base.config import StrictModel
from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.base.files import explained
from workbench.base.roots import data_root
from workbench.scenes.classes import ClassTable
from workbench.scenes.draft import TileDraft
from workbench.scenes.scene import Collection, Scene
from workbench.scenes.schema import SUFFIX, is_url, read_root
from workbench.scenes.writing import Attributes, Progress, write_store

__all__ = ["Progress", "SceneSummary", "TileDraft", "list_scenes", "open_scene", "scene_path", "write_scene"]


class SceneSummary(StrictModel):
    """One line of `list_scenes`.

    Attributes:
        name: What `open_scene` takes.
        description: One sentence.
        imported: Whether it lies under the data root; the demo scene is made when first opened.
        tiles: Number of tiles, 0 before import.
        shape: Such as ``"200 x 300"``, empty before import.
        modalities: Names, empty before import.
        classes: Number of classes, 0 before import.
        layers: Further label layers, each opened as ``scene@layer``.
        path: The store, empty before import.
    """

    name: str
    description: str
    imported: bool
    tiles: int = 0
    shape: str = ""
    modalities: tuple[str, ...] = ()
    classes: int = 0
    layers: tuple[str, ...] = ()
    path: str = ""


def scene_path(name: str) -> Path:
    """Where the scene of a name lies or shall lie."""
    return data_root() / f"{name}{SUFFIX}"


def open_scene(name_or_path: str | Path) -> Scene | Collection:
    """Open a scene or collection; only metadata is read.

    Args:
        name_or_path: A name under the data root (``"demo"`` is made on first use), or the path or fsspec URL of a
            ``.zarr`` store. With ``@layer`` at its end, such as ``"dfc2020@lc"``, labels and classes are that label
            layer's.

    Returns:
        A `Scene`, or a `Collection` where the store holds several tiles.

    Raises:
        UnknownNameError: There is no scene of that name; the message has the nearest names, or how to import it.
        WorkbenchError: The store is broken, truncated or cannot be reached.
    """
    text, layer = split_layer(str(name_or_path))
    if is_url(text):
        return _open(text, text.rstrip("/").rsplit("/", 1)[-1].removesuffix(SUFFIX), layer)
    if isinstance(name_or_path, Path) or text.endswith(SUFFIX) or "/" in text or "\\" in text:
        path = Path(text).expanduser().absolute()
        return _open(str(path), path.name.removesuffix(SUFFIX), layer)
    path = scene_path(text)
    if not path.exists():
        if text == "demo":
            _make_demo(path)
        else:
            raise _unknown(text)
    return _open(str(path), text, layer)


def write_scene(
    path: Path,
    tiles: Iterable[TileDraft],
    classes: ClassTable,
    attrs: Attributes = None,
    replace: bool = False,
    progress: Progress | None = None,
    layer_classes: Mapping[str, ClassTable] | None = None,
    compress: bool = True,
) -> Scene | Collection:
    """Store tiles as a scene (one tile) or a collection, atomically.

    Args:
        path: Folder to make, ending in ``.zarr``; its stem is the name.
        tiles: One or more drafts of one schema; an iterator is drawn tile by tile, so that one is in memory at a time.
        classes: The class table; empty where no tile has labels.
        attrs: JSON values kept with the scene: description, licence, citation, alignment, ...; or what gives them once
            all pixels have been read.
        replace: Whether an existing store may be replaced.
        progress: Called with what is being done and the share of it done.
        layer_classes: Class table of each further label layer of the drafts.
        compress: Whether pixels are compressed, without loss; opening and reading are the same either way.

    Returns:
        The stored scene, opened.

    Raises:
        WorkbenchError: A tile cannot be stored, the store exists, or the disk is full; nothing is left half-written.
    """
    write_store(Path(path), tiles, classes, attrs, replace, progress, layer_classes, compress)
    return open_scene(Path(path))


def list_scenes() -> list[SceneSummary]:
    """Scenes under the data root, then catalogue entries that are not imported, each by name."""
    from workbench.scenes.catalogue import CATALOGUE

    found = []
    for path in sorted(data_root().glob(f"[!.]*{SUFFIX}")):
        name = path.name.removesuffix(SUFFIX)
        try:
            found.append(_summary(_open(str(path), name)))
        except WorkbenchError as error:
            found.append(SceneSummary(name=name, description=f"Broken: {error}", imported=False, path=str(path)))
    there = {summary.name for summary in found}
    return found + [
        SceneSummary(name=entry.name, description=entry.description, imported=False)
        for entry in CATALOGUE.values()
        if entry.name not in there
    ]


def split_layer(name: str) -> tuple[str, str | None]:
    """Scene and label layer of ``scene@layer``; the layer is None where none is named."""
    head, at, layer = name.rpartition("@")
    return (head, layer) if at and "/" not in layer and "\\" not in layer else (name, None)


def _open(address: str, name: str, layer: str | None = None) -> Scene | Collection:
    root = read_root(address)
    if layer is not None:
        if layer not in root.layers:
            raise UnknownNameError(f"label layer of scene {name!r}", layer, root.layers)
        name = f"{name}@{layer}"
    if len(root.tiles) == 1:
        return Scene(address, root, root.tiles[0], name, layer)
    return Collection(address, root, name, layer)


def _summary(scene: Scene | Collection) -> SceneSummary:
    sizes = sorted({f"{rows} x {cols}" for rows, cols in scene.shapes})
    return SceneSummary(
        name=scene.collection,
        description=str(scene.attrs.get("description", "")),
        imported=True,
        tiles=len(scene.scenes),
        shape=sizes[0] if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}",
        modalities=scene.modalities,
        classes=len(scene.classes),
        layers=scene.label_layers,
        path=scene.address,
    )


def _make_demo(path: Path) -> None:
    """Make the demo scene, unless another process does so meanwhile; then wait for it."""
    from workbench.scenes.synthetic import make_demo

    with explained("making the demo scene", path), _one_at_a_time(path.with_name(".demo.lock")):
        if not path.exists():
            tiles, classes, attrs = make_demo()
            write_store(path, tiles, classes, attrs)


@contextmanager
def _one_at_a_time(lock: Path) -> Iterator[None]:
    """Hold a lock file; the system lets go of it when its process ends, however that happens."""
    try:
        import fcntl
    except ImportError:  # no POSIX: the folder still appears whole or not at all
        yield
        return
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _unknown(name: str) -> UnknownNameError:
    from workbench.scenes.catalogue import CATALOGUE

    there = [path.name.removesuffix(SUFFIX) for path in data_root().glob(f"[!.]*{SUFFIX}")]
    hint = (
        CATALOGUE[name].how_to_get
        if name in CATALOGUE
        else "`workbench scenes` lists what is there, `workbench import` brings in your own files."
    )
    return UnknownNameError("scene", name, {*there, *CATALOGUE} - {name}, hint)
