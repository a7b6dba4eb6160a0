"""Files and folders that are there whole or not at all."""

import errno
import fcntl
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workbench.base.errors import WorkbenchError

FULL_DISK = {errno.ENOSPC, errno.EDQUOT}
REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.ENAMETOOLONG}

RANDOM = "[a-z0-9_]{8}"  # what `tempfile` puts into names


@contextmanager
def explained(doing: str, path: Path) -> Iterator[None]:
    """Turn the operating system's refusals while writing `path` into a `WorkbenchError`.

    Args:
        doing: What was being done, such as ``"writing the class map"``.
        path: The file or folder being written.

    Raises:
        WorkbenchError: The disk is full, or the place is read-only, not permitted or no folder.
    """
    try:
        yield
    except OSError as error:
        if error.errno in FULL_DISK:
            raise WorkbenchError(
                f"The disk is full while {doing} ({path}). Nothing was left half-written; "
                "free some space and run the same command again."
            ) from error
        if error.errno in REFUSED:
            raise WorkbenchError(
                f"Not allowed while {doing} ({path}): {error.strerror}. Choose another place."
            ) from error
        raise


@contextmanager
def atomic_file(path: Path, doing: str = "writing a file") -> Iterator[Path]:
    """Give a temporary path beside `path`; on success it takes the place of `path`, on failure it is removed.

    Args:
        path: Where the file shall be in the end; its folder is made.
        doing: Words for error messages.

    Yields:
        The temporary path to write, with the same suffix.

    Raises:
        WorkbenchError: The disk is full or the place is not writable.
    """
    with explained(doing, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", suffix=path.suffix, dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path, doing: str = "writing a folder", replace: bool = False) -> Iterator[Path]:
    """Give a temporary folder beside `path` that becomes `path` on success and is removed on failure.

    What a killed call for the same `path` left behind is removed first.

    Args:
        path: Where the folder shall be in the end; its parent is made.
        doing: Words for error messages.
        replace: Whether an existing `path` may be replaced.

    Yields:
        The temporary folder.

    Raises:
        WorkbenchError: `path` exists and `replace` is False, the disk is full, or the place is not writable.
    """
    there = WorkbenchError(f"{path} exists already while {doing}. Choose another name, or say to replace it.")
    if path.exists() and not replace:
        raise there
    with explained(doing, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked_folder(path.parent):  # so that nobody takes the new folder for a left one before it is locked
            _sweep(path)
            temporary = Path(tempfile.mkdtemp(prefix=f".{path.name[:40]}.", suffix=".part", dir=path.parent))
            lock = _lock(temporary)
        try:
            yield temporary
            temporary.chmod(0o777 & ~_umask())
            if path.exists():
                if not replace:  # another process was quicker
                    raise there
                old = temporary.with_suffix(".old")
                path.rename(old)
                try:
                    temporary.rename(path)
                except BaseException:
                    old.rename(path)
                    raise
                shutil.rmtree(old, ignore_errors=True)
            else:
                temporary.rename(path)
        finally:
            _remove(temporary)
            if lock is not None:
                os.close(lock)


def remove_left_files(folder: Path) -> None:
    """Remove temporary files that killed calls of `atomic_file` left in `folder`.

    Call it only while nothing else writes there.
    """
    for path in folder.glob(".*"):
        if re.fullmatch(rf"\..+\.{RANDOM}(\.\w+)*", path.name) and path.is_file():
            path.unlink(missing_ok=True)


def write_text(path: Path, text: str, doing: str = "writing a file") -> None:
    """Write `text` as UTF-8, atomically."""
    with atomic_file(path, doing) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any, doing: str = "writing a file") -> None:
    """Write `value` as indented JSON, atomically. NaN is refused: JSON has none."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n", doing)


def read_json(path: Path, doing: str = "reading a file") -> Any:
    """Read JSON.

    Raises:
        WorkbenchError: The file is missing, cannot be read or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise WorkbenchError(f"{path} is missing while {doing}.") from error
    except OSError as error:
        raise WorkbenchError(f"{path} cannot be read while {doing}: {error.strerror}.") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise WorkbenchError(f"{path} is not valid JSON while {doing}: {error}.") from error


def _remove(folder: Path) -> None:
    """Remove a folder for good: threads of a writer that failed, such as zarr's, may write into it a moment longer."""
    for _ in range(10):
        if not folder.exists():
            return
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(0.1)


def _sweep(path: Path) -> None:
    """Remove what killed calls of `atomic_folder` for `path` left; folders of running calls are locked."""
    for left in path.parent.glob(".*"):
        kind = re.fullmatch(rf"\.{re.escape(path.name[:40])}\.{RANDOM}\.(part|old)", left.name)
        if kind is None or (kind[1] == "old" and not path.exists()):
            continue
        lock = _lock(left)
        if lock is not None:
            shutil.rmtree(left, ignore_errors=True)
            os.close(lock)


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Wait until no other process is inside this for the same folder; a process that dies lets go of it."""
    lock = _lock(folder, wait=True)
    try:
        yield
    finally:
        if lock is not None:
            os.close(lock)


def _lock(folder: Path, wait: bool = False) -> int | None:
    """Lock a folder until the returned descriptor is closed or the process ends; None where that is not possible."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
