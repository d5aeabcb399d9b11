"""The tables of docs/troubleshooting.md: what is said, and what to do, from the messages themselves.

A finding and an alert say what to do; both tables are theirs. Where a command ends with a message that does not, the
answer stands here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from keeper.texts import TEXTS
from manual.messages import Said, as_seen, messages

HEADERS: dict[str, dict[str, tuple[str, ...]]] = {
    "findings": {"en": ("what is said", "what to do"), "zh": ("提示", "怎么办")},
    "alerts": {"en": ("the alert", "what is safe", "what to do"), "zh": ("告警", "什么是安全的", "怎么办")},
    "endings": {"en": ("what is said", "what to do"), "zh": ("提示", "怎么办")},
}
# The beginning of the file that finds it → the title above its findings. What is nowhere else is the machine's.
PLACES = {
    "stacks/host/images": {"en": "Images and registries", "zh": "镜像和镜像仓库"},
    "stacks/host/library": {"en": "Folders and disks", "zh": "文件夹和磁盘"},
    "stacks/host/disks": {"en": "The copies", "zh": "备份"},
    "stacks/sections/backup": {"en": "The copies", "zh": "备份"},
    "stacks/host/wsl": {"en": "WSL", "zh": "WSL"},
    "stacks/host/cloudflare": {"en": "Remote access", "zh": "外网访问"},
    "": {"en": "This machine and its Docker", "zh": "这台机器和它的 Docker"},
}
# The code of a message that ends a command and does not say what to do → what to do.
ANSWERS: dict[str, dict[str, str]] = {
    "passphrase_gone": {
        "en": "It is in your copy of the data folder and in the [recovery kit](backup.md#the-keys-and-the-recovery-kit). Nowhere any more? The photos are as they are; how to go on with new logins: [secrets](secrets.md#when-it-is-lost)",
        "zh": "它在你另存的数据文件夹里，也在[恢复包](backup.md#密钥和恢复包)里。都没有了？照片都还在；怎样换上新的登录继续用：[密码](secrets.md#丢了怎么办)",
    },
    "no_stack_file": {
        "en": "Is the name right? For a name of your own: `cp stacks/examples/Pulumi.home.yaml stacks/Pulumi.NAME.yaml`",
        "zh": "名字对吗？想另取名字：`cp stacks/examples/Pulumi.home.yaml stacks/Pulumi.NAME.yaml`",
    },
    "stack_file_copy_needed": {
        "en": "Say yes to the question: the copy is put in place. Or copy it by hand",
        "zh": "对问题回答“是”，副本就会放回去。也可以手工复制",
    },
    "no_album": {
        "en": "Write `photoprism: {}` below `photos:services` in the stack file, then `./photos up`",
        "zh": "在 stack 文件的 `photos:services` 下面写上 `photoprism: {}`，再 `./photos up`",
    },
    "no_login": {
        "en": "A service of the list, a name of `webdav_clients`, `people` or `service_tokens`",
        "zh": "写列出的服务，或者 `webdav_clients`、`people`、`service_tokens` 里的名字",
    },
    "drive_gone": {
        "en": "Plug the drive in. In WSL: `wsl --shutdown` in Windows, and begin again; see [WSL](wsl.md)",
        "zh": "接好盘。在 WSL 里：先在 Windows 里运行 `wsl --shutdown`，再来一次；见 [WSL](wsl.md)",
    },
    "docker_named_no_answer": {
        "en": "Start that Docker, or take the name away: see [Docker](docker.md)",
        "zh": "启动那个 Docker，或者去掉这个设置：见 [Docker](docker.md)",
    },
    "command_failed": {
        "en": "The lines above it are that program's own. Run the command by hand, mend what it complains of, then the same `./photos` again",
        "zh": "它上面几行是那个程序自己说的。手工运行那条命令，解决它抱怨的问题，再运行同样的 `./photos`",
    },
    "secret_not_set": {
        "en": "What follows is Pulumi's own. `./photos doctor` looks at the stack file",
        "zh": "后面是 Pulumi 自己说的。`./photos doctor` 会检查 stack 文件",
    },
    "pulumi_failed_saying": {
        "en": "What follows is Pulumi's own. Run the same again: what a cut run left is cleared away. Again? `./photos doctor`, then `./photos up --refresh`",
        "zh": "后面是 Pulumi 自己说的。再运行一次：中断留下的东西会被清理。还是不行？`./photos doctor`，再 `./photos up --refresh`",
    },
    "no_certificate": {
        "en": "Somebody changed `photos:syncthing_cert`. An older copy of the stack file is in the data folder, `stack-files/`",
        "zh": "有人改动了 `photos:syncthing_cert`。数据文件夹的 `stack-files/` 里有以前的 stack 文件",
    },
    "phone_is_here": {
        "en": "That is this server's own ID. On the phone's Syncthing look under *Show device ID*",
        "zh": "这是本机自己的 ID。请在手机的 Syncthing 里看“显示设备 ID”",
    },
    "phone_unknown": {
        "en": "Write it as `./photos phone list` does",
        "zh": "照 `./photos phone list` 里的写",
    },
    "copy_unknown": {
        "en": "A name of `photos:backup`, `remotes`; a copy of the kind `album` has no key",
        "zh": "写 `photos:backup` 的 `remotes` 里的名字；`album` 那种没有密钥",
    },
    "estimate_no_copy": {
        "en": "A name of `photos:backup`, `remotes`",
        "zh": "写 `photos:backup` 的 `remotes` 里的名字",
    },
    "pin_no_such_image": {
        "en": "Write one of those; see [supply chain](supply-chain.md)",
        "zh": "写列出的名字；见[来源](supply-chain.md)",
    },
    "kit_is_none": {
        "en": "A kit is called `photos-kit-STACK-DATE.age`",
        "zh": "恢复包的名字是 `photos-kit-STACK-DATE.age`",
    },
    "kit_unreadable": {
        "en": "Does it belong to somebody else, or is the stick failing? Try the other copy of the kit",
        "zh": "文件属于别的用户，还是 U 盘要坏了？试试恢复包的另一份",
    },
    "kit_does_not_open": {
        "en": "The kit has a passphrase of its own, the one that you typed when you made it. A kit that was cut while it was copied does not open either: try another copy of it",
        "zh": "恢复包有自己的口令，是做的时候你输入的那个。复制时断掉的恢复包也打不开：试试另一份",
    },
    "restore_not_started": {
        "en": "What follows is Docker's own. `./photos up --refresh` makes the container anew",
        "zh": "后面是 Docker 自己说的。`./photos up --refresh` 会重建这个容器",
    },
    "archive_not_listed": {
        "en": "The mirror lacks this release, or the address is not its folder: see [mirrors](mirrors.md)",
        "zh": "镜像站里没有这个版本，或者地址不是那个目录：见[国内镜像](mirrors.md)",
    },
    "archive_altered": {
        "en": "The file was changed or cut on its way. Try again; again? Then do not trust that mirror: see [mirrors](mirrors.md)",
        "zh": "文件在路上被改动或截断了。再试一次；还是这样？那就别信这个镜像站：见[国内镜像](mirrors.md)",
    },
    "takeover_no_start": {
        "en": "What follows is the new database's own log. The old set-up is untouched: run the same `./photos adopt` again, it begins anew",
        "zh": "后面是新数据库自己的日志。旧的那套没有动过：再运行同样的 `./photos adopt`，会重新开始",
    },
    "takeover_no_answer": {
        "en": "What follows is the new database's own log. The old set-up is untouched: run the same `./photos adopt` again, it begins anew",
        "zh": "后面是新数据库自己的日志。旧的那套没有动过：再运行同样的 `./photos adopt`，会重新开始",
    },
    "takeover_not_loaded": {
        "en": "What follows is MariaDB's own. Often the dump is cut: make it again; see [from the blog](from-the-blog.md)",
        "zh": "后面是 MariaDB 自己说的。常见的是导出文件不完整：重新导出；见[从手工搭建迁来](from-the-blog.md)",
    },
    "olddb_no_answer": {
        "en": "Look at it with `docker logs`; or dump it by hand and name the file: [from the blog](from-the-blog.md)",
        "zh": "用 `docker logs` 看看它；或者手工导出再写文件名：[从手工搭建迁来](from-the-blog.md)",
    },
    "olddb_no_dump": {
        "en": "Dump it by hand and name the file: [from the blog](from-the-blog.md)",
        "zh": "手工导出再写文件名：[从手工搭建迁来](from-the-blog.md)",
    },
    "olddb_unknown": {
        "en": "Write one of those, or a dump: `--database photoprism.sql`",
        "zh": "写其中一个，或者写导出文件：`--database photoprism.sql`",
    },
    "dump_unreadable": {
        "en": "Is it packed with gzip (`.sql.gz`) or plain? Other packers are not read",
        "zh": "它是 gzip 压缩（`.sql.gz`）或未压缩的吗？别的压缩格式不认",
    },
    "takeover_no_room": {
        "en": "Free that much on Docker's disk, then run the same again",
        "zh": "在 Docker 所在的盘上腾出这么多，再运行一次",
    },
    "takeover_runs": {
        "en": "Another window does it. When it has ended, look whether anything is left to do",
        "zh": "另一个窗口正在做。等它结束，再看还有没有要做的",
    },
    "not_agreed_to": {
        "en": "Say yes to the question, or add `--yes`",
        "zh": "对问题回答“是”，或者加 `--yes`",
    },
}


def findings(language: str) -> str:
    """Return what `doctor`, `preview` and `up` find, a table for each place."""
    found = [said for said in messages() if said.fix]
    parts = []
    for title in dict.fromkeys(place[language] for place in reversed(PLACES.values())):
        rows = [
            (_subject(said) + as_seen(said.text[language]), as_seen(said.fix[language]))
            for said in found
            if said.fix and _place(said)[language] == title
        ]
        if rows:
            parts.append(f"\n### {title}\n\n{_table(HEADERS['findings'][language], rows)}")
    return "".join(parts) + "\n"


def alerts(language: str) -> str:
    """Return the keeper's alerts, each with what is safe and what to do."""
    rows = []
    for code in TEXTS:
        if f"{code}.do" in TEXTS:
            texts = (TEXTS[name] for name in (code, f"{code}.safe", f"{code}.do"))
            rows.append(tuple(as_seen(text.zh if language == "zh" else text.en) for text in texts))
    return f"\n{_table(HEADERS['alerts'][language], rows)}\n"


def endings(language: str) -> str:
    """Return the messages that end a command, with what they do not say themselves."""
    by_code = {said.code: said for said in messages()}
    rows = [(as_seen(by_code[code].text[language]), answer[language]) for code, answer in ANSWERS.items()]
    return f"\n{_table(HEADERS['endings'][language], rows)}\n"


def _subject(said: Said) -> str:
    """Return what stands for the name of a check where the sentence begins with it."""
    return "… " if re.match(r"(is|was|does|not|wants) ", said.text["en"]) else ""


def _place(said: Said) -> dict[str, str]:
    return next(title for place, title in PLACES.items() if said.file.startswith(place))


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    return "".join(_lines([header, ("---",) * len(header), *rows]))


def _lines(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    for row in rows:
        yield f"| {' | '.join(row)} |\n" if row[0] != "---" else f"|{'|'.join(row)}|\n"
