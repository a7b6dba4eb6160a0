"""What a run was made with: recorded even where an installation is broken."""

from types import SimpleNamespace

from workbench.experiments import environment


def test_a_package_without_a_name_is_left_out(monkeypatch):
    found = [SimpleNamespace(name=name, metadata={"Name": name}, version="1.0") for name in ("torch", None, "numpy")]
    monkeypatch.setattr(environment, "distributions", lambda: found)
    assert environment.environment("cpu")["packages"] == {"numpy": "1.0", "torch": "1.0"}
