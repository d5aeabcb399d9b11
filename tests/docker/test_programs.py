"""The images of restic and rclone hold the programs where the keeper's image takes them from."""

from __future__ import annotations

import pytest

from cli.docker_host import connect


@pytest.mark.usefixtures("programs")
@pytest.mark.parametrize(
    ("image", "program", "said"),
    [
        ("restic/restic:0.19.1", "/usr/bin/restic", "restic 0.19.1"),
        ("rclone/rclone:1.75.2", "/usr/local/bin/rclone", "rclone v1.75.2"),
    ],
)
def test_the_program_is_at_its_place_and_of_its_version(images: str, image: str, program: str, said: str) -> None:
    with connect() as client:
        output = client.containers.run(f"{images}/{image}", ["version"], entrypoint=[program], remove=True)

    assert output.decode().startswith(said)
