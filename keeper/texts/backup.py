"""What a run reports, the copy to look at, and the reading of the library at home; and what a job is at."""

from __future__ import annotations

from keeper.texts import Text

TEXTS = {
    # Phases of a job.
    "phase.starting": Text("beginning", "开始"),
    "phase.open": Text("opening the copy", "打开副本"),
    "phase.database": Text("saving the album's database", "保存相册数据库"),
    "phase.send": Text("backing up", "备份"),
    "phase.send_first": Text("backing up, the newest years first", "备份，最近的年份先来"),
    "phase.compare": Text("comparing with the backup before", "和上一次备份比较"),
    "phase.read_back": Text("reading back what was sent", "读回核对"),
    "phase.mend": Text("mending what is damaged", "修复损坏的部分"),
    "phase.forget": Text("forgetting what is too old", "清理太旧的备份"),
    "phase.prune": Text("removing what nothing needs any more", "清除不再需要的数据"),
    "phase.scrub": Text("reading the photos at home", "通读家里的照片"),
    "phase.album": Text("copying photos to look at", "复制可以直接看的照片"),
    # A run.
    "run.broken_off": Text("it was broken off ({said})", "备份中断（原文：{said}）"),
    "run.unreadable": Text(
        "{count} files cannot be read and are not in it, e.g. {path} ({said})",
        "有 {count} 个文件读不出来，没有备份，例如 {path}（原文：{said}）",
    ),
    "library.absent": Text(
        "{root}: {folder} is not there. Is the drive mounted?", "{root}：找不到 {folder}，硬盘挂载好了吗？"
    ),
    "library.no_marker": Text(
        "{root}: no marker ({reason}): another disk, or none. Nothing was backed up or restored",
        "{root}：没有标记文件（{reason}）：换了硬盘，或者没有接硬盘。什么都没有备份或恢复",
    ),
    "library.of_another": Text(
        "{root}: this disk belongs to another stack (id {id}). Nothing was backed up or restored",
        "{root}：这块硬盘属于另一个 stack（id {id}）。什么都没有备份或恢复",
    ),
    "library.empty": Text(
        "there is not a single file in {folder}: is the drive mounted?", "{folder} 里一个文件都没有，硬盘挂载好了吗？"
    ),
    "clock.back": Text(
        "the clock says {now}, but there is a backup of {newest}. Set the clock; nothing is forgotten until it is sure",
        "系统时间是 {now}，却已经有 {newest} 的备份，请校准时间；确认之前不会清理任何备份",
    ),
    "clock.ahead": Text(
        "the last backup was {days} days ago, or the clock is wrong. Nothing is forgotten until it is sure. If the date "
        "{now} is right: ./photos keeper backup --trust-clock",
        "上次备份是 {days} 天前，或者系统时间不对；确认之前不会清理任何备份。如果今天确实是 {now}，请运行：./photos keeper backup --trust-clock",
    ),
    "retention.differs": Text(
        "after forgetting, {missing} backups are missing that should be there, and {stayed} stayed that should be gone",
        "清理之后，少了 {missing} 次应该还在的备份，多了 {stayed} 次应该清掉的备份",
    ),
    # The gate.
    "gate.vanished": Text(
        "{count} of {of} files vanished (limit {limit}): {names}",
        "{of} 个文件里有 {count} 个消失了（上限 {limit} 个）：{names}",
    ),
    "gate.changed": Text(
        "{count} of {of} files changed (limit {limit}): {names}",
        "{of} 个文件里有 {count} 个被改动了（上限 {limit} 个）：{names}",
    ),
    "gate.folder": Text("the whole folder {folder} vanished", "整个文件夹 {folder} 不见了"),
    "gate.rotten": Text(
        "{count} files changed without a new date, as on a failing disk: {names}",
        "有 {count} 个文件内容变了、日期没变，像是硬盘要坏了：{names}",
    ),
    "gate.unreadable": Text("{count} files can no longer be read: {names}", "有 {count} 个文件再也读不出来：{names}"),
    "gate.unknown": Text(
        "nothing waits under the name {alarm}. What waits: {waiting}",
        "没有名为 {alarm} 的待确认事项。等待确认的：{waiting}",
    ),
    # The copy to look at.
    "album.refused": Text(
        "{count} files are not there to look at, e.g. {path} ({said}); all others are",
        "有 {count} 个文件没能放过去，例如 {path}（原文：{said}）；其他的都在",
    ),
    # The database.
    "dump.no_answer": Text("the album's database does not answer ({said})", "相册数据库没有响应（原文：{said}）"),
    "dump.failed": Text("the database dump failed ({said})", "数据库没能导出（原文：{said}）"),
    "dump.cut": Text("the database dump is cut short: its last line is missing", "数据库导出不完整，缺少最后一行"),
    "dump.lacks": Text("the database dump lacks {tables}", "数据库导出缺少 {tables}"),
    "dump.corrupt": Text("the database dump is corrupt ({said})", "数据库导出已损坏（原文：{said}）"),
    # The reading of the library.
    "scrub.rotten": Text(
        "{count} files changed on the disk by themselves, e.g. {path}", "有 {count} 个文件在硬盘上自己变了，例如 {path}"
    ),
    "scrub.catalogue": Text(
        "the list of what the files were was damaged and is made anew ({said})",
        "文件记录损坏了，正在重建（原文：{said}）",
    ),
    "scrub.locked": Text("the photos are being read through already", "已经在通读照片了"),
    "scrub.no_room": Text(
        "the list of what the files are cannot be written ({said})", "文件记录写不下来（原文：{said}）"
    ),
    # Commands.
    "done.backup": Text(
        "{copy}: {files} files, {size} backed up; sent {sent}, read back {read}",
        "{copy}：备份了 {files} 个文件，{size}；发送 {sent}，读回核对 {read}",
    ),
    "done.verify": Text("{copy}: everything that was read back is whole", "{copy}：读回的内容都完好"),
    "done.accept": Text(
        "Accepted. From the next backup on old snapshots are forgotten again as they become too old",
        "已确认。从下一次备份起，过期的旧快照会照常清理",
    ),
}
