import io
import os
import stat
import tarfile
import zipfile

import numpy as np
import pytest

from workbench.base.errors import WorkbenchError
from workbench.scenes import archives
from workbench.scenes.archives import is_archive, unpack

FILES = {"data/a.bin": np.random.default_rng(0).bytes(3_000_000), "readme.txt": b"hello", "data/deep/b.txt": b""}


def make_zip(path, files=FILES, **infos):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.mkdir("empty")
        for name, content in files.items():
            file.writestr(name, content)
    return path


def make_tar(path, files=FILES, mode="w:gz"):
    with tarfile.open(path, mode) as file:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
    return path


MAKERS = {
    "a.zip": make_zip,
    "a.tar": lambda path, files=FILES: make_tar(path, files, "w"),
    "a.tar.gz": make_tar,
    "a.tar.xz": lambda path, files=FILES: make_tar(path, files, "w:xz"),
}


@pytest.fixture(params=MAKERS)
def pack(request, tmp_path):
    return lambda files=FILES: MAKERS[request.param](tmp_path / request.param, files)


def left(tmp_path):
    """What lies there beside the archive, hidden files too."""
    return sorted(name for name in os.listdir(tmp_path) if not name.startswith("a."))


def test_every_kind_is_unpacked_whole(tmp_path, pack):
    told = []
    archive = pack()
    assert is_archive(archive)
    assert unpack(archive, tmp_path / "out", lambda what, share: told.append(share)) == tmp_path / "out"
    for name, content in FILES.items():
        assert (tmp_path / "out" / name).read_bytes() == content
    assert told[-1] == pytest.approx(1)
    assert told == sorted(told)
    assert len(told) > 2
    assert left(tmp_path) == ["out"]
    with pytest.raises(WorkbenchError, match="exists already"):
        unpack(archive, tmp_path / "out")
    unpack(archive, tmp_path / "out", replace=True)


@pytest.mark.parametrize(
    "name", ["../evil.txt", "/etc/evil.txt", "data/../../evil.txt", "..\\evil.txt", "C:\\evil.txt"]
)
def test_members_that_point_outside_are_refused(tmp_path, pack, name):
    archive = pack({"good.txt": b"1", name: b"2"})
    with pytest.raises(
        WorkbenchError, match=r"a\.\S+: its member '.*' points outside the folder.*Nothing was unpacked"
    ):
        unpack(archive, tmp_path / "out")
    assert left(tmp_path) == []
    assert not (tmp_path.parent / "evil.txt").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_in_tar_are_refused(tmp_path, kind):
    with tarfile.open(tmp_path / "a.tar", "w") as file:
        info = tarfile.TarInfo("link")
        info.type, info.linkname = kind, "/etc/passwd"
        file.addfile(info)
    with pytest.raises(WorkbenchError, match="'link' is a link or a device"):
        unpack(tmp_path / "a.tar", tmp_path / "out")
    assert left(tmp_path) == []


def test_links_in_zip_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        info = zipfile.ZipInfo("link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        file.writestr(info, "/etc/passwd")
    with pytest.raises(WorkbenchError, match="'link' is a link or a device"):
        unpack(tmp_path / "a.zip", tmp_path / "out")
    assert left(tmp_path) == []


def test_a_flood_is_refused_before_anything_is_written(tmp_path, pack, monkeypatch):
    monkeypatch.setattr(archives, "FREE", 1000)
    archive = pack({"zeros": bytes(20_000_000)})
    if archive.suffix == ".tar":
        pytest.skip("a plain tar is as large as its content")
    with pytest.raises(WorkbenchError, match=r"would become 20 MB \(\d+ times\), and .* were expected at most"):
        unpack(archive, tmp_path / "out")
    assert left(tmp_path) == []
    unpack(archive, tmp_path / "out", ratio=10_000)
    assert (tmp_path / "out" / "zeros").stat().st_size == 20_000_000


def test_more_than_declared_is_refused(tmp_path):
    """The directory says 10 bytes; the data unpack to a million."""
    path = make_zip(tmp_path / "a.zip", {"big": bytes(1_000_000)})
    raw = path.read_bytes()
    path.write_bytes(raw.replace((1_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    with pytest.raises(WorkbenchError, match=r"a\.zip.*(damaged|holds more).*again"):
        unpack(path, tmp_path / "out")
    assert left(tmp_path) == []


def test_members_that_share_their_bytes_are_refused(tmp_path):
    """As in the zip bombs without recursion: the directory names the same data many times."""
    path = make_zip(tmp_path / "a.zip", {"kernel": np.random.default_rng(0).bytes(5000)})
    with zipfile.ZipFile(path, "a") as file:
        for i in range(50):
            copy = zipfile.ZipInfo(f"copy{i}")
            kernel = file.getinfo("kernel")
            for key in ("header_offset", "CRC", "compress_size", "file_size", "compress_type", "flag_bits"):
                setattr(copy, key, getattr(kernel, key))
            file.filelist.append(copy)
            file._didModify = True
    with pytest.raises(WorkbenchError, match="overlap"):
        unpack(path, tmp_path / "out")
    assert left(tmp_path) == []


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_half_an_archive_is_told_and_leaves_nothing(tmp_path, pack, share):
    archive = pack()
    archive.write_bytes(archive.read_bytes()[: int(share * archive.stat().st_size)])
    with pytest.raises(WorkbenchError, match=r"truncated, damaged.*Download it again"):
        unpack(archive, tmp_path / "out")
    assert left(tmp_path) == []


def test_a_flipped_byte_is_told(tmp_path):
    path = make_zip(tmp_path / "a.zip")
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 255
    path.write_bytes(raw)
    with pytest.raises(WorkbenchError, match="damaged"):
        unpack(path, tmp_path / "out")
    assert left(tmp_path) == []


def test_what_is_no_archive(tmp_path):
    (tmp_path / "a.zip").write_text("<html>Please log in</html>")
    with pytest.raises(WorkbenchError, match="no zip or tar archive"):
        unpack(tmp_path / "a.zip", tmp_path / "out")
    with pytest.raises(WorkbenchError, match="missing"):
        unpack(tmp_path / "a.tar", tmp_path / "out")


def test_a_full_disk_is_told_first(tmp_path, monkeypatch):
    path = make_zip(tmp_path / "a.zip")
    monkeypatch.setattr(archives.shutil, "disk_usage", lambda place: type("Usage", (), {"free": 1_000_000}))
    with pytest.raises(WorkbenchError, match=r"needs 3 MB and .* has 1 MB free"):
        unpack(path, tmp_path / "out")
    assert left(tmp_path) == []
