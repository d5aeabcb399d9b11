"""Names of a snapshot: as restic tells them, as a person types them, as its patterns take them (cases 27 and 43)."""

from __future__ import annotations

import os
import unicodedata

import pytest

from keeper.restore.names import escaped, key, loose, nanoseconds, shown


def test_each_byte_that_is_no_text_is_one_sign() -> None:
    assert shown(b"/a/\xff\xfe\xe5\xae.jpg") == "/a/\ufffd\ufffd\ufffd\ufffd.jpg"
    assert shown(os.fsdecode(b"\xff")) == "\ufffd"
    assert shown("/家人") == "/家人"


def test_a_name_is_the_same_however_it_is_typed() -> None:
    mac = unicodedata.normalize("NFD", "Käfer Él.JPG")

    assert key(mac) == key("käfer él.jpg") == key("KÄFER ÉL.JPG")
    assert key("a") != key("b")


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("/a/[b] *?\\.jpg", "/a/\\[b] \\*\\?\\\\.jpg"),
        ("/a/two\nlines", "/a/two?lines"),
        ("/a/$HOME", "/a/[$]HOME"),
        ("/a/\ufffd.jpg", "/a/?.jpg"),
        ("/a/ends with a space ", "/a/ends with a space[ ]"),
        ("/a/ends\u3000", "/a/ends[\u3000]"),
        ("/#a/!b", "/#a/!b"),
    ],
)
def test_a_pattern_fits_its_path(path: str, pattern: str) -> None:
    assert escaped(path) == pattern


def test_what_is_typed_fits_all_forms_of_a_name() -> None:
    assert loose("/2024/Käfer[1]") == "*2024/K*fer?1?*"
    assert loose("家人") == "*家人*"


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1970-01-01T00:00:01Z", 10**9),
        ("1969-12-31T23:59:59.5Z", -(10**9) // 2),
        ("2360-01-01T08:00:00.123456789+08:00", 12307161600 * 10**9 + 123456789),
        ("1904-01-01T00:00:00Z", -2082844800 * 10**9),
        ("", 0),
    ],
)
def test_times_are_read_to_the_nanosecond(text: str, ns: int) -> None:
    assert nanoseconds(text) == ns
