import hashlib
import io
import re
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.scenes.catalogue import CATALOGUE
from workbench.scenes.catalogue.entry import CatalogueEntry, Download, Packaging
from workbench.scenes.catalogue.fetch import Instructions, fetch_entry

WHOLE = bytes(range(256)) * 20_000  # 5 MB: several blocks
SHA = "sha256:" + hashlib.sha256(WHOLE).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """A server of one file that knows ranges, and breaks off when it is told to."""

    def do_GET(self):
        server = self.server
        server.asked.append(self.headers.get("Range"))
        if self.path.startswith("/gone"):
            self.send_error(404)
            return
        if self.path.startswith("/login"):
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(b"<html>Please sign in</html>")
            return
        start = 0
        given = self.headers.get("If-Range")
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if asked and server.ranges and given in (None, server.tag):
            start = int(asked[1])
        if start >= len(server.content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(server.content)}")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(server.content) - 1}/{len(server.content)}")
        if server.tag:
            self.send_header("ETag", server.tag)
        self.send_header("Content-Length", str(len(server.content) - start))
        self.end_headers()
        part = server.content[start:]
        if server.cuts:
            part = part[: server.cuts.pop(0)]
            self.close_connection = True
        self.wfile.write(part)

    def log_message(self, *args):
        pass


@pytest.fixture
def server(monkeypatch, tmp_path):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "data"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.content, server.tag, server.cuts, server.asked, server.ranges = WHOLE, '"one"', [], [], True
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def offer(monkeypatch):
    def put(*downloads, **fields):
        given = {"licence": "CC0", "citation": "Somebody 2020", "how_to_get": "Ask the provider.", **fields}
        entry = CatalogueEntry("spot", "A spot.", bring_in=None, downloads=downloads, **given)
        monkeypatch.setitem(CATALOGUE, "spot", entry)
        return entry

    return put


def left(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_whole_file_comes_once_and_tells_its_progress(server, offer, tmp_path):
    offer(Download(f"{server.url}/cube.bin", "cube.bin", SHA))
    told = []
    place = fetch_entry("spot", progress=lambda what, share: told.append((what, share)))
    assert place == tmp_path / "data" / "downloads" / "spot"
    assert (place / "cube.bin").read_bytes() == WHOLE
    assert left(place) == ["cube.bin"]
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert len(set(shares)) > 2
    assert shares[-1] == 1
    assert fetch_entry("spot") == place
    assert server.asked == [None]  # the second call found it there


def test_what_is_there_but_damaged_comes_again(server, offer, tmp_path):
    offer(Download(f"{server.url}/cube.bin", "cube.bin", SHA))
    (tmp_path / "cube.bin").write_bytes(b"half")
    fetch_entry("spot", tmp_path)
    assert (tmp_path / "cube.bin").read_bytes() == WHOLE


def test_a_cut_within_one_call_is_continued(server, offer, tmp_path):
    offer(Download(f"{server.url}/cube.bin", "cube.bin", SHA))
    server.cuts = [2_500_000, 1_200_000]
    place = fetch_entry("spot")
    assert (place / "cube.bin").read_bytes() == WHOLE
    assert server.asked[0] is None
    starts = [int(asked[6:-1]) for asked in server.asked[1:]]
    assert len(starts) == 2
    assert 0 < starts[0] < starts[1] < len(WHOLE)


@pytest.mark.parametrize("checksum", [SHA, None])
def test_a_download_that_broke_off_is_continued_by_the_next_call(server, offer, tmp_path, checksum):
    offer(Download(f"{server.url}/cube.bin", "cube.bin", checksum))
    server.cuts = [3_000_000, 0, 0, 0]
    with pytest.raises(WorkbenchError, match=r"cannot be reached.*bytes are kept.*cube\.bin\.part.*run the same"):
        fetch_entry("spot", tmp_path)
    assert not (tmp_path / "cube.bin").exists()
    kept = (tmp_path / "cube.bin.part").stat().st_size
    assert kept > 0
    server.asked.clear()
    fetch_entry("spot", tmp_path)
    assert server.asked == [f"bytes={kept}-"]
    assert (tmp_path / "cube.bin").read_bytes() == WHOLE
    assert [name for name in left(tmp_path) if name.startswith("cube")] == ["cube.bin"]


@pytest.mark.parametrize("change", ["another file", "no ranges", "no tag and no checksum"])
def test_what_cannot_be_continued_starts_anew(server, offer, tmp_path, change):
    checksum = SHA if change == "no ranges" else None
    if change == "no tag and no checksum":
        server.tag = ""
    offer(Download(f"{server.url}/cube.bin", "cube.bin", checksum))
    server.cuts = [3_000_000, 0, 0, 0]
    with pytest.raises(WorkbenchError, match="cannot be reached"):
        fetch_entry("spot", tmp_path)
    if change == "another file":
        server.content, server.tag = WHOLE[::-1], '"two"'
    server.ranges = change != "no ranges"
    fetch_entry("spot", tmp_path)
    assert (tmp_path / "cube.bin").read_bytes() == server.content


def test_a_part_that_is_whole_already_is_taken(server, offer, tmp_path):
    offer(Download(f"{server.url}/cube.bin", "cube.bin", SHA))
    server.cuts = [3_000_000, 0, 0, 0]
    with pytest.raises(WorkbenchError):
        fetch_entry("spot", tmp_path)
    (tmp_path / "cube.bin.part").write_bytes(WHOLE)
    fetch_entry("spot", tmp_path)
    assert (tmp_path / "cube.bin").read_bytes() == WHOLE


@pytest.mark.parametrize("checksum", ["sha256:" + "0" * 64, "md5:" + "0" * 32])
def test_a_wrong_checksum_leaves_nothing(server, offer, tmp_path, checksum):
    offer(Download(f"{server.url}/cube.bin", "cube.bin", checksum))
    place = tmp_path / "new"
    with pytest.raises(WorkbenchError, match=r"expected .*:0000.* but got .*Run the same command again"):
        fetch_entry("spot", place)
    assert left(place) == []


@pytest.mark.parametrize(
    ("page", "words"), [("gone", r"answers 404 .*moved or removed"), ("login", "gives a web page and not the file")]
)
def test_refusals_are_told(server, offer, tmp_path, page, words):
    offer(Download(f"{server.url}/{page}", "cube.zip"))
    place = tmp_path / "new"
    with pytest.raises(WorkbenchError, match=words):
        fetch_entry("spot", place)
    assert left(place) == []


def test_no_network(server, offer, tmp_path):
    server.shutdown()
    server.server_close()
    offer(Download(f"{server.url}/cube.bin", "cube.bin", SHA))
    place = tmp_path / "new"
    with pytest.raises(WorkbenchError, match=r"cannot be reached.*Check the network"):
        fetch_entry("spot", place)
    assert left(place) == []


def test_where_to_get_files_by_hand(offer, tmp_path):
    offer(packagings=(Packaging("original", ("a_*.tif", "b.mat:cube"), "the contest", "Large."),))
    found = fetch_entry("spot", tmp_path)
    assert isinstance(found, Instructions)
    for words in ("Ask the provider.", "CC0", "Somebody 2020", str(tmp_path), "original (the contest): a_*.tif, b.mat:cube",
                  f"workbench import spot --from {tmp_path}"):  # fmt: skip
        assert words in str(found)


def test_files_that_a_person_puts_there_are_checked(offer, tmp_path):
    offer(Download("", "cube.bin", SHA, note="the password is on the page"))
    found = fetch_entry("spot", tmp_path)
    assert f"cube.bin, {SHA.replace(':', ' ')} (the password is on the page)" in str(found)
    (tmp_path / "cube.bin").write_bytes(b"half")
    with pytest.raises(WorkbenchError, match=rf"must be {SHA[7:]}, and it is {hashlib.sha256(b'half').hexdigest()}"):
        fetch_entry("spot", tmp_path)
    (tmp_path / "cube.bin").write_bytes(WHOLE)
    assert fetch_entry("spot", tmp_path) == tmp_path


def test_archives_are_unpacked_once(server, offer, tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("inner/inside.txt", "x")
    server.content = packed.getvalue()
    offer(Download(f"{server.url}/all.zip", "all.zip", unpack=True))
    place = fetch_entry("spot", tmp_path)
    inside = place / "all" / "inner" / "inside.txt"
    assert inside.read_text() == "x"
    inside.write_text("y")
    fetch_entry("spot", tmp_path)
    assert inside.read_text() == "y"  # it was not unpacked again


def test_names_are_checked(offer):
    offer()
    with pytest.raises(UnknownNameError, match="Nearest: spot"):
        fetch_entry("spott")
    assert "made when it is first opened" in str(fetch_entry("demo"))


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=lambda entry: entry.name)
def test_what_the_catalogue_offers_is_well_formed(entry):
    for wanted in entry.downloads:
        assert not wanted.url or wanted.url.startswith("https://")
        assert wanted.checksum is None or re.fullmatch(r"sha256:[0-9a-f]{64}|md5:[0-9a-f]{32}", wanted.checksum)
        assert not wanted.file.startswith("/")
        assert ".." not in wanted.file
    if not any(wanted.url for wanted in entry.downloads):
        assert isinstance(fetch_entry(entry.name), Instructions)
