"""One file from a web address, through pooch: checked, atomic, told, and continued where it was cut."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.base.errors import WorkbenchError
from workbench.base.files import explained, write_json
from workbench.scenes.catalogue.entry import Download, Progress

if TYPE_CHECKING:
    from requests import Response

TIMEOUT = (30, 60)
"""Seconds to wait for a connection, and for the next bytes."""
ATTEMPTS = 3
"""Connections that may break in a row without bringing a single byte."""
BLOCK = 2**20


def download(wanted: Download, folder: Path, progress: Progress | None = None) -> Path:
    """Bring a file into a folder, unless it is there with the right checksum.

    A download that is cut leaves ``<file>.part``, and the next call continues it if the server can and still has the
    same file.

    Args:
        wanted: What to bring.
        folder: Where to; it is made.
        progress: Called with what is being done and the share done.

    Returns:
        The file.

    Raises:
        WorkbenchError: No connection, the server refuses or gives a web page instead, the download was cut, its
            checksum is wrong, or the disk is full. Nothing but the part is left.
    """
    import pooch  # type: ignore[import-untyped]
    import requests

    pooch.get_logger().setLevel("WARNING")  # what it would print is told through `progress`
    source = _Source(wanted, folder, progress)
    doing = f"downloading {wanted.file}"
    try:
        with explained(doing, folder / wanted.file):
            return Path(pooch.retrieve(wanted.url, wanted.checksum, fname=wanted.file, path=folder, downloader=source))
    except requests.exceptions.RequestException as error:
        raise WorkbenchError(
            f"While {doing}: {wanted.url} cannot be reached ({_reason(error)}).{source.kept()} Check the network, and "
            "run the same command again."
        ) from error
    except ValueError as error:  # pooch's word for a checksum that differs
        raise WorkbenchError(
            f"While {doing} from {wanted.url}: {error} Run the same command again; if it says so again, the provider "
            "has changed the file, and the catalogue must be told."
        ) from error


class _Source:
    """What pooch calls to bring a file; it knows where the last call stopped.

    Args:
        wanted: What to bring.
        folder: Where the part lies meanwhile.
        progress: Called with what is being done and the share done.
    """

    def __init__(self, wanted: Download, folder: Path, progress: Progress | None) -> None:
        self._wanted, self._progress = wanted, progress
        self.part = folder / f"{wanted.file}.part"
        self._memo = folder / f"{wanted.file}.part.json"

    def __call__(self, url: str, output_file: str, pooch: Any) -> None:
        """Bring `url` to `output_file`; the signature is pooch's."""
        import requests

        failures = 0
        while True:
            before = self._size()
            try:
                total = self._stream(url)
                break
            except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError):
                failures = 0 if self._size() > before else failures + 1
                if failures >= ATTEMPTS:
                    raise
        found = self._size()
        if total is not None and found != total:
            raise WorkbenchError(
                f"While downloading {self._wanted.file}: {url} promised {total:,} bytes and gave {found:,}."
                f"{self.kept()} Run the same command again."
            )
        os.replace(self.part, output_file)
        self._memo.unlink(missing_ok=True)

    def kept(self) -> str:
        """What is left of a download that was cut, as a sentence; empty where nothing is."""
        size = self._size()
        return f" The first {size:,} bytes are kept in {self.part}, and the next try continues there." if size else ""

    def _stream(self, url: str) -> int | None:
        """Append to the part what it lacks; gives the size of the whole where the server says it."""
        import requests

        start, headers = self._size(), {"Accept-Encoding": "identity"}  # so that bytes and positions are the file's
        memo = self._remembered(url)
        if start and memo is None:
            self._forget()
            start = 0
        if start:
            headers["Range"] = f"bytes={start}-"
            if memo:
                headers["If-Range"] = memo
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
            if answer.status_code == requests.codes.requested_range_not_satisfiable and start:
                total = _whole(answer)
                if total != start:
                    self._forget()
                    return self._stream(url)
                return total
            self._check(answer, url)
            continues = answer.status_code == requests.codes.partial_content
            if continues and not answer.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
                raise WorkbenchError(
                    f"While downloading {self._wanted.file}: {url} was asked for what follows byte {start:,} and gave "
                    f"{answer.headers.get('Content-Range', 'another part')!r}. Delete {self.part} and run again."
                )
            total = _whole(answer)
            self.part.parent.mkdir(parents=True, exist_ok=True)
            tag = answer.headers.get("ETag", "")
            sign = answer.headers.get("Last-Modified", "") if not tag or tag.startswith("W/") else tag
            write_json(self._memo, {"url": url, "sign": sign})
            done = start if continues else 0
            with self.part.open("ab" if continues else "wb") as file:
                for block in answer.iter_content(BLOCK):
                    file.write(block)
                    done += len(block)
                    if self._progress is not None:
                        told = f"downloading {self._wanted.file}, {done / 1e6:,.0f} MB"
                        self._progress(told, min(done / total, 1.0) if total else 0.0)
            return total

    def _check(self, answer: "Response", url: str) -> None:
        """Refuse what is no file: errors, and pages that ask for a login or a click."""
        if answer.status_code >= 400:
            gone = "The provider has moved or removed it. " if answer.status_code in (404, 410) else ""
            raise WorkbenchError(
                f"While downloading {self._wanted.file}: {url} answers {answer.status_code} {answer.reason}. {gone}"
                "Get the file by hand (`workbench fetch` without a network says where), or try again later."
            )
        kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind == "text/html" and not self._wanted.file.endswith((".html", ".htm")):
            raise WorkbenchError(
                f"While downloading {self._wanted.file}: {url} gives a web page and not the file. It may ask for a "
                "login: open the address in a browser and put the file where this command would have put it."
            )

    def _size(self) -> int:
        return self.part.stat().st_size if self.part.is_file() else 0

    def _remembered(self, url: str) -> str | None:
        """What tells the server's file of the part from a newer one; None where the part cannot be continued safely."""
        try:
            memo = json.loads(self._memo.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if not isinstance(memo, dict) or memo.get("url") != url:
            return None
        sign = str(memo.get("sign", ""))
        return sign if sign or self._wanted.checksum else None

    def _forget(self) -> None:
        self.part.unlink(missing_ok=True)
        self._memo.unlink(missing_ok=True)


def _whole(answer: "Response") -> int | None:
    """Size of the whole file where the server says it."""
    whole = answer.headers.get("Content-Range", "").rpartition("/")[2]
    if whole.isdigit():
        return int(whole)
    length = answer.headers.get("Content-Length", "")
    return int(length) if length.isdigit() and answer.status_code == 200 else None


def _reason(error: Exception) -> str:
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return text if len(text) <= 300 else f"{text[:300]} ..."
