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
