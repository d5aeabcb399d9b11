"""Bringing things back: restores, test restores, forgetting, keys."""

from __future__ import annotations

from keeper.texts import Text

TEXTS = {
    "phase.look": Text("looking", "查找"),
    "phase.fetch": Text("fetching", "取回"),
    "phase.place": Text("putting into place", "放回原处"),
    "phase.files": Text("reading files back", "抽查文件"),
    # What a copy says, or why it says nothing.
    "restore.because": Text("{copy}: {reason}", "{copy}：{reason}"),
    "restore.silent": Text("{copy}: it did not answer in time", "{copy}：没有及时响应"),
    # What was asked for.
    "restore.say_what": Text(
        "say what to restore: a file, a folder, --database or --everything",
        "请说明要恢复什么：文件、文件夹、--database 或 --everything",
    ),
    "restore.into": Text(
        "“{folder}” is no folder in the library. Name one below {roots}, e.g. import/back",
        "“{folder}”不是照片库里的文件夹。请写 {roots} 下面的一个，例如 import/back",
    ),
    "restore.locked": Text("another restore is at work", "另一个恢复正在进行"),
    "restore.nothing": Text("no copy can be restored from. {reason}", "没有可以恢复的副本。{reason}"),
    "restore.no_snapshot": Text(
        "no copy that answers has a snapshot {snapshot}. All there are: ./photos keeper snapshots {reason}",
        "有响应的副本里没有快照 {snapshot}。查看全部：./photos keeper snapshots {reason}",
    ),
    "restore.no_day": Text(
        "no copy that answers has a snapshot up to {day}. All there are: ./photos keeper snapshots {reason}",
        "有响应的副本里没有 {day} 以前的快照。查看全部：./photos keeper snapshots {reason}",
    ),
    "restore.not_both": Text(
        "no copy that answers has both {old} and {new}. {reason}", "没有一个副本同时有 {old} 和 {new}。{reason}"
    ),
    "restore.not_named": Text(
        "snapshot {snapshot} of {copy} holds nothing named “{path}”, and no other does. Names start with a folder like originals/. "
        "To look for it: ./photos keeper find",
        "{copy} 的快照 {snapshot} 里没有“{path}”，别的快照里也没有。名字要从 originals/ 这样的文件夹写起。查找：./photos keeper find",
    ),
    "restore.elsewhere": Text(
        "the newest snapshot holds no “{path}” any more. The last one that does: --snapshot {other} (at {holder})",
        "最新的快照里已经没有“{path}”了。最后一个有它的：--snapshot {other}（在 {holder}）",
    ),
    # The choice.
    "restore.passed_over": Text(
        "snapshot {snapshot} of {copy} was passed over: {reason}", "没有用 {copy} 的快照 {snapshot}：{reason}"
    ),
    "restore.goes_on": Text(
        "goes on with the snapshot that this restore began with: {snapshot} of {copy}",
        "接着用这次恢复开始时的快照：{copy} 的 {snapshot}",
    ),
    "restore.alarm": Text(
        "{copy} holds back an alarm: much had vanished or changed. As it was before: --snapshot {snapshot}",
        "{copy} 有一个未处理的警报：很多文件消失或改变过。之前的样子：--snapshot {snapshot}",
    ),
    "restore.other_empty": Text("{copy}: it has no whole snapshot", "{copy}：没有完整的快照"),
    "restore.other_behind": Text(
        "{copy} is behind: its newest snapshot {snapshot} lacks {lacks} of these files",
        "{copy} 落后：它最新的快照 {snapshot} 缺少其中 {lacks} 个文件",
    ),
    "restore.other_more": Text(
        "{copy} has {more} files that this snapshot lacks, e.g. {path}: --copy {copy} --snapshot {snapshot}. "
        "It lacks {lacks} of these",
        "{copy} 多 {more} 个这个快照没有的文件，例如 {path}：--copy {copy} --snapshot {snapshot}。它缺少其中 {lacks} 个",
    ),
    # On the way.
    "restore.no_room": Text(
        "{folder}: {needed_bytes} to restore, {free_bytes} free. Free some space first",
        "{folder}：要恢复 {needed_bytes}，只剩 {free_bytes}。请先腾出空间",
    ),
    "restore.broken_off": Text(
        "{copy}: {reason}. Nothing was changed. What was fetched is kept: the same command goes on from there",
        "{copy}：{reason}。什么都没有改动，取回的都留着：再运行同一条命令会接着做",
    ),
    "restore.stalled": Text(
        "nothing came for {minutes} minutes: the line is down, or many pieces are gone there. Try another --copy; "
        "--incomplete waits for whatever is left",
        "{minutes} 分钟没有收到任何数据：线路断了，或者那里缺了很多数据。请换一个 --copy；--incomplete 会一直等到取完剩下的",
    ),
    "restore.missing": Text(
        "{count} files are missing or damaged at {copy}, e.g. {path}. Nothing was changed. {hint}. For the rest: --incomplete",
        "{copy} 上有 {count} 个文件缺失或损坏，例如 {path}。什么都没有改动。{hint}。其余的：--incomplete",
    ),
    "restore.has_it": Text(
        "{path} is also in snapshot {snapshot} of {copy}: --copy {copy} --snapshot {snapshot}",
        "{path} 也在 {copy} 的快照 {snapshot} 里：--copy {copy} --snapshot {snapshot}",
    ),
    "restore.nobody_has_it": Text("No other copy that answers has it", "别的有响应的副本里没有它"),
    "restore.not_placed": Text(
        "{count} files were restored, then {path} could not be: {reason}. Mend that and run the same command again: it goes "
        "on from there",
        "恢复了 {count} 个文件，然后 {path} 没能放回：{reason}。解决后再运行同一条命令会接着做",
    ),
    "restore.stopped": Text("it was stopped", "被中途停止"),
    # The database.
    "exchange.undone": Text("{reason}. The database is what it was before", "{reason}。数据库还是原来的样子"),
    "exchange.no_point": Text(
        "the present database cannot be kept first, so it was left alone: {reason}. If it is broken for good: destroy the "
        "stack, remove MariaDB's volume, start it again and restore into the empty one",
        "没能先留存现在的数据库，所以没有动它：{reason}。如果它确实坏了：销毁 stack，删掉 MariaDB 的数据卷，重新启动后恢复到空数据库里",
    ),
    "exchange.stuck": Text(
        "{reason}. Putting the old database back failed too: {second}. It is whole in {file}, in the keeper's volume",
        "{reason}。放回原来的数据库也失败了：{second}。它完整地在 keeper 数据卷的 {file} 里",
    ),
    "exchange.no_drop": Text("the old tables cannot be removed ({said})", "旧的数据表删不掉（原文：{said}）"),
    "dump.rows": Text(
        "table {table} has {found} rows after loading, {dumped} were dumped",
        "数据表 {table} 导入后有 {found} 行，导出时是 {dumped} 行",
    ),
    "dump.not_loaded": Text("the dump does not load ({said})", "数据库导出没能导入（原文：{said}）"),
    "throwaway.not_made": Text(
        "a server for the test cannot be made ({said})", "演练用的数据库建不起来（原文：{said}）"
    ),
    "throwaway.no_start": Text(
        "the server for the test does not start ({said})", "演练用的数据库启动不了（原文：{said}）"
    ),
    "throwaway.no_answer": Text(
        "the restored database does not answer ({said})", "恢复出来的数据库没有响应（原文：{said}）"
    ),
    # The test restore.
    "drill.not_reached": Text(
        "the copy was not reached, which says nothing of what it holds: {reason}",
        "没能连上副本，这不说明内容有问题：{reason}",
    ),
    "drill.broken_off": Text("the test broke off ({said})", "演练中断（原文：{said}）"),
    "drill.nothing": Text(
        "{copy} holds no whole snapshot yet. First: ./photos keeper backup",
        "{copy} 还没有完整的快照，请先运行：./photos keeper backup",
    ),
    "drill.no_dump": Text(
        "snapshot {snapshot} of {copy} holds no dump of the database", "{copy} 的快照 {snapshot} 里没有数据库导出"
    ),
    "drill.no_room": Text(
        "no room to unpack the database: {needed_bytes} needed, {free_bytes} free",
        "没有空间解开数据库：需要 {needed_bytes}，只剩 {free_bytes}",
    ),
    "drill.table": Text("a table is broken ({said})", "有一张数据表坏了（原文：{said}）"),
    "drill.not_there": Text(
        "the index names {path}, which is not in the snapshot. Was it deleted outside of the album? Then let the album index "
        "everything once",
        "相册的索引里有 {path}，快照里却没有。是在相册以外删掉的吗？如果是，请让相册完整索引一次",
    ),
    "drill.files": Text(
        "{count} of {of} files do not read back right, e.g. {path}",
        "抽查的 {of} 个文件里有 {count} 个读回来不对，例如 {path}",
    ),
    "drill.differs": Text(
        "{path} is whole in the copy, but the one in the library is another one with the same size and time: it may be rotten. "
        "Look at both: ./photos keeper restore {path} --into import/back",
        "{path} 在副本里是完整的，照片库里的却内容不同而大小和时间相同：可能已损坏。请比较：./photos keeper restore {path} --into import/back",
    ),
    "drill.pass": Text(
        "PASS: snapshot {snapshot} of {copy}: {files} files read back, {tables} tables with {rows} rows loaded",
        "通过：{copy} 的快照 {snapshot}：读回 {files} 个文件，导入 {tables} 张表共 {rows} 行",
    ),
    "drill.fail": Text("FAIL: {copy}: {reason}", "未通过：{copy}：{reason}"),
    # Forgetting.
    "forget.not_found": Text(
        "no snapshot of a copy that answers holds “{path}”. To look for it: ./photos keeper find",
        "有响应的副本里没有快照含“{path}”。查找：./photos keeper find",
    ),
    "forget.folder": Text("“{path}” is a folder: name one photo", "“{path}”是文件夹：请写一张照片"),
    "forget.at_home": Text(
        "{path} is in the library still, so the next backup would take it again. Delete it there first",
        "{path} 还在照片库里，下次备份又会带上它。请先在那里删除",
    ),
    "forget.no_pattern": Text(
        "the name of {path} cannot be told to restic without meaning others, too",
        "没法把 {path} 这个名字准确告诉 restic，会牵连别的文件",
    ),
    "forget.vault": Text(
        "{copy} is a vault: nothing is ever deleted there, so the photo stays",
        "{copy} 是只增不减的副本：那里从不删除，照片会留着",
    ),
    "forget.album": Text(
        "{copy} holds plain files to look at: delete it there by hand", "{copy} 是供浏览的普通文件：请在那里手动删除"
    ),
    "forget.vanished": Text(
        "{count} of its backups vanished, and what they named would go, too. Run ./photos keeper backup and answer its alarm "
        "first",
        "那里有 {count} 次备份不见了，现在删除会连带清掉它们的内容。请先运行 ./photos keeper backup 并回答它的警报",
    ),
    "forget.still_there": Text(
        "{copy} still holds it: the copy does not let snapshots go", "{copy} 里还有它：那里不让删除快照"
    ),
    "forget.would": Text(
        "{path} is in {count} snapshots of {copy}. To take it out of them for good: --yes",
        "{path} 在 {copy} 的 {count} 个快照里。要永久移除：--yes",
    ),
    "forget.gone": Text(
        "{path} is gone from all snapshots of {copy}. The same picture under another name stays",
        "{path} 已从 {copy} 的所有快照里移除。同一张照片如果另有别名，会留着",
    ),
    # Keys.
    "key.empty": Text("the password is empty", "密码是空的"),
    "key.does_not_open": Text(
        "{copy}: the new key does not open it; the old one still does", "{copy}：新钥匙打不开，旧的仍然有效"
    ),
    "key.neither": Text(
        "{copy}: neither the stack's password nor an old one opens it. Put the old one into the secret {key}, or type it "
        "with --ask-old",
        "{copy}：stack 的密码和旧密码都打不开。请把旧密码写进密钥 {key}，或用 --ask-old 输入",
    ),
    "key.vault": Text(
        "{copy} is a vault: nothing is ever deleted there, so the old password opens it, too",
        "{copy} 是只增不减的副本：那里从不删除，旧密码也仍然能打开",
    ),
    "key.added": Text("another password opens {copy} now", "现在另一个密码也能打开 {copy}"),
    "key.rotated": Text(
        "{copy}: the new password opens it, the old one does not any more. Make a new recovery kit. Who copied an old key "
        "file can still open it: against that helps only a new repository",
        "{copy}：新密码能打开，旧密码不行了。请重做恢复包。拷走过旧钥匙文件的人仍能打开：只有新建仓库才防得住",
    ),
    "key.nothing": Text(
        "{copy}: the stack's password opens it, nothing was to be done", "{copy}：stack 的密码能打开，无需更改"
    ),
    # What a person sees of it.
    "restore.from": Text(
        "from {copy}, snapshot {snapshot} of {time}: {placed} files restored, {unchanged} were there",
        "来自 {copy}，{time} 的快照 {snapshot}：恢复了 {placed} 个文件，{unchanged} 个本来就在",
    ),
    "restore.would": Text(
        "from {copy}, snapshot {snapshot} of {time}: {placed} files would be restored ({size_bytes}), {unchanged} are there",
        "来自 {copy}，{time} 的快照 {snapshot}：会恢复 {placed} 个文件（{size_bytes}），{unchanged} 个已经在",
    ),
    "restore.part": Text(
        "this snapshot is a part of a first upload that is not done", "这个快照只是首次上传的一部分，还没有传完"
    ),
    "restore.rows": Text("database: {rows} rows in {tables} tables", "数据库：{tables} 张表，{rows} 行"),
    "restore.point": Text("the database as it was before: {file}", "之前的数据库：{file}"),
    "restore.list.restored": Text("would be restored: {path}", "会恢复：{path}"),
    "restore.list.beside": Text("newer there, restored beside it: {path}", "那里的更新，恢复的放在旁边：{path}"),
    "restore.list.replaced": Text("replaced, the old one: {path}", "已替换，旧的：{path}"),
    "restore.list.missing": Text("missing or damaged: {path}", "缺失或损坏：{path}"),
    "restore.list.left_out": Text("this stack has no place for: {path}", "这个 stack 没有地方放：{path}"),
    "restore.list.more": Text("… and {count} more (--json tells all)", "……还有 {count} 个（--json 列出全部）"),
    "find.snapshot": Text(
        "{time}  {snapshot}  {files} files, {size_bytes}", "{time}  {snapshot}  {files} 个文件，{size_bytes}"
    ),
    "find.part": Text("a part of the first upload", "首次上传的一部分"),
    "find.held": Text("kept for an alarm", "因警报保留"),
    "find.none": Text("{copy}: no snapshot", "{copy}：没有快照"),
    "find.version": Text(
        "{size_bytes}, changed {changed}: in snapshots from {first} to {last} ({copies}), newest {snapshot}",
        "{size_bytes}，修改于 {changed}：{first} 到 {last} 的快照（{copies}），最新 {snapshot}",
    ),
    "find.folder": Text(
        "folder: in snapshots from {first} to {last} ({copies}), newest {snapshot}",
        "文件夹：{first} 到 {last} 的快照（{copies}），最新 {snapshot}",
    ),
    "find.nothing": Text("no snapshot holds anything named “{name}”", "没有快照含有名为“{name}”的内容"),
    "diff.head": Text(
        "{copy}: from {old} to {new}: {added} new, {removed} gone, {changed} changed, {rotten} changed without a new time",
        "{copy}：从 {old} 到 {new}：新增 {added}，消失 {removed}，改动 {changed}，内容变了而时间没变 {rotten}",
    ),
}
