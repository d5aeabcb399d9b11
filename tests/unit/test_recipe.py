"""CONTRIBUTING's recipe for a service: its example, one line, and everything else knows it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parents[2]
COPIED = ("components", "stacks", "keeper", "cli", "demo", "tests")
FILES = (
    "pyproject.toml",
    "requirements.txt",
    "requirements-dev.txt",
    "requirements.lock",
    "Pulumi.yaml",
    "__main__.py",
)
WHAT_IT_IS = """
import json, sys
sys.path[:0] = [".", "tests/unit"]
from example_stack import changed, container, declare_stack, example, canary, resource, uploads
from components.service import Owner
from stacks.config import parse
from stacks.expected import expected
from example_stack import secret_keys, sections

config = changed(example("home"), {"services.memos": {"port": 5231, "environment": {"MEMOS_MODE": "prod"}}})
config["photos:memos_admin_password"] = canary("memos_admin_password")
recorder = declare_stack(config, "home")
settings = parse("home", sections(config), secret_keys={key.removeprefix("photos:") for key in secret_keys(config)}).settings
memos = next(service for service in expected("home", settings).services if service.name == "memos")
print(json.dumps({
    "made by ./photos": settings.generated_secret_keys(),
    "login": memos.login.argument,
    "volumes": memos.volumes,
    "kept": resource(recorder, "Volume", "memos").options["retain_on_delete"],
    "container": container(recorder, "memos"),
    "files": uploads(recorder, "memos"),
    "leave_out": json.loads(uploads(recorder, "keeper")["/etc/keeper/keeper.json"])["leave_out"],
}))
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the service that CONTRIBUTING.md shows."""
    target = tmp_path_factory.mktemp("recipe")
    for part in COPIED:
        shutil.copytree(PROJECT / part, target / part, ignore=shutil.ignore_patterns("__pycache__", "Pulumi.*.yaml"))
    shutil.copytree(PROJECT / "stacks/examples", target / "stacks/examples", dirs_exist_ok=True)
    for file in FILES:
        shutil.copy2(PROJECT / file, target)
    recipe = (PROJECT / "CONTRIBUTING.md").read_text("utf-8").partition("## A service\n")[2]
    (code,) = re.findall(r"```python\n(.*?)```", recipe.partition("## Tests\n")[0], re.DOTALL)
    (target / "components/services/memos.py").write_text(code, "utf-8")
    listed = target / "components/services/__init__.py"
    text = listed.read_text("utf-8").replace(
        "from components.services.photoprism",
        "from components.services.memos import Memos\nfrom components.services.photoprism",
    )
    listed.write_text(text.replace("    Drive,\n", "    Drive,\n    Memos,\n"), "utf-8")
    return target


@pytest.fixture(scope="module")
def added(copy: Path) -> dict[str, Any]:
    run = [sys.executable, "-c", WHAT_IT_IS]
    done = subprocess.run(run, cwd=copy, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(done.stdout))


def test_its_container_obeys_the_house_rules(added: dict[str, Any]) -> None:
    container = added["container"]

    assert container["name"] == "photos-home-memos"
    assert container["capabilities"] == {"drops": ["ALL"], "adds": []} or container["capabilities"] == {
        "drops": ["ALL"]
    }
    assert container["ports"] == [{"internal": 5230, "external": 5231, "ip": "127.0.0.1", "protocol": "tcp"}]
    assert "MEMOS_MODE=prod" in container["envs"]


def test_its_secret_its_login_and_its_volume_are_known_everywhere(added: dict[str, Any]) -> None:
    assert "memos_admin_password" in added["made by ./photos"]
    assert added["login"] == "admin_password"
    assert added["volumes"] == ["photos-home-memos"]
    assert added["kept"] is True
    assert added["files"]["/run/secrets/admin_password"] == "canary-of-memos_admin_password"
    assert len(added["files"]["/run/secrets/session_key"]) == 32


def test_its_volume_is_backed_up(added: dict[str, Any]) -> None:
    assert added["leave_out"]["memos"] == []


def test_the_tests_over_all_services_take_it_up(copy: Path) -> None:
    over_all = ["tests/unit/test_architecture.py", "tests/unit/test_extras.py", "-k", "one_file or memos"]
    run = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", *over_all]

    done = subprocess.run(run, cwd=copy, capture_output=True, text=True, check=False, timeout=240)

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "[memos]" in done.stdout, "or it is not among what was tried"
    assert "test_a_service_is_one_file_of_its_name PASSED" in done.stdout
