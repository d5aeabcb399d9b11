"""Which room may know which: read from the imports, so that nobody has to remember it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pulumi
import pytest

PROJECT = Path(__file__).parents[2]
ROOMS = ("components", "stacks", "cli", "demo", "keeper", "policy", "bench", "manual", "tests")
STAND_INS = PROJECT / "demo/images"
FILES = {
    str(path.relative_to(PROJECT)): ast.parse(path.read_text("utf-8"))
    for folder in ROOMS[:-1]
    for path in sorted((PROJECT / folder).rglob("*.py"))
    # What runs inside a stand-in has only its own folder there.
    if (not path.is_relative_to(STAND_INS) or path.parent == STAND_INS) and ".venv" not in path.parts
} | {"__main__.py": ast.parse((PROJECT / "__main__.py").read_text("utf-8"))}

# folder → what its files may import of our own; the longest match counts.
ALLOWED = {
    "__main__.py": ("stacks",),
    "components/": ("components",),
    # The one thing that both sides of the settings file share.
    "components/keeper.py": ("components", "keeper.settings", "keeper.errors"),
    # Its image holds nothing else.
    "keeper/": ("keeper",),
    # It measures the whole, in a world of the tests' making.
    "bench/": ("bench", "stacks", "components", "cli", "demo", "keeper", "tests"),
    # What of the pages comes from the code.
    "manual/": ("manual", "stacks", "components", "cli", "keeper", "tests.keeper"),
    # It judges any program, so it knows none.
    "policy/": (),
    "components/services/": ("components",),
    "stacks/": ("stacks", "components"),
    "stacks/arguments.py": ("stacks", "components", "keeper.settings"),
    "stacks/releases.py": ("stacks", "components", "keeper.settings"),
    "stacks/sections/backup/keeper_defaults.py": ("stacks", "components", "keeper.settings", "keeper.errors"),
    "cli/": ("cli", "stacks", "components"),
    # What a copy costs is one formula, also before there is a keeper.
    "cli/estimate.py": ("cli", "stacks", "components", "keeper.settings", "keeper.backup.estimate"),
    # Without a keeper `status` asks itself, with the same code.
    "cli/releases.py": ("cli", "stacks", "components", "keeper.settings", "keeper.state", "keeper.releases"),
    # Docker Hub is asked by more than one way before a digest is believed.
    "cli/pins/": ("cli", "stacks", "components", "keeper.releases.registry"),
    # The commands: one of them starts the demo, so they stand above it. Nobody else knows that there is a demo.
    "cli/commands/": ("cli", "demo", "stacks", "components"),
    # A use of the product like a person's: it starts and removes a stack with what the commands are made of.
    "demo/": ("demo", "cli", "stacks", "components"),
    # Built for the tests too, without a photo system.
    "demo/images/": ("demo.images",),
}
# The keeper's rooms, each of which knows only those before it. A problem becomes text at the edge alone.
KEEPER = (
    "errors",
    "locks",
    "settings",
    "mounts",
    "state",
    "releases",
    "copies",
    "backup",
    "restore",
    "service",
    "page",
    "commands",
)
EDGE = ("texts", "service", "page", "commands")
COMMANDS = ("cli.app", "cli.commands")
# The checks of the host look at Docker's API; no Pulumi there.
SETTINGS_READERS = {"stacks/config.py"}
# What Pulumi does not offer; the file says why.
NOT_PUBLIC = {
    "stacks/mock_monitor.py": {"pulumi.runtime.mocks.MockMonitor"},
}


def imports(tree: ast.AST) -> Iterator[tuple[str, bool]]:
    """Yield every imported name in full, and whether the import runs when the file is imported."""
    top = {id(node) for node in getattr(tree, "body", ())}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((name.name, id(node) in top) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from ((f"{node.module}.{name.name}", id(node) in top) for name in node.names)


def is_within(name: str, rooms: tuple[str, ...]) -> bool:
    return any(name == room or name.startswith(f"{room}.") for room in rooms)


def attributes(tree: ast.AST) -> set[str]:
    """Return every dotted name in a file, e.g. `docker.Container`."""
    return {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


@pytest.mark.parametrize("file", FILES)
def test_imports_point_one_way(file: str) -> None:
    rule = max((folder for folder in ALLOWED if file.startswith(folder)), key=len)
    ours = [name for name, _ in imports(FILES[file]) if is_within(name, ROOMS)]

    assert [name for name in ours if not is_within(name, ALLOWED[rule])] == []


@pytest.mark.parametrize("room", KEEPER)
def test_each_room_of_the_keeper_knows_only_those_before_it(room: str) -> None:
    trees = [tree for file, tree in FILES.items() if file.startswith((f"keeper/{room}/", f"keeper/{room}.py"))]
    ours = [name for tree in trees for name, _ in imports(tree) if is_within(name, ("keeper",))]
    known = (*KEEPER[: KEEPER.index(room) + 1], *(("texts",) if room in EDGE else ()))

    assert trees
    assert [name for name in ours if not is_within(name, tuple(f"keeper.{name}" for name in known))] == []


def test_nobody_imports_the_commands_so_that_the_demo_may_use_the_rest_of_cli() -> None:
    users = {file for file, tree in FILES.items() if any(is_within(name, COMMANDS) for name, _ in imports(tree))}

    others = {file for file in users if not file.startswith(("cli/commands/", "manual/"))}
    assert others == {"cli/__main__.py"}, "cli and demo would import each other in a circle"


def test_the_commands_load_the_demo_only_when_it_is_asked_for() -> None:
    commands = [tree for file, tree in FILES.items() if file.startswith("cli/commands/")]
    early = [name for tree in commands for name, top in imports(tree) if top and is_within(name, ("demo",))]

    assert early == [], "every command would pay for what draws the samples"


@pytest.mark.parametrize("file", [file for file in FILES if file.startswith("components/")])
def test_only_the_list_of_services_knows_a_leaf_and_no_leaf_imports_another(file: str) -> None:
    leaves = [name for name, _ in imports(FILES[file]) if is_within(name, ("components.services",))]

    if file == "components/photo_system.py":
        assert set(leaves) == {"components.services.SERVICES", "components.services.LeafService"}
    elif file != "components/services/__init__.py":
        assert leaves == []


@pytest.mark.parametrize("file", FILES)
def test_the_stack_file_is_read_in_one_place(file: str) -> None:
    names = {name for name, _ in imports(FILES[file])} | attributes(FILES[file])
    reads = {
        name
        for name in names
        if name in {"pulumi.Config", "Config.require_object"}
        or name.startswith(
            ("pulumi.runtime.config", "pulumi.config", "pulumi.runtime.get_config", "pulumi.runtime.set_all_config")
        )
    }

    assert file in SETTINGS_READERS or not reads, "components would depend on the spelling of a stack file"


@pytest.mark.parametrize("file", FILES)
def test_of_pulumi_only_public_names_are_used(file: str) -> None:
    names = {name for name, _ in imports(FILES[file])} | attributes(FILES[file])
    dotted = {
        name for name in names if is_within(name, ("pulumi", "pulumi_docker", "pulumi_random", "pulumi_cloudflare"))
    }
    private = {name for name in dotted if re.search(r"^[\w.]*\b_", name)}
    unlisted = {name for name in dotted if is_within(name, ("pulumi.runtime",)) and not is_listed(name)}

    assert private | unlisted == NOT_PUBLIC.get(file, set()), "a release of Pulumi may take them away without a word"


def is_listed(name: str) -> bool:
    """Whether a name below `pulumi.runtime` is one that it offers."""
    first = name.removeprefix("pulumi.runtime").strip(".").partition(".")[0]
    return not first or first in pulumi.runtime.__all__


@pytest.mark.parametrize("file", FILES)
def test_components_do_not_know_which_stack_they_are_in(file: str) -> None:
    names = {name for name, _ in imports(FILES[file])} | attributes(FILES[file])

    known = {name for name in names if name.rpartition(".")[2] in {"get_stack", "get_project", "export"}}
    assert not (file.startswith("components/") and known)


@pytest.mark.parametrize("file", [file for file in FILES if file.startswith(("components/", "stacks/"))])
def test_containers_are_made_in_one_place(file: str) -> None:
    tree = FILES[file]
    provider = {
        name.asname or name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names
    }
    uses_provider = any(name.startswith("pulumi_docker") for name, _ in imports(tree))
    makes = "docker.Container" in attributes(tree) and uses_provider and "docker" in provider
    makes |= any(name.startswith("pulumi_docker.") and "Container" in name for name, _ in imports(tree))

    assert makes is (file == "components/service.py"), "the house rules hold because nobody else makes one"


@pytest.mark.parametrize("file", FILES)
def test_docker_is_reached_in_one_place_so_that_it_is_one_docker(file: str) -> None:
    reaching = attributes(FILES[file]) & {"docker.from_env", "docker.DockerClient.from_env", "docker.APIClient"}

    # The stand-ins are built without a photo system, on the Docker of this environment. What is declared inside an app
    # by its command is told by endpoint.py how Docker is reached.
    assert not reaching or file in {
        "stacks/host/endpoint.py", "demo/images/build.py", "components/apps/photoprism_people.py",
    }  # fmt: skip


CLOUDFLARE = {
    "pulumi_cloudflare": ["components/cloudflare_sdk.py"],
    "components.cloudflare_sdk": ["components/tunnel.py"],
    "components.tunnel": [],
}
"""What costs a second or more to import → the files that import it at their top."""


@pytest.mark.parametrize("costly", CLOUDFLARE)
def test_cloudflare_is_imported_in_one_file_and_that_file_only_when_something_is_published(costly: str) -> None:
    importers = [
        file for file in FILES if any(is_within(name, (costly,)) and top for name, top in imports(FILES[file]))
    ]

    assert importers == CLOUDFLARE[costly]


def test_a_stack_without_a_tunnel_does_not_load_cloudflare() -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import example_stack\n"
        "assert example_stack.declared('wsl').of_type('Container')\n"
        "import stacks.program\n"
        "print('pulumi_docker' in sys.modules, 'pulumi_cloudflare' in sys.modules, 'cli.app' in sys.modules)\n"
    )

    result = subprocess.run(
        [sys.executable, "-c", program, str(Path(__file__).parent)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )

    assert result.stdout == "True False False\n", f"it costs seconds and 120 MB. {result.stderr[-500:]}"


def test_a_service_is_one_file_of_its_name() -> None:
    from components.services import services_by_name  # noqa: PLC0415

    files = {Path(file).stem for file in FILES if file.startswith("components/services/")} - {"__init__"}

    assert set(services_by_name()) == files


def test_no_two_test_files_share_a_name() -> None:
    """Without packages pytest takes the second for the first, and only a run of everything shows it."""
    names = Counter(file.name for file in (PROJECT / "tests").rglob("test_*.py"))

    assert [name for name, count in names.items() if count > 1] == []
