"""The kernel of a report: this interpreter, whatever kernels the user has installed, with absolute roots."""

import sys
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

from workbench.base.roots import data_root, reports_root, runs_root


def kernel_manager(profile: Path) -> type[AsyncKernelManager]:
    """A kernel manager that starts ipykernel with the running interpreter instead of looking up a kernel by name.

    Args:
        profile: An empty folder for IPython, so that no start-up file of the user changes a report.
    """
    environment = {
        "WORKBENCH_DATA": str(data_root()),
        "WORKBENCH_RUNS": str(runs_root()),
        "WORKBENCH_REPORTS": str(reports_root()),
        "IPYTHONDIR": str(profile),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # else the debugger inside ipykernel warns into the report
    }
    spec = KernelSpec(
        argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        display_name="workbench",
        language="python",
        env=environment,
    )

    class OwnKernelManager(AsyncKernelManager):
        def __init__(self, **settings: Any) -> None:
            # Sockets of the file system, where there are any: nobody else on the machine can reach the kernel.
            more = {} if sys.platform == "win32" else {"transport": "ipc", "ip": str(profile / "kernel")}
            super().__init__(**settings | more)

        @property
        def kernel_spec(self) -> KernelSpec:
            return spec

    return OwnKernelManager
