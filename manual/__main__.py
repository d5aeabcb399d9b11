"""Write what of the pages comes from the code: `.venv/bin/python -m manual`."""

from __future__ import annotations

from manual.pages import LANGUAGES, page, with_part
from manual.parts import PARTS


def main() -> None:
    """Write every generated part, and name the pages that changed by it."""
    for name, marker, write in PARTS:
        for language in LANGUAGES:
            file = page(name, language)
            before = file.read_text("utf-8")
            after = with_part(before, marker, write(language))
            if after != before:
                file.write_text(after, "utf-8")
                print(f"written: {file}")


main()
