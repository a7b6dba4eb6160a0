"""`workbench fetch`: the files of a data set from its provider, or where to get them and where to put them."""

from dataclasses import dataclass
from pathlib import Path

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.base.files import explained, locked_folder
from workbench.scenes.catalogue.download import download
from workbench.scenes.catalogue.entry import CatalogueEntry, Download, Progress


@dataclass(frozen=True)
class Instructions:
    """What a person has to do, because the provider hands the files to people only.

    Args:
        name: The catalogue entry.
        folder: Where to put the files.
        text: The words, several lines.
    """

    name: str
    folder: Path
    text: str

    def __str__(self) -> str:
        return self.text


def fetch_entry(name: str, folder: Path | None = None, progress: Progress | None = None) -> Path | Instructions:
    """Download the files of a catalogue entry where its provider lets anybody do so.

    Files that are there with the right checksum are not downloaded again; archives are unpacked beside themselves.
    Archives that a person has put there are checked and unpacked as well.

    Args:
        name: A name of the catalogue.
        folder: Where to; None is ``downloads/<name>`` under the data root.
        progress: Called with what is being done and the share done.

    Returns:
        The folder to import from, or `Instructions` where something must be got by hand.

    Raises:
        UnknownNameError: The catalogue has no such entry.
        WorkbenchError: A download failed or was cut, a checksum is wrong, or an archive is damaged.
    """
    from workbench.scenes.catalogue import CATALOGUE, downloads_folder

    if name not in CATALOGUE:
        raise UnknownNameError("catalogue entry", name, CATALOGUE)
    entry = CATALOGUE[name]
    place = downloads_folder(name) if folder is None else Path(folder).expanduser()
    if entry.made:
        return Instructions(name, place, f"{name}: nothing to download. {entry.how_to_get}")
    if not entry.downloads:
        return Instructions(name, place, _by_hand(entry, place))
    with explained(f"fetching {name}", place):
        place.mkdir(parents=True, exist_ok=True)
    lacking = [wanted for wanted in entry.downloads if not wanted.url and not (place / wanted.file).exists()]
    there = [wanted for wanted in entry.downloads if wanted not in lacking]
    with locked_folder(place):  # two at once would write one part
        for number, wanted in enumerate(there):
            if wanted.url:
                download(wanted, place, _share(progress, number, len(there)))
            else:
                _check(wanted, place / wanted.file)
    for wanted in there:
        if wanted.unpack:
            _unpack(place / wanted.file, place, progress)
    return Instructions(name, place, _by_hand(entry, place, lacking)) if lacking else place


def _share(progress: Progress | None, number: int, many: int) -> Progress | None:
    """The share of one of several files as a share of all."""
    if progress is None:
        return None
    return lambda what, share: progress(what, (number + share) / many)


def _check(wanted: Download, file: Path) -> None:
    """Refuse a file that a person got and that is not what the provider hands out."""
    import pooch  # type: ignore[import-untyped]

    if wanted.checksum is None:
        return
    kind, _, expected = wanted.checksum.partition(":")
    found = pooch.file_hash(str(file), alg=kind)
    if found != expected:
        raise WorkbenchError(
            f"While checking {file}: its {kind.upper()} checksum must be {expected}, and it is {found}. It was cut short "
            "or is another file: get it again."
        )


def _unpack(archive: Path, folder: Path, progress: Progress | None) -> None:
    """Unpack an archive into a folder of its own, unless that was done after it came."""
    from workbench.scenes.archives import unpack

    target = folder / archive.name.partition(".")[0]
    if target.exists() and target.stat().st_mtime >= archive.stat().st_mtime:
        return
    unpack(archive, target, progress, replace=True)


def _by_hand(entry: CatalogueEntry, place: Path, lacking: list[Download] | None = None) -> str:
    """Where to get the files and where to put them."""
    lines = [f"{entry.name}: {entry.how_to_get}", f"Licence: {entry.licence}", f"Cite: {entry.citation}"]
    if lacking:
        lines.append(f"Put into {place}, then run `workbench fetch {entry.name}` again to check and unpack:")
        for wanted in lacking:
            told = "" if wanted.checksum is None else f", {wanted.checksum.replace(':', ' ')}"
            lines.append(f"  {wanted.file}{told}{f' ({wanted.note})' if wanted.note else ''}")
    else:
        lines.append(f"Put the files into {place}.")
    if entry.packagings:
        lines.append("These forms are recognised:")
        for form in entry.packagings:
            lines.append(
                f"  {form.name} ({form.source}): {', '.join(form.files)}{f'. {form.note}' if form.note else ''}"
            )
    lines.append(f"Then: workbench import {entry.name} --from {place}")
    return "\n".join(lines)
