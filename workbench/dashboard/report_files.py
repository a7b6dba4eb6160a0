"""Report pages as the server gives them out: only from the reports folder, and locked in."""

from typing import Any

from tornado.web import HTTPError, RequestHandler

from workbench.base.roots import reports_root
from workbench.reports.folder import FOLDER

POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
)
"""What a report may do: run its own scripts. It reaches no address, not even this server."""


class ReportFile(RequestHandler):
    """`GET /report/<id>`: the page of a report.

    Only the name of a folder counts, and it must look like a report's id, so that no path leads elsewhere; a folder
    that is a link out of the reports folder is refused too. Requests under another host name than this machine's are
    refused: a page elsewhere could have that name point here.
    """

    def initialize(self, hosts: list[str]) -> None:
        """Keep the host names under which this server is known."""
        self._hosts = hosts

    def get(self, name: str) -> None:
        """Give out the page, or 404."""
        if self.request.host not in self._hosts:
            raise HTTPError(403)
        self.write(self._read(name))

    def _read(self, name: str) -> bytes:
        if not FOLDER.fullmatch(name):
            raise HTTPError(404)
        root = reports_root().resolve()
        path = (root / name / "report.html").resolve()
        if path.parent.parent != root or not path.is_file():
            raise HTTPError(404)
        return path.read_bytes()

    def set_default_headers(self) -> None:
        """Lock the page in, whatever it is asked for."""
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Content-Security-Policy", POLICY)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("Cache-Control", "no-store")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")

    def write_error(self, status_code: int, **more: Any) -> None:
        """A plain sentence instead of a traceback."""
        del more
        self.finish(f"<!doctype html><title>{status_code}</title><p>There is no such report.</p>")
