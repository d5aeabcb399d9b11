"""What goes wrong on the way to a copy, and at it; and whether it is what it is called."""

from __future__ import annotations

from keeper.texts import Text

TEXTS = {
    # What rclone, restic and the kernel complain of.
    "cause.credentials": Text(
        "the login is refused; renew it ({said})", "登录被拒绝，请更新账号或授权（原文：{said}）"
    ),
    "cause.full": Text(
        "no space is left there; free some, nothing is deleted for it ({said})",
        "空间已满，请在那里腾出空间，备份不会为此删除任何东西（原文：{said}）",
    ),
    "cause.busy": Text("it asks for fewer requests ({said})", "对方要求减少请求，稍后再试（原文：{said}）"),
    "cause.unreachable": Text("no connection, or it broke off ({said})", "连不上，或连接中断（原文：{said}）"),
    "cause.slow": Text("it does not answer in time ({said})", "没有及时响应（原文：{said}）"),
    "cause.refused": Text(
        "it refuses what is sent and does not say why ({said})", "对方拒绝接收，没有说明原因（原文：{said}）"
    ),
    "cause.disk": Text("the disk reports errors; check it ({said})", "磁盘报错，请检查硬盘（原文：{said}）"),
    "cause.rights": Text(
        "nothing may be written there; whom does the folder belong to? ({said})",
        "那里不允许写入，请看文件夹属于谁（原文：{said}）",
    ),
    "program.missing": Text("{name} is missing, at least version {oldest}", "没有 {name}，至少需要 {oldest} 版"),
    "program.broken": Text("{name} does not start ({said})", "{name} 启动不了（原文：{said}）"),
    "program.old": Text(
        "{program} is {version}; it can be trusted from {oldest} on", "{program} 是 {version}，{oldest} 起才可靠"
    ),
    "restic.failed": Text("restic failed ({said})", "restic 出错（原文：{said}）"),
    "restic.no_snapshot": Text("no backup was made ({said})", "没有做成备份（原文：{said}）"),
    "rclone.failed": Text("rclone failed ({said})", "rclone 出错（原文：{said}）"),
    # The copy itself.
    "copy.unknown": Text("there is no copy “{copy}”. Known: {known}", "没有名为 “{copy}” 的副本。已有：{known}"),
    "copy.locked": Text("another job is at work at “{copy}”: {holder}", "另一个任务正在用 “{copy}”：{holder}"),
    "copy.locked_there": Text("another computer is at work there ({said})", "另一台电脑正在用它（原文：{said}）"),
    "copy.no_folder": Text(
        "{folder} is not there. Is the disk of “{copy}” plugged in?", "找不到 {folder}。“{copy}” 的硬盘接好了吗？"
    ),
    "copy.absent": Text("there is no backup there ({said})", "那里没有备份（原文：{said}）"),
    "copy.gone": Text(
        "there is no backup in “{copy}” any more, though backups were made there before. Is it the right disk, folder or "
        "account?",
        "“{copy}” 里已经没有备份，可是以前在那里做过。硬盘、文件夹或账号对吗？",
    ),
    "copy.nothing": Text("there is no backup in “{copy}” yet", "“{copy}” 里还没有备份"),
    "copy.another": Text(
        "in “{copy}” lies another backup than before. Was a disk or folder exchanged?",
        "“{copy}” 里的备份和以前的不是同一份。硬盘或文件夹换过吗？",
    ),
    "copy.not_empty": Text(
        "{folder} of “{copy}” is not empty, and what lies there is no backup. Choose an empty folder",
        "“{copy}” 的 {folder} 不是空的，里面的东西也不是备份。请选一个空文件夹",
    ),
    "copy.no_key": Text("the key {key} of “{copy}” is missing", "缺少 “{copy}” 的密钥 {key}"),
    "copy.key": Text(
        "the key does not open it: wrong, or the copy's key files are lost ({said})",
        "密钥打不开它：密钥不对，或者副本里的密钥文件丢了（原文：{said}）",
    ),
    "copy.damaged": Text("something there is damaged ({said})", "那里有东西损坏了（原文：{said}）"),
    "copy.damaged_there": Text(
        "snapshots, keys or indexes there do not read back as they were written ({names}). Put them back from another "
        "copy of that place or from the recovery kit; nothing was changed",
        "那里的快照、密钥或索引读回来和写入时不一样（{names}）。请从那个地方的其他备份或恢复包里放回去；什么都没有改动",
    ),
    "copy.listing": Text(
        "the list of what lies there leaves out {count} objects that are there. Nothing was repaired by it; if it stays so, "
        "restart that server",
        "那里的文件列表漏掉了 {count} 个其实存在的文件。没有按它修复任何东西；如果一直这样，请重启那台服务器",
    ),
    "copy.damage": Text(
        "{count} objects do not read back as they were sent ({said})",
        "有 {count} 个对象读回来和发送的不一样（原文：{said}）",
    ),
    "copy.damage_stays": Text(
        "{count} faults stay, though what could be sent again was sent ({said})",
        "能重发的都重发了，还剩 {count} 处损坏（原文：{said}）",
    ),
    "copy.mended": Text(
        "{count} damaged objects were found and mended from the photos at home",
        "发现 {count} 个损坏的对象，已用家里的照片修好",
    ),
    "copy.lacked": Text(
        "{count} pieces were missing there and were sent again ({said})",
        "那里缺了 {count} 块，已重新发送（原文：{said}）",
    ),
    "copy.snapshots_gone": Text(
        "{count} backups vanished there, though nobody forgot them: those of {days}",
        "那里有 {count} 次备份不见了，备份程序没有删过它们：{days} 的",
    ),
    # Whether it is what it is called.
    "trial.same_disk": Text(
        "“{copy}” lies on the same disk as {root}: when that disk dies, both are gone. Choose a folder on another disk",
        "“{copy}” 和 {root} 在同一块硬盘上：这块硬盘坏了，两边都没了。请换到另一块硬盘的文件夹",
    ),
    "trial.at_home": Text(
        "“{copy}” answers as {host} from {address}, an address of a home network. A fire takes it along, unless that "
        "network is another house's",
        "“{copy}” 的 {host} 是 {address}，这是家庭网络的地址。除非那是另一处房子，否则失火时会一起没了",
    ),
    "trial.local_drive": Text(
        "“{copy}” lies in {drive} of OpenList, which is a folder of this machine: it is not elsewhere",
        "“{copy}” 在 OpenList 的 {drive} 里，那是本机的一个文件夹，不算异地",
    ),
    "trial.deletes": Text(
        "“{copy}” is called a vault, but what lies there can be deleted or overwritten with its login. Have the "
        "provider forbid that, or call it a mirror",
        "“{copy}” 名为只增不减，可是用它的账号能删除或覆盖里面的内容。请让服务商禁止，或改为 mirror",
    ),
    "trial.untried": Text(
        "whether “{copy}” keeps what is deleted there could not be tried ({said})",
        "没能试出 “{copy}” 会不会留住被删除的内容（原文：{said}）",
    ),
    # OpenList.
    "openlist.away": Text(
        "OpenList does not answer ({said}). See ./photos status",
        "OpenList 没有响应（原文：{said}）。请看 ./photos status",
    ),
    "openlist.refuses": Text(
        "OpenList refuses ({said}). See ./photos logs drive",
        "OpenList 拒绝了（原文：{said}）。请看 ./photos logs drive",
    ),
    "openlist.user": Text(
        "OpenList does not let the keeper's own user do what he must ({said}). ./photos up --refresh puts him right",
        "OpenList 不让备份程序自己的用户做该做的事（原文：{said}）。./photos up --refresh 会把它改好",
    ),
    "openlist.password": Text(
        "OpenList does not take its admin's password ({said}). The right one: ./photos password drive",
        "OpenList 不认管理员密码（原文：{said}）。正确的密码：./photos password drive",
    ),
    "openlist.two_step": Text(
        "OpenList's admin has two-step login, which the keeper cannot answer: switch it off in OpenList ({said})",
        "OpenList 管理员开了两步验证，备份程序答不了，请在 OpenList 里关掉（原文：{said}）",
    ),
    "openlist.locked": Text(
        "OpenList takes no login for a while, after too many wrong ones ({said})",
        "错误登录太多，OpenList 暂时不让登录（原文：{said}）",
    ),
    "openlist.no_drive": Text(
        "OpenList has no drive for {path}. Known: {known}", "OpenList 里没有 {path} 对应的网盘。已有：{known}"
    ),
    "openlist.drive_off": Text("the drive {drive} is switched off in OpenList", "网盘 {drive} 在 OpenList 里停用了"),
    "openlist.drive_gone": Text(
        "the drive {drive} is not in OpenList, or switched off there. ./photos up --refresh puts it back",
        "OpenList 里没有网盘 {drive}，或者停用了。./photos up --refresh 会把它放回来",
    ),
    "openlist.drive_fails": Text(
        "OpenList cannot reach the drive {drive}; often its login has ended ({said})",
        "OpenList 连不上网盘 {drive}，常见的是授权过期了（原文：{said}）",
    ),
    "openlist.policy_set": Text(
        "the drive {drive} had the WebDAV policy {before}, with which nothing can be read back; it was set to native proxy",
        "网盘 {drive} 的 WebDAV 策略是 {before}，这样读不回来；已改为本机代理",
    ),
    "openlist.unsaid": Text(
        "the drive behind OpenList refused; why stands in ./photos logs drive ({said})",
        "OpenList 后面的网盘拒绝了，原因在 ./photos logs drive 里（原文：{said}）",
    ),
    "openlist.redirect": Text(
        "OpenList sends rclone elsewhere, which the drive refuses: set the drive's WebDAV policy to native proxy ({said})",
        "OpenList 把请求转到了别处，网盘不接受：请把这个网盘的 WebDAV 策略设为本机代理（原文：{said}）",
    ),
}
