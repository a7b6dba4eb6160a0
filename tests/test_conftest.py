"""The shared fixtures must be able to fail a test; otherwise every browser test passes for nothing."""

import asyncio
import http.server
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

PAGE = """<!doctype html><title>page</title><link rel="icon" href="data:,">
<script>{script}</script><iframe src="data:text/html,<title>frame</title>"></iframe>"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    handler = partial(QuietHandler, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


def test_roots_are_not_the_users() -> None:
    from workbench.base.roots import data_root, reports_root, runs_root

    roots = {data_root(), runs_root(), reports_root()}
    assert len(roots) == 3
    assert all("workbench-tests-" in str(root) for root in roots)
    assert os.environ["OMP_NUM_THREADS"]


def test_network_is_blocked() -> None:
    with socket.socket() as sock, pytest.raises(RuntimeError, match=r"example\.invalid:80"):
        sock.connect(("example.invalid", 80))


def test_loopback_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.socket() as sock:
        sock.connect(listening.getsockname())


@pytest.mark.browser
def test_clean_page_notes_nothing(offline_page, server: str, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(PAGE.format(script="fetch('/index.html'); console.log('fine')"))
    offline_page.page.goto(f"{server}/index.html")
    assert offline_page.page.title() == "page"
    (tmp_path / "report.html").write_text(PAGE.format(script=""))
    offline_page.page.goto((tmp_path / "report.html").as_uri())


@pytest.mark.browser
def test_page_faults_are_noted(offline_page, server: str, tmp_path: Path) -> None:
    script = """
    console.error('said'); setTimeout(() => { throw new Error('thrown') });
    new WebSocket('ws://example.invalid/socket'); fetch('http://example.invalid/data').catch(() => 0);"""
    (tmp_path / "index.html").write_text(PAGE.format(script=script))
    offline_page.page.goto(f"{server}/index.html", wait_until="networkidle")
    assert set(offline_page.remote) == {"ws://example.invalid/socket", "http://example.invalid/data"}
    assert any("said" in text for text in offline_page.errors)
    assert any("thrown" in text for text in offline_page.errors)
    offline_page.remote.clear()
    offline_page.errors.clear()


def test_asyncio_runs_after_the_pages_above() -> None:
    assert asyncio.run(asyncio.sleep(0, "ran")) == "ran"


@pytest.mark.parametrize(("ci", "outcome"), [("true", "1 error"), ("", "1 skipped")])
def test_without_chromium_ci_fails_and_others_skip(ci: str, outcome: str) -> None:
    test = f"{__file__}::test_clean_page_notes_nothing"
    # Options of the outer run could name this file and so call this test again, without end.
    environment = os.environ | {"CI": ci, "WORKBENCH_CHROMIUM": "/no/such/browser", "PYTEST_ADDOPTS": ""}
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", test],
        check=False,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert outcome in run.stdout
    assert "WORKBENCH_CHROMIUM=/no/such/browser does not run" in run.stdout
