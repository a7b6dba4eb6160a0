"""The dashboard's server: this machine only, every script and style from here."""

import errno
from typing import Any

from workbench.base.errors import WorkbenchError

ADDRESS = "127.0.0.1"
UNUSED_MS, CHECK_MS = 30_000, 10_000
"""A session whose page is closed gives its memory back after so long, looked for so often (milliseconds)."""


def serve(port: int = 5006, open_browser: bool = True) -> None:
    """Serve the dashboard on 127.0.0.1 until interrupted.

    Args:
        port: Port; 0 takes a free one.
        open_browser: Whether to open a browser at it.

    Raises:
        WorkbenchError: The port is taken.
    """
    server = make_server(port)
    address = f"http://{ADDRESS}:{server.port}/"
    print(f"The dashboard is at {address} (this machine only). Ctrl+C ends it.", flush=True)
    if open_browser:
        server.io_loop.add_callback(lambda: _open(address))
    server.run_until_shutdown()


def make_server(port: int) -> Any:
    """A Bokeh server with the dashboard at `/` and reports at `/report/<id>`, not yet running.

    Raises:
        WorkbenchError: The port is taken or not permitted.
    """
    import panel as pn

    from workbench.dashboard.app import page
    from workbench.dashboard.report_files import ReportFile

    port = port or _free_port()
    hosts = [f"{host}:{port}" for host in (ADDRESS, "localhost")]
    try:
        return pn.io.server.get_server(
            page,
            port=port,
            address=ADDRESS,
            websocket_origin=hosts,
            extra_patterns=[(r"/report/([^/]*)", ReportFile, {"hosts": hosts})],
            title="Fusion workbench",
            location=False,
            show=False,
            start=False,
            unused_session_lifetime_milliseconds=UNUSED_MS,
            check_unused_sessions_milliseconds=CHECK_MS,
        )
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise WorkbenchError(
                f"Port {port} is taken, perhaps by another dashboard. Look at http://{ADDRESS}:{port}/ or choose "
                "another: workbench serve --port 5007"
            ) from error
        raise WorkbenchError(f"The dashboard cannot listen on {ADDRESS}:{port}: {error.strerror}.") from error


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        return int(probe.getsockname()[1])


def _open(address: str) -> None:
    import webbrowser

    webbrowser.open(address)
