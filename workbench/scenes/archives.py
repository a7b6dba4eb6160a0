"""Unpacking zip and tar archives of strangers: nothing outside the folder, no links, no flood, whole or not at all."""

import gzip
import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from workbench.base.errors import WorkbenchError
from workbench.base.files import atomic_folder

RATIO = 200
"""How many times its own size an archive may unpack to. Measured images compress 1.2 to 4 times, label maps up to 100."""

FREE = 64 * 2**20
"""Bytes that any archive may unpack to, whatever its ratio."""

PIECE = 2**20

DAMAGE = (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, lzma.LZMAError, zlib.error, EOFError,
          NotImplementedError, RuntimeError, UnicodeDecodeError)  # fmt: skip
"""What the standard library raises for an archive that is damaged or packed in an unknown way."""


@dataclass(frozen=True)
class Member:
    """A file in an archive.

    Args:
        path: Where it goes, relative to the folder.
        size: Bytes that the archive declares.
        open: Gives its content as a stream.
    """

    path: PurePosixPath
    size: int
    open: Callable[[], IO[bytes]]


def is_archive(path: Path) -> bool:
    """Whether `path` is a zip or tar file."""
    return path.is_file() and (zipfile.is_zipfile(path) or tarfile.is_tarfile(path))


def unpack(
    archive: Path,
    folder: Path,
    progress: Callable[[str, float], None] | None = None,
    ratio: float = RATIO,
    replace: bool = False,
) -> Path:
    """Unpack a zip or tar archive as `folder`, which is there whole or not at all.

    Args:
        archive: ``.zip``, ``.tar``, ``.tar.gz``, ``.tar.bz2`` or ``.tar.xz``.
        folder: The folder to make.
        progress: Called with what is being done and the share done.
        ratio: How many times the archive's own size its files may have together (64 MB are always allowed).
        replace: Whether an existing folder may be replaced.

    Returns:
        `folder`.

    Raises:
        WorkbenchError: The archive is missing, truncated or encrypted, a member is a link or points outside the
            folder, it unpacks to far more than it declares or than `ratio` allows, or the disk is too small. Nothing
            is left.
    """
    doing = f"unpacking {archive.name}"
    if not archive.is_file():
        raise WorkbenchError(f"While {doing}: {archive} is missing. Check the path.")
    allowed = max(FREE, int(ratio * archive.stat().st_size))
    with _members(archive, allowed) as members:
        declared = sum(member.size for member in members)
        if declared > allowed:
            raise _flood(archive, declared, allowed)
        folder.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder.parent).free
        if declared > free:
            raise WorkbenchError(
                f"While {doing}: it needs {declared / 1e6:.0f} MB and {folder.parent} has {free / 1e6:.0f} MB free. "
                "Free some space, or choose another place."
            )
        with atomic_folder(folder, doing, replace) as temporary:
            done = 0
            for member in members:
                target = temporary.joinpath(*member.path.parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                for size in _copy(archive, member, target):
                    done += size
                    if progress is not None:
                        progress(f"unpacking {archive.name}", done / max(declared, 1))
    return folder


def _copy(archive: Path, member: Member, target: Path) -> Iterator[int]:
    """Write one file piece by piece, giving the sizes; stops where it is longer than declared."""
    written = 0
    try:
        with member.open() as source, target.open("xb") as file:
            while piece := source.read(PIECE):
                written += len(piece)
                if written > member.size:
                    raise WorkbenchError(
                        f"While unpacking {archive}: {member.path} declares {member.size} bytes and holds more. It is "
                        "damaged or made to fill disks; get it from its provider again."
                    )
                file.write(piece)
                yield len(piece)
    except DAMAGE as error:
        raise _damaged(archive, error) from error
    except FileExistsError as error:
        raise WorkbenchError(
            f"While unpacking {archive}: two members are called {member.path}. Get it from its provider again."
        ) from error
    if written != member.size:
        raise _damaged(archive, EOFError(f"{member.path} declares {member.size} bytes and holds {written}"))


@contextmanager
def _members(archive: Path, allowed: int) -> Iterator[list[Member]]:
    with ExitStack() as stack:
        try:
            if zipfile.is_zipfile(archive) or _starts(archive, b"PK"):
                members = list(_of_zip(archive, stack.enter_context(zipfile.ZipFile(archive))))
            else:
                members = list(_of_tar(archive, stack.enter_context(tarfile.open(archive)), allowed))
        except DAMAGE as error:
            raise _damaged(archive, error) from error
        yield members


def _starts(archive: Path, magic: bytes) -> bool:
    with archive.open("rb") as file:
        return file.read(len(magic)) == magic


def _of_zip(archive: Path, opened: zipfile.ZipFile) -> Iterator[Member]:
    packed = 0
    for info in opened.infolist():
        path = _safe(archive, info.filename)
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise _refused(archive, info.filename, "is a link or a device")
        if info.flag_bits & 1:
            raise WorkbenchError(
                f"While unpacking {archive}: it is encrypted. Unpack it with the provider's password yourself, and "
                "name the folder."
            )
        if info.is_dir() or path is None:
            continue
        packed += info.compress_size
        if packed > archive.stat().st_size:
            raise WorkbenchError(
                f"While unpacking {archive}: its members overlap, as in archives made to fill disks. "
                "Get it from its provider again."
            )
        yield Member(path, info.file_size, lambda info=info: opened.open(info))  # type: ignore[misc]


def _of_tar(archive: Path, opened: tarfile.TarFile, allowed: int) -> Iterator[Member]:
    declared = 0
    for info in opened:  # a compressed tar is unpacked in passing: look at the sizes as they come
        path = _safe(archive, info.name)
        if not (info.isreg() or info.isdir()):
            raise _refused(archive, info.name, "is a link or a device")
        declared += info.size
        if declared > allowed:
            raise _flood(archive, declared, allowed)
        if info.isreg() and path is not None:
            yield Member(path, info.size, lambda info=info: _stream(opened, info))  # type: ignore[misc]


def _stream(opened: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    stream = opened.extractfile(info)
    assert stream is not None  # it is a regular file
    return stream


def _safe(archive: Path, name: str) -> PurePosixPath | None:
    """The place of a member inside the folder, None for the folder itself."""
    plain = name.replace("\\", "/")
    path = PurePosixPath(plain)
    drive = len(plain) > 1 and plain[1] == ":"
    if path.is_absolute() or drive or ".." in path.parts or "\0" in name:
        raise _refused(archive, name, "points outside the folder")
    return path if path.parts else None


def _refused(archive: Path, name: str, what: str) -> WorkbenchError:
    return WorkbenchError(
        f"While unpacking {archive}: its member {name!r} {what}; only files inside the folder were expected. Nothing was "
        "unpacked. Get the archive from its provider again."
    )


def _flood(archive: Path, declared: int, allowed: int) -> WorkbenchError:
    size = max(archive.stat().st_size, 1)
    return WorkbenchError(
        f"While unpacking {archive}: its {size / 1e6:.3g} MB would become {declared / 1e6:.4g} MB ({declared / size:.0f} "
        f"times), and {allowed / 1e6:.4g} MB were expected at most. Nothing was unpacked. If it comes from a place that "
        "you trust, unpack it yourself and name the folder."
    )


def _damaged(archive: Path, error: BaseException) -> WorkbenchError:
    return WorkbenchError(
        f"While unpacking {archive}: it is truncated, damaged or no zip or tar archive "
        f"({type(error).__name__}: {next(iter(str(error).splitlines()), '')}). Download it again."
    )
