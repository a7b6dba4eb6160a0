"""What all tests share: hermetic roots and threads, no network but loopback, and a Chromium that stays offline."""

import atexit
import ipaddress
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).parents[1]

# Set before anything imports numpy or torch, and inherited by every process that a test starts. One thread: results
# depend on their number, and the tests' narrow networks spend more time on handing work over than on doing it.
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

# One folder for the whole session, so that the demo scene is made once; nothing of the user's is read or written.
SCRATCH = Path(tempfile.mkdtemp(prefix="workbench-tests-"))
atexit.register(shutil.rmtree, SCRATCH, ignore_errors=True)
os.environ.update(
    WORKBENCH_DATA=str(SCRATCH / "data"),
    WORKBENCH_RUNS=str(SCRATCH / "runs"),
    WORKBENCH_REPORTS=str(SCRATCH / "reports"),
    IPYTHONDIR=str(SCRATCH / "ipython"),
    JUPYTER_CONFIG_DIR=str(SCRATCH / "jupyter"),
)


class NetworkBlockedError(RuntimeError):
    """A test tried to leave this machine. No OSError, or libraries that tolerate being offline would hide it."""


@pytest.fixture(scope="session", autouse=True)
def _loopback_only() -> Iterator[None]:
    """Refuse TCP connections of this process to anything but loopback (child processes are not covered)."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def check(sock: socket.socket, address: Any) -> None:
        if sock.family in (socket.AF_INET, socket.AF_INET6) and sock.type == socket.SOCK_STREAM:
            host = address[0]
            if host not in ("localhost", "") and not _is_loopback(host):
                raise NetworkBlockedError(f"A test tried to connect to {host}:{address[1]}; only loopback is allowed.")

    def guarded_connect(self: socket.socket, address: Any) -> None:
        check(self, address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        check(self, address)
        return connect_ex(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
        yield


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Path of a Chromium. Without one the test is skipped; on continuous integration (CI=true) it fails."""
    found = subprocess.run(
        [ROOT / ".ci" / "chromium"], check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    if found.returncode == 0:
        return found.stdout.strip()
    if os.environ.get("CI") == "true":
        pytest.fail(found.stderr.strip(), pytrace=False)
    pytest.skip(found.stderr.strip())


CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Whatever a page asks for elsewhere fails at once, also on a machine that is online.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
)


@dataclass
class OfflinePage:
    """A Playwright page of a fresh profile, with what must not happen in it.

    The fixture asserts at the end that both lists are empty; a test that provokes an entry takes it out again.
    """

    page: Any
    errors: list[str] = field(default_factory=list)  # console errors and uncaught exceptions
    remote: list[str] = field(default_factory=list)  # requests and sockets to anywhere but this machine

    def note_request(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob", "file", "about") and parts.hostname not in ("localhost", "127.0.0.1"):
            self.remote.append(url)


@pytest.fixture
def offline_page(chromium_path: str) -> Iterator[OfflinePage]:
    """A page in headless Chromium that reaches this machine only; fails the test on console errors or remote requests.

    Made anew for each test: Playwright's synchronous interface keeps an event loop running in this thread, which
    would break every later test that runs asyncio.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=list(CHROMIUM_FLAGS))
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        page = context.new_page()
        noted = OfflinePage(page)
        context.on("request", lambda request: noted.note_request(request.url))
        context.on("console", lambda message: message.type == "error" and noted.errors.append(message.text))
        context.on("weberror", lambda error: noted.errors.append(str(error.error)))
        page.on("websocket", lambda websocket: noted.note_request(websocket.url))
        yield noted
        browser.close()
    assert not noted.remote, "The page asked for something beyond this machine."
    assert not noted.errors, "The page logged errors."


@dataclass(frozen=True)
class SmallWorld:
    """Roots with two scenes and one finished, mapped run, for the tests of the faces.

    `small` is georeferenced and labelled, with a class name that would be a script if it were not escaped; `blank` is
    neither.
    """

    root: Path
    run: str


HOSTILE = "roof <script>alert(1)</script>"


@pytest.fixture(scope="session")
def _small_world_made(tmp_path_factory: pytest.TempPathFactory) -> SmallWorld:
    import numpy as np

    from workbench.experiments import map_scene, train
    from workbench.scenes import ClassTable, ModalityInfo, TileDraft, open_scene, write_scene

    root = tmp_path_factory.mktemp("small-world")
    rng = np.random.default_rng(0)
    rows, cols = 72, 96
    truth = rng.integers(1, 4, (rows // 6, cols // 6)).repeat(6, 0).repeat(6, 1)
    labelled = (rng.random((rows // 6, cols // 6)) < 0.7).repeat(6, 0).repeat(6, 1)
    waves = (450.0, 500.0, 550.0, 600.0, 650.0, 700.0, 750.0, 800.0, 1500.0, 1550.0)
    hsi = rng.normal(0.2, 0.02, (10, rows, cols)).astype("float32")
    hsi[3:6] += 0.2 * (truth == 2)
    lidar = (rng.normal(0, 0.3, (rows, cols)) + 3.0 * (truth == 3)).astype("float32")[None]
    lidar[0, :4, :5] = -9999.0
    sar = rng.normal(-12, 2, (2, rows, cols)).astype("float32")

    def describe(name: str, array: Any, **facts: Any) -> tuple[Any, ModalityInfo]:
        return array, ModalityInfo.of(name, array, **facts)

    small = TileDraft(
        name="small",
        modalities={
            "hsi": describe("hsi", hsi, quantity="reflectance", wavelengths=waves),
            "lidar": describe("lidar", lidar, quantity="height", unit="m", nodata=-9999.0),
            "sar": describe("sar", sar, quantity="backscatter dB", unit="dB", band_names=("VV", "VH")),
        },
        labels=np.where(labelled, truth, 0).astype("uint16"),
        transform=(2.0, 0.0, 500_000.0, 0.0, -2.0, 5_400_000.0),
        crs="EPSG:32633",
    )
    blank = TileDraft(name="blank", modalities={"msi": describe("msi", rng.random((5, 20, 30)).astype("float32"))})
    with pytest.MonkeyPatch.context() as patch:
        for name in ("data", "runs", "reports"):
            patch.setenv(f"WORKBENCH_{name.upper()}", str(root / name))
        classes = ClassTable.from_names(["meadow", "crop", HOSTILE])
        write_scene(root / "data" / "small.zarr", [small], classes, {"synthetic": True})
        write_scene(root / "data" / "blank.zarr", [blank], ClassTable())
        quick = {"tile": 12, "tile_batch": 4, "pixels_per_tile": 64}
        run = train(open_scene("small"), view="dense", width=0.03, epochs=2, progress=False, **quick)
        map_scene(run)
    return SmallWorld(root, run.id)


@pytest.fixture
def small_world(_small_world_made: SmallWorld, monkeypatch: pytest.MonkeyPatch) -> SmallWorld:
    """The small world, with this test's roots in it; made once per session."""
    for name in ("data", "runs", "reports"):
        monkeypatch.setenv(f"WORKBENCH_{name.upper()}", str(_small_world_made.root / name))
    return _small_world_made
