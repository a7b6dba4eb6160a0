"""`.ci/setup` and `.ci/chromium` on machines that they are not run on here: stand-in commands write down what was asked."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Answers as an interpreter would: its version and place, `-m venv` (which makes a .venv with the same stand-in), pip.
PYTHON = """#!/bin/bash
echo "python $*" >>"$CALLS"
case "$*" in
  *ensurepip*) exit {lacks_venv} ;;
  *version_info*) {answers} ;;
  "-m venv "*) [ -z "$BREAK_VENV" ] || exit 1; mkdir -p .venv/bin; cp "$0" .venv/bin/python ;;
  *"-m pip install"*) [ -z "$BREAK_PIP" ] || exit 1 ;;
esac
"""
UV = """#!/bin/bash
echo "uv $* (find links: $UV_FIND_LINKS)" >>"$CALLS"
if [ "$1" = venv ]; then mkdir -p .venv/bin; cp "$(command -v python3.12)" .venv/bin/python; fi
"""


class Machine:
    """A copy of what `.ci/setup` reads, and a PATH that holds its commands and stand-ins only."""

    def __init__(self, folder: Path) -> None:
        self.home, self.bin, self.calls = folder / "project", folder / "bin", folder / "calls"
        self.bin.mkdir()
        shutil.copytree(ROOT / ".ci", self.home / ".ci")
        for name in ("pyproject.toml", "constraints.txt"):
            shutil.copy(ROOT / name, self.home)
        for name in ("bash", "cat", "cksum", "cp", "dirname", "env", "head", "id", "mkdir", "rm", "tail", "touch"):
            (self.bin / name).symlink_to(shutil.which(name) or pytest.skip(f"no {name} here"))

    def command(self, name: str, text: str) -> None:
        (self.bin / name).write_text(text, encoding="utf-8")
        (self.bin / name).chmod(0o755)

    def python(self, name: str, version: str, lacks_venv: int = 0) -> None:
        answers = f'echo "{version} {self.bin / name}"' if version else "exit 1"
        self.command(name, PYTHON.format(lacks_venv=lacks_venv, answers=answers))

    def run(self, script: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        self.calls.write_text("", encoding="utf-8")
        environment = {"PATH": str(self.bin), "CALLS": str(self.calls), "HOME": str(self.home)} | variables
        command = ["bash", str(self.home / ".ci" / script), *arguments]
        return subprocess.run(
            command, env=environment, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL
        )

    def called(self, words: str) -> list[str]:
        return [line for line in self.calls.read_text(encoding="utf-8").splitlines() if words in line]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_fresh_machine_then_nothing_to_do(machine: Machine) -> None:
    machine.python("python3.12", "3.12.9")
    machine.python("python3", "3.11.2")
    first = machine.run("setup")
    assert first.returncode == 0, first.stderr
    assert first.stdout.splitlines() == [
        "set-up: making .venv with Python 3.12.9",
        "set-up: installing packages (minutes the first time)",
        "set-up: ready (.venv)",
    ]
    (install,) = machine.called("pip install")
    assert "-c constraints.txt -e .[test]" in install
    again = machine.run("setup")
    assert (again.returncode, again.stdout) == (0, "")
    assert not machine.called("pip install")


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_changed_inputs_install_again_into_the_same_environment(machine: Machine, name: str) -> None:
    machine.python("python3", "3.11.2")
    machine.run("setup")
    with (machine.home / name).open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    assert machine.run("setup").returncode == 0
    assert machine.called("pip install")
    assert not machine.called("-m venv")


def test_another_python_makes_the_environment_anew(machine: Machine) -> None:
    machine.python("python3", "3.11.2")
    machine.run("setup")
    machine.python("python3", "3.11.9")
    (machine.home / ".venv" / "old").touch()
    assert "making .venv with Python 3.11.9" in machine.run("setup").stdout
    assert not (machine.home / ".venv" / "old").exists()


@pytest.mark.parametrize("broken", ["BREAK_VENV", "BREAK_PIP"])
def test_interrupted_set_up_starts_afresh(machine: Machine, broken: str) -> None:
    machine.python("python3", "3.11.2")
    failed = machine.run("setup", **{broken: "yes"})
    assert failed.returncode == 1
    assert failed.stderr.startswith("set-up: ")
    (machine.home / ".venv" / "half").touch()
    assert machine.run("setup").returncode == 0
    assert machine.called("-m venv")
    assert not (machine.home / ".venv" / "half").exists()


def test_an_environment_made_by_hand_is_kept(machine: Machine) -> None:
    machine.python("python3", "3.11.2")
    (machine.home / ".venv" / "bin").mkdir(parents=True)
    shutil.copy(machine.bin / "python3", machine.home / ".venv" / "bin" / "python")
    assert machine.run("setup").returncode == 0
    assert not machine.called("-m venv")
    assert machine.called("pip install")


def test_no_python_is_one_line(machine: Machine) -> None:
    machine.python("python3", "")
    outcome = machine.run("setup")
    assert outcome.returncode == 1
    assert outcome.stdout == ""
    (sentence,) = outcome.stderr.splitlines()
    assert sentence.startswith(
        "set-up: no Python 3.11 or newer on PATH; install one (apt install python3 python3-venv)"
    )


def test_missing_venv_module_is_one_line(machine: Machine) -> None:
    machine.python("python3", "3.13.1", lacks_venv=1)
    outcome = machine.run("setup")
    assert outcome.returncode == 1
    assert outcome.stderr.splitlines() == [
        "set-up: Python 3.13.1 lacks its venv module; install it (apt install python3-venv) and run the same command again."
    ]
    machine.python("python3.11", "3.11.2")
    machine.python("python3.13", "3.13.1", lacks_venv=1)
    assert "making .venv with Python 3.11.2" in machine.run("setup").stdout


def test_uv_is_used_where_it_is_and_needs_no_venv_module(machine: Machine) -> None:
    machine.python("python3.12", "3.12.9", lacks_venv=1)
    machine.command("uv", UV)
    outcome = machine.run("setup", PIP_FIND_LINKS="/wheels")
    assert outcome.returncode == 0, outcome.stderr
    assert "making .venv with uv and Python 3.12.9" in outcome.stdout
    venv, install = machine.called("uv ")
    assert f"--python {machine.bin / 'python3.12'}" in venv
    assert "-c constraints.txt -e .[test] (find links: /wheels)" in install


def test_chromium_is_found_and_asked(machine: Machine) -> None:
    machine.command("chromium", "#!/bin/bash\nexit 1\n")  # a stub that only names another package
    machine.command("google-chrome", "#!/bin/bash\n")
    assert machine.run("chromium").stdout.strip() == str(machine.bin / "google-chrome")
    machine.command("mine", "#!/bin/bash\n")
    mine = str(machine.bin / "mine")
    assert machine.run("chromium", WORKBENCH_CHROMIUM=mine).stdout.strip() == mine
    refused = machine.run("chromium", "--install", WORKBENCH_CHROMIUM="/no/such")
    assert refused.returncode == 1
    assert refused.stderr == "WORKBENCH_CHROMIUM=/no/such does not run; correct or unset it.\n"


def test_playwrights_own_chromium_is_found(machine: Machine) -> None:
    browser = machine.home / ".cache" / "ms-playwright" / "chromium-1234" / "chrome-linux64" / "chrome"
    browser.parent.mkdir(parents=True)
    browser.write_text("#!/bin/bash\n", encoding="utf-8")
    browser.chmod(0o755)
    assert machine.run("chromium").stdout.strip() == str(browser)


@pytest.mark.parametrize("arguments", [[], ["--install"]])
def test_no_chromium_is_one_sentence(machine: Machine, arguments: list[str]) -> None:
    outcome = machine.run("chromium", *arguments)
    assert (outcome.returncode, outcome.stdout) == (1, "")
    assert len(outcome.stderr.splitlines()) == 1
    assert "apt install chromium" in outcome.stderr


def test_chromium_is_installed_only_by_root(machine: Machine) -> None:
    made = f"printf '#!/bin/bash\\n' >{machine.bin}/chromium; /bin/chmod +x {machine.bin}/chromium"
    machine.command("apt-get", f'#!/bin/bash\necho "apt $*" >>"$CALLS"\ncase "$*" in *install*) {made} ;; esac\n')
    machine.command("id", "#!/bin/bash\necho 1000\n")
    outcome = machine.run("chromium", "--install")
    assert outcome.returncode == 1
    assert "needs root" in outcome.stderr
    assert not machine.called("apt")
    machine.command("id", "#!/bin/bash\necho 0\n")
    outcome = machine.run("chromium", "--install")
    assert outcome.stdout.strip() == str(machine.bin / "chromium")
    assert [line.partition(" chromium")[0] for line in machine.called("apt")] == [
        "apt -q update",
        "apt -q -y --no-install-recommends install",
    ]


def test_failed_installation_shows_why(machine: Machine) -> None:
    machine.command("id", "#!/bin/bash\necho 0\n")
    machine.command("apt-get", "#!/bin/bash\necho 'Could not resolve the mirror' >&2\nexit 100\n")
    outcome = machine.run("chromium", "--install")
    assert outcome.returncode == 1
    assert "Could not resolve the mirror" in outcome.stderr
    assert "could not be installed" in outcome.stderr.splitlines()[-1]


def test_make_lists_its_targets() -> None:
    outcome = subprocess.run(["make"], cwd=ROOT, check=True, capture_output=True, text=True)
    for target in ("demo", "test", "test-long", "lint", "lab", "serve"):
        assert f"make {target} " in outcome.stdout
