"""What the keeper says to the family, in its two languages side by side."""
# ruff: noqa: RUF001 - Chinese has punctuation of its own

from __future__ import annotations

import re
import shlex
from datetime import datetime, timedelta
from typing import Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
DEFAULT_STACK = "dev"
"""The stack that `./photos` means when none is named."""
PROGRAM = "./photos "
COMMAND = re.compile(
    r"\./photos (?:keeper [a-z-]+|status|logs [a-z]+|config set|config rm)\b(?! --stack)|\./photos up\b"
)


class Text(NamedTuple):
    """One text in both languages; {names} are filled in."""

    en: str
    zh: str


TEXTS: dict[str, Text] = {
    # Alerts: what is wrong, what is safe, what to do.
    "alert.safe": Text("Safe: {text}", "安全的：{text}"),
    "alert.do": Text("To do: {text}", "要做的：{text}"),
    "alert.raised": Text("Noticed {time}", "发现于 {time}"),
    "ping.failed": Text("The backup failed (exit code {code})", "备份失败（退出码 {code}）"),
    "run.FAILED": Text("The backup failed", "备份失败"),
    "run.FAILED.safe": Text("all earlier copies are unchanged.", "以前的副本都没有变动。"),
    "run.FAILED.do": Text(
        "look at the reason below, then: ./photos keeper backup", "看下面的原因，然后运行：./photos keeper backup"
    ),
    "run.LOCKED": Text("Another computer is writing to the same copy", "另一台电脑正在写同一份副本"),
    "run.LOCKED.safe": Text("nothing was changed there.", "那里什么都没有改动。"),
    "run.LOCKED.do": Text(
        "make sure that only one computer backs up this album.", "请确认只有一台电脑在备份这个相册。"
    ),
    "run.GATE": Text(
        "The backup stopped and asks you: unusually many photos vanished or changed",
        "备份已暂停，需要您确认：消失或改动的照片异常多",
    ),
    "run.GATE.safe": Text(
        "no copy was touched; everything that vanished is still there.", "副本没有被动过，消失的照片都还在。"
    ),
    "run.GATE.do": Text(
        "if you did this yourselves: ./photos keeper accept {run} - if not, change nothing and look for the cause.",
        "如果是您自己删改的，请运行：./photos keeper accept {run}；如果不是，先别动，查明原因。",
    ),
    "run.REMOTE": Text("Not every copy could be brought up to date", "有的副本没能更新"),
    "run.REMOTE.safe": Text(
        "the other copies are fine, and the earlier backups there are unchanged.",
        "其他副本正常，那里以前的备份也没有变动。",
    ),
    "run.REMOTE.do": Text(
        "look at the reason below. The next backup catches up by itself.", "看下面的原因。下一次备份会自动补上。"
    ),
    "run.VERIFY": Text("Some files could not be proven good", "有些文件没有通过核对"),
    "run.VERIFY.safe": Text("no good file was overwritten by a bad one.", "没有任何好文件被坏文件覆盖。"),
    "run.VERIFY.do": Text("look at the reason below; check the disk it names.", "看下面的原因，检查其中提到的磁盘。"),
    "run.DUMP": Text("The album's database could not be saved", "相册数据库没能保存"),
    "run.DUMP.safe": Text("the photos and all earlier copies are unchanged.", "照片和以前的副本都没有变动。"),
    "run.DUMP.do": Text("see whether the album runs: ./photos status", "看看相册是否在运行：./photos status"),
    "run.PREFLIGHT": Text("The backup did not begin", "备份没有开始"),
    "run.PREFLIGHT.safe": Text(
        "nothing was written; all earlier copies are unchanged.", "什么都没有写，以前的副本都没有变动。"
    ),
    "run.PREFLIGHT.do": Text(
        "look at the reason below; often a drive is not plugged in.", "看下面的原因，常见的是硬盘没有接好。"
    ),
    "run.crashed": Text("it ended without a report (exit code {code})", "它没有留下报告就结束了（退出码 {code}）"),
    "drill.failed": Text("The test restore from “{remote}” failed", "从“{remote}”做的恢复演练失败"),
    "drill.failed.safe": Text(
        "your photos are untouched: a test never writes to them.", "您的照片没有被动过，演练从不写入照片。"
    ),
    "drill.failed.do": Text(
        "do not rely on this copy until a test passes: ./photos keeper drill --remote {remote}",
        "演练通过之前不要依赖这份副本：./photos keeper drill --remote {remote}",
    ),
    "drill.crashed": Text("The test restore did not come to an end", "恢复演练没有做完"),
    "drill.crashed.do": Text("try it by hand: ./photos keeper drill", "手动试一次：./photos keeper drill"),
    "well.backup": Text("All is well again: the backup worked", "一切恢复正常：备份成功"),
    "well.drill": Text("All is well again: the test restore passed", "一切恢复正常：恢复演练通过"),
    "well.watch": Text("All is well again: {what}", "一切恢复正常：{what}"),
    "watch.heartbeat": Text("The backup keeper has been silent since {since}", "备份程序自 {since} 起没有动静"),
    "watch.heartbeat.safe": Text("the copies made so far are unchanged.", "已有的副本都没有变动。"),
    "watch.heartbeat.do": Text(
        "start it again: ./photos up - and see ./photos status", "重新启动：./photos up，再看 ./photos status"
    ),
    "watch.heartbeat.well": Text("the keeper is at work", "备份程序在工作"),
    "watch.good": Text("No good backup since {since}", "自 {since} 起没有成功的备份"),
    "watch.good.safe": Text("the copies made until then are unchanged.", "在那之前的副本都没有变动。"),
    "watch.good.do": Text(
        "run it by hand and read why: ./photos keeper backup", "手动运行并看原因：./photos keeper backup"
    ),
    "watch.good.well": Text("there is a good backup", "已有成功的备份"),
    "watch.verify": Text("The copies were not checked since {since}", "自 {since} 起没有核对过副本"),
    "watch.verify.safe": Text(
        "the copies are there, but nobody knows whether they are whole.", "副本都在，但不知道是否完好。"
    ),
    "watch.verify.do": Text("check them: ./photos keeper verify", "核对一次：./photos keeper verify"),
    "watch.verify.well": Text("the copies were checked", "副本已经核对"),
    "watch.drill": Text("No test restore passed since {since}", "自 {since} 起没有通过的恢复演练"),
    "watch.drill.safe": Text(
        "the copies are there, but it is not proven that they can be restored.", "副本都在，但没有证明能恢复。"
    ),
    "watch.drill.do": Text("test it: ./photos keeper drill", "演练一次：./photos keeper drill"),
    "watch.drill.well": Text("a test restore passed", "恢复演练已通过"),
    "watch.gate": Text("The backup still waits for your answer", "备份还在等您确认"),
    "watch.gate.safe": Text(
        "no copy was touched; new photos are not backed up meanwhile.", "副本没有被动过，但这期间的新照片没有备份。"
    ),
    "watch.gate.do": Text(
        "look at the page. If the deletions are yours: ./photos keeper accept {run}",
        "看备份页面。如果是您自己删的：./photos keeper accept {run}",
    ),
    "watch.gate.well": Text("the backup waits for nothing", "没有需要确认的事"),
    "never": Text("the start", "启用"),
    # The page.
    "page.title": Text("Family photos: are they safe?", "家庭照片备份：安全吗？"),
    "page.album": Text("Album “{stack}”", "相册“{stack}”"),
    "page.language": Text("中文", "English"),
    "page.head.good": Text("Your photos are safe.", "照片都是安全的。"),
    "page.head.warn": Text(
        "Your photos are backed up, but something needs a look.", "照片有备份，但有件事需要看一下。"
    ),
    "page.head.thin": Text("Your photos are backed up, but not safely enough yet.", "照片有备份，但还不够安全。"),
    "page.head.bad": Text("Something needs your attention now.", "有问题，需要现在处理。"),
    "page.head.none": Text("There is no backup yet.", "还没有任何备份。"),
    "page.head.first": Text("The first backup is yet to come.", "第一次备份还没有开始。"),
    "page.head.silent": Text("The backup keeper is not running.", "备份程序没有在运行。"),
    "page.head.gate": Text("The backup waits for your answer.", "备份在等您确认。"),
    "page.sub.good": Text(
        "{files} files, {size}. Last backup {age}; next: {next}.",
        "共 {files} 个文件，{size}。上次备份：{age}；下次：{next}。",
    ),
    "page.sub.never": Text("No backup was made so far; next: {next}.", "目前还没有备份；下次：{next}。"),
    "page.todo": Text("What to do", "要做的事"),
    "page.todo.none": Text("Nothing. Enjoy your photos.", "没有。好好看照片吧。"),
    "page.copies": Text("The copies", "副本"),
    "page.copies.none": Text("No copy is set up.", "没有设置任何副本。"),
    "page.kind.disk": Text("a disk of your own", "自己的硬盘"),
    "page.kind.mirror": Text("a drive on the network", "网盘"),
    "page.kind.vault": Text("a vault: nothing in it can be deleted", "保险库：里面的东西删不掉"),
    "page.encrypted": Text("encrypted", "已加密"),
    "page.plain": Text("not encrypted", "未加密"),
    "page.newest": Text("Newest good backup", "最近一次成功备份"),
    "page.none": Text("none yet", "还没有"),
    "page.verified": Text("Read back and compared in the last 30 days", "最近 30 天读回核对"),
    "page.drill": Text("Last test restore", "上次恢复演练"),
    "page.passed": Text("passed", "通过"),
    "page.failed": Text("failed", "失败"),
    "page.verdict": Text("{verdict}, {age}", "{verdict}，{age}"),
    "page.restored": Text(
        "{files} files and {rows} database rows came back whole", "{files} 个文件、{rows} 行数据完好恢复"
    ),
    "page.running": Text("at work now", "正在进行"),
    "page.state.note": Text("note", "说明"),
    "page.state.good": Text("good", "正常"),
    "page.state.warn": Text("look here", "请看"),
    "page.state.bad": Text("problem", "有问题"),
    "page.phones": Text("Phones", "手机"),
    "page.phones.shown": Text("new photos last shown in the album", "新照片上次进入相册"),
    "page.skipped": Text("Files that are not in the last backup: {count}", "不在上次备份里的文件：{count} 个"),
    "page.skipped.more": Text("and {count} more", "还有 {count} 个"),
    "page.next": Text("What happens next", "接下来"),
    "page.next.run": Text("Next backup", "下次备份"),
    "page.next.drill": Text("Next test restore", "下次恢复演练"),
    "page.now": Text("Page made {time}. It renews itself every minute.", "页面生成于 {time}，每分钟自动刷新。"),
    "page.unknown": Text("not known", "未知"),
    "todo.silent": Text("Start the keeper again: {command}", "重新启动备份程序：{command}"),
    "todo.none": Text(
        "Set up at least two copies, one of them away from home: section “backup” of the stack file.",
        "至少设置两份副本，其中一份不在家里：在 stack 文件的 “backup” 一节。",
    ),
    "todo.gate": Text(
        "Many photos vanished or changed. If that was you, run {command} - if not, change nothing and find out why.",
        "很多照片消失或被改动。如果是您自己做的，运行 {command}；如果不是，先别动，查明原因。",
    ),
    "todo.old": Text(
        "The last good backup is from {age}. Run it by hand: {command}", "上次成功备份是 {age}。手动运行一次：{command}"
    ),
    "todo.problem": Text("The last backup reported: {problem}", "上次备份的报告：{problem}"),
    "todo.copy": Text("“{name}” has a problem: {problem}", "“{name}” 有问题：{problem}"),
    "todo.copy.old": Text(
        "“{name}” is out of date: its newest backup is from {age}.", "“{name}” 太旧了：最近的备份是 {age}。"
    ),
    "todo.copy.none": Text("“{name}” has no backup yet.", "“{name}” 还没有备份。"),
    "todo.verify": Text(
        "Only {percent} % of “{name}” was read back in the last 30 days. Check it: {command}",
        "“{name}” 最近 30 天只核对了 {percent} %。核对一次：{command}",
    ),
    "todo.drill": Text("The test restore from “{name}” failed: {problem}", "从“{name}”做的恢复演练失败：{problem}"),
    "todo.drill.old": Text(
        "No test restore for {age}. Try one: {command}", "已有 {age} 没有做恢复演练。试一次：{command}"
    ),
    "todo.kit": Text(
        "Make the recovery kit and keep it outside of the house: {command}", "制作恢复包并存放在家以外的地方：{command}"
    ),
    "todo.skipped": Text(
        "{count} files are not in the last backup; they are listed below, with the reason.",
        "有 {count} 个文件不在上次备份里，原因列在下面。",
    ),
    # Time.
    "ago.moment": Text("a moment ago", "刚刚"),
    "ago.minutes": Text("{n} minutes ago", "{n} 分钟前"),
    "ago.hours": Text("{n} hours ago", "{n} 小时前"),
    "ago.days": Text("{n} days ago", "{n} 天前"),
    "span.days": Text("{n} days", "{n} 天"),
}


def say(language: Language, key: str, **values: object) -> str:
    """Return a text with its values."""
    return str(getattr(TEXTS[key], language)).format(**values)


def for_stack(text: str, stack: str) -> str:
    """Return a text whose commands name the stack, so that they can be typed as they stand."""
    if stack == DEFAULT_STACK:
        return text
    return COMMAND.sub(
        lambda found: f"{found[0]} {stack}" if found[0].endswith(" up") else f"{found[0]} --stack {stack}", text
    )


def typed(path: str) -> str:
    """Return a name in the backup as a shell reads it; of one that no terminal can show, the folder that holds it."""
    while not path.isprintable():
        path = path.rpartition("/")[0]
    return shlex.quote(path)


def ago(language: Language, span: timedelta) -> str:
    """Say how long ago something was."""
    minutes = int(span.total_seconds() // 60)
    if minutes < 2:  # noqa: PLR2004 - "1 minutes"
        return say(language, "ago.moment")
    if minutes < 120:  # noqa: PLR2004 - "1 hours"
        return say(language, "ago.minutes", n=minutes)
    hours = minutes // 60
    return say(language, "ago.hours", n=hours) if hours < 48 else say(language, "ago.days", n=hours // 24)  # noqa: PLR2004 - "1 days"


def clock(moment: datetime, zone: ZoneInfo) -> str:
    """Return a moment as the family's clock shows it."""
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def size(count: float) -> str:
    """Return a number of bytes for people."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:  # noqa: PLR2004 - decimal units, as on the disk's box
            return f"{count:.0f} {unit}" if count >= 10 or unit == "bytes" else f"{count:.1f} {unit}"  # noqa: PLR2004
        count /= 1000
    return f"{count:.1f} TB"
