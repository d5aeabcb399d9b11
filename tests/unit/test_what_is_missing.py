"""A machine without the development requirements: what cannot run is skipped by name, anything else stays an error."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.found import missing_package, named, packages

PROJECT = Path(__file__).parents[2]


def collected(blocked: str, *files: str) -> subprocess.CompletedProcess[str]:
    """Collect tests in a Python that has no `blocked`."""
    program = f"import sys; sys.modules[{blocked!r}] = None; import pytest; sys.exit(pytest.main(sys.argv[1:]))"
    words = ["--collect-only", "-q", "-p", "no:cacheprovider", *files]
    return subprocess.run(
        [sys.executable, "-c", program, *words], cwd=PROJECT, capture_output=True, text=True, check=False
    )


def test_files_that_lack_a_package_are_skipped_by_name_and_the_others_run() -> None:
    done = collected("apprise", "tests/keeper", "tests/docker/test_index_after_sync.py", "tests/unit/test_network.py")

    assert done.returncode == 0, done.stdout
    remedy = "is missing: .venv/bin/pip install -r requirements-dev.lock"
    assert f"tests/docker: 1 file: docker tier: apprise {remedy}" in done.stdout
    assert f"files: keeper tier: apprise {remedy}" in done.stdout
    assert "tests/unit/test_network.py::" in done.stdout


def test_a_package_that_photos_installs_is_not_missed_in_silence() -> None:
    done = collected("httpx", "tests/docker/test_services.py")

    assert done.returncode != 0
    assert "ModuleNotFoundError" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("module", "package"),
    [
        ("apprise.common", "apprise"),
        ("prometheus_client.core", "prometheus-client"),
        ("markupsafe", "markupsafe"),
        ("httpx", None),
        ("keeper.dmup", None),
        ("tpying", None),
    ],
)
def test_only_the_keepers_own_packages_may_be_missing(module: str, package: str | None) -> None:
    assert missing_package(ModuleNotFoundError(name=module)) == package
    assert missing_package(ImportError(name=module)) is None
    assert missing_package(None) is None


def test_what_the_keeper_imports_is_what_its_requirements_name() -> None:
    trees = [ast.parse(file.read_text("utf-8")) for file in (PROJECT / "keeper").rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    names |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    tops = {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"keeper"}

    assert {named(name) for name in tops} <= packages("keeper/requirements.txt")
