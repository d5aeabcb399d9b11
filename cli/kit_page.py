"""What the recovery kit says to whoever opens it: a page to print, and the same as text inside."""

from __future__ import annotations

import html
import string
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from cli.kit_copies import Step

PAGE = Path(__file__).with_name("kit.html")
README = """photos: recovery kit of the stack "{stack}", made {made}
id {id}

Copies / 备份位置:
{copies}

With the project / 用本项目恢复
  ./photos keeper restore --kit {file} --stack {stack}
It puts back the stack file and its passphrase, starts the system and brings photos and database back.
它会放回配置文件和口令,启动系统,再取回照片和数据库。

Without the project / 没有本项目时
{steps}
Pulumi.{stack}.yaml and passphrase are the stack file and what decrypts it (pulumi config get --show-secrets).
"""


def readme(about: Mapping[str, str], copies: Iterable[str], steps: Sequence[Step]) -> str:
    """Return the text inside the kit."""
    told = "\n".join(
        "\n".join([f"{number}. {step.english}", f"   {step.chinese}", *(f"     {line}" for line in step.lines), ""])
        for number, step in enumerate(steps, start=1)
    )
    return README.format(**about, copies="\n".join(copies) or "-", steps=told)


def page(about: Mapping[str, str], copies: Iterable[str], steps: Sequence[Step]) -> str:
    """Return the page to print. It holds no secret."""
    values = {key: html.escape(value) for key, value in about.items()}
    items = "".join(f"<li>{html.escape(line)}</li>" for line in copies)
    told = "\n".join(
        f"<li>{html.escape(step.english)}<br>{html.escape(step.chinese)}"
        + ("<pre>" + html.escape("\n".join(step.lines)) + "</pre>" if step.lines else "")
        + "</li>"
        for step in steps
    )
    return string.Template(PAGE.read_text("utf-8")).substitute(values, copies=items, steps=told)
