"""The age format: what the standard program wrote opens, and what we write cannot be cut or changed unnoticed."""

from __future__ import annotations

import base64

import pytest

from cli import age

PASSPHRASE = "five words that we remember"
# printf 'dear family\n' | age -p, with age 1.1.1
LETTER = base64.b64decode(
    "YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IHNjcnlwdCBOTUJLL3lJeVlPUDlXT1V1b051U1Z3IDE4CndtNFI3c3RuRTRZWWdBem1IbmtMK1pxUH"
    "hKUVMvV1JSdnBta09ERFY4UmsKLS0tIFZCVW93dEtZZ0NPZ1JxUDcrVG5GbEpKQ0tUWEtqcGEveXA0bFFZSHFTc0kKm2IakhxuBDmKvYXbw/0a"
    "5tM0IJ4JkcirURgNiy0l5d72uVKkWCnewSWYzxI="
)


@pytest.fixture(autouse=True)
def _little_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(age, "WORK_FACTOR", 10)


def test_what_the_standard_program_wrote_opens() -> None:
    assert age.decrypt(LETTER, PASSPHRASE) == b"dear family\n"


@pytest.mark.parametrize("size", [0, 1, age.CHUNK - 1, age.CHUNK, age.CHUNK + 1, 3 * age.CHUNK])
def test_content_of_any_size_comes_back(size: int) -> None:
    content = bytes(range(256)) * (size // 256) + bytes(size % 256)

    assert age.decrypt(age.encrypt(content, PASSPHRASE), PASSPHRASE) == content


def test_the_work_is_the_same_on_every_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()

    assert age.encrypt(b"", PASSPHRASE).splitlines()[1].endswith(b" 18")


def test_another_passphrase_opens_nothing() -> None:
    with pytest.raises(age.DecryptError):
        age.decrypt(LETTER, "six words that we do not remember")


@pytest.mark.parametrize("place", [30, 60, 110, 140, 160, -1])
def test_a_changed_bit_is_noticed_wherever_it_is(place: int) -> None:
    changed = bytearray(LETTER)
    changed[place] ^= 1
    with pytest.raises(age.DecryptError):
        age.decrypt(bytes(changed), PASSPHRASE)


@pytest.mark.parametrize("chunks", [1, 2])
def test_content_cut_between_two_chunks_is_noticed(chunks: int) -> None:
    file = age.encrypt(bytes(3 * age.CHUNK), PASSPHRASE)
    with pytest.raises(age.DecryptError):
        age.decrypt(file[: -chunks * (age.CHUNK + age.TAG)], PASSPHRASE)


def test_a_header_that_asks_for_too_much_work_is_refused() -> None:
    with pytest.raises(age.DecryptError, match="no file of age"):
        age.decrypt(LETTER.replace(b" 18\n", b" 40\n"), PASSPHRASE)
