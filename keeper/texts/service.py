"""Alerts: what is wrong, what is safe, what to do, and that it is over. And what a phone's folder or the album lacks."""

from __future__ import annotations

from keeper.texts import Text

TEXTS = {
    "alert.safe": Text("Safe: {text}", "安全的：{text}"),
    "alert.do": Text("To do: {text}", "要做的：{text}"),
    "alert.more": Text("… and {count} more", "……还有 {count} 条"),
    "alert.raised": Text("Noticed {time}", "发现于 {time}"),
    "alert.well": Text("All is well again: {what}", "一切恢复正常：{what}"),
    "ping.failed": Text("The backup failed (exit code {code})", "备份失败（退出码 {code}）"),
    "job.crashed": Text("it ended without a report (exit code {number})", "它没有留下报告就结束了（退出码 {number}）"),
    # How the run of a copy ended.
    "alert.run.FAILED": Text("The backup to “{copy}” failed", "“{copy}” 备份失败"),
    "alert.run.FAILED.safe": Text(
        "everything that was backed up before, and the other copies.", "以前的备份，以及其他副本。"
    ),
    "alert.run.FAILED.do": Text(
        "look at the reason below, then: ./photos keeper backup --copy {copy}",
        "看下面的原因，然后运行：./photos keeper backup --copy {copy}",
    ),
    "alert.run.FAILED.well": Text("the backup to “{copy}” worked", "“{copy}” 备份成功"),
    "alert.run.LOCKED": Text("Another computer is at work at “{copy}”", "另一台电脑正在用 “{copy}”"),
    "alert.run.LOCKED.safe": Text("nothing was changed there.", "那里什么都没有改动。"),
    "alert.run.LOCKED.do": Text(
        "make sure that only one computer backs up this album.", "请确认只有一台电脑在备份这个相册。"
    ),
    "alert.run.LOCKED.well": Text("the backup to “{copy}” worked", "“{copy}” 备份成功"),
    "alert.run.COPY": Text("“{copy}” could not be brought up to date", "“{copy}” 没能更新"),
    "alert.run.COPY.safe": Text(
        "the other copies, and everything that was backed up there before.", "其他副本，以及那里以前的备份。"
    ),
    "alert.run.COPY.do": Text(
        "look at the reason below. The next backup goes on where this one stopped.",
        "看下面的原因。下一次备份会从这里接着做。",
    ),
    "alert.run.COPY.well": Text("the backup to “{copy}” worked", "“{copy}” 备份成功"),
    "alert.run.VERIFY": Text("“{copy}” could not be proven good", "“{copy}” 没有通过核对"),
    "alert.run.VERIFY.safe": Text("your photos at home and the other copies.", "家里的照片和其他副本。"),
    "alert.run.VERIFY.do": Text(
        "look at the reason below. Then: ./photos keeper verify --all --copy {copy}",
        "看下面的原因，然后运行：./photos keeper verify --all --copy {copy}",
    ),
    "alert.run.VERIFY.well": Text("“{copy}” was proven good", "“{copy}” 通过了核对"),
    "alert.run.PREFLIGHT": Text("The backup to “{copy}” did not begin", "“{copy}” 的备份没有开始"),
    "alert.run.PREFLIGHT.safe": Text(
        "nothing was written; all earlier backups are unchanged.", "什么都没有写，以前的备份都没有变动。"
    ),
    "alert.run.PREFLIGHT.do": Text(
        "look at the reason below; often a drive is not plugged in.", "看下面的原因，常见的是硬盘没有接好。"
    ),
    "alert.run.PREFLIGHT.well": Text("the backup to “{copy}” worked", "“{copy}” 备份成功"),
    "alert.run.dump": Text("The album's database could not be saved", "相册数据库没能保存"),
    "alert.run.dump.safe": Text("the photos: they were backed up all the same.", "照片：照常备份了。"),
    "alert.run.dump.do": Text("see whether the album runs: ./photos status", "看看相册是否在运行：./photos status"),
    "alert.run.dump.well": Text("the album's database is backed up", "相册数据库已备份"),
    "alert.run.library": Text(
        "Nothing is backed up: the photos are not where they should be", "没有备份：照片不在原来的地方"
    ),
    "alert.run.library.safe": Text("everything that was backed up before.", "以前的备份。"),
    "alert.run.library.do": Text(
        "see whether the disk with the photos is plugged in and mounted: ./photos doctor",
        "看看放照片的硬盘是否接好、挂载好：./photos doctor",
    ),
    "alert.run.library.well": Text("the photos are there and are backed up", "照片都在，并且已备份"),
    "alert.run.gone": Text("The backup in “{copy}” is gone", "“{copy}” 里的备份不见了"),
    "alert.run.gone.safe": Text(
        "your photos at home and the other copies. Nothing new was begun there.",
        "家里的照片和其他副本。那里没有重新开始备份。",
    ),
    "alert.run.gone.do": Text(
        "see whether it is the right disk, folder or account, and whether somebody moved it. Do not delete anything.",
        "看看硬盘、文件夹或账号对不对，是不是有人移走了它。什么都不要删除。",
    ),
    "alert.run.gone.well": Text("the backup in “{copy}” is there again", "“{copy}” 里的备份又找到了"),
    "alert.run.key": Text("“{copy}” does not open with its key", "“{copy}” 用它的密钥打不开"),
    "alert.run.key.safe": Text("your photos at home and the other copies.", "家里的照片和其他副本。"),
    "alert.run.key.do": Text(
        "see whether somebody changed the key or the stack file; the recovery kit holds the right one.",
        "看看是不是有人改了密钥或 stack 文件；恢复包里有正确的密钥。",
    ),
    "alert.run.key.well": Text("“{copy}” opens again", "“{copy}” 又能打开了"),
    "alert.run.damage": Text("“{copy}” is damaged", "“{copy}” 有损坏"),
    "alert.run.damage.safe": Text("your photos at home and the other copies.", "家里的照片和其他副本。"),
    "alert.run.damage.do": Text(
        "check that disk or ask the provider; do not rely on this copy until a check passes: "
        "./photos keeper verify --all --copy {copy}",
        "检查那块硬盘或询问服务商；核对通过之前不要依赖这份副本：./photos keeper verify --all --copy {copy}",
    ),
    "alert.run.damage.well": Text("“{copy}” is whole again", "“{copy}” 又完好了"),
    "alert.run.mended": Text("Damage in “{copy}” was found and mended", "“{copy}” 里发现损坏，已修好"),
    "alert.run.mended.safe": Text(
        "your photos at home, the other copies, and now this one again.", "家里的照片、其他副本，这份副本现在也好了。"
    ),
    "alert.run.mended.do": Text(
        "if it happens again, check that disk or ask the provider.", "如果再次发生，请检查那块硬盘或询问服务商。"
    ),
    "alert.run.mended.well": Text("“{copy}” is whole", "“{copy}” 完好"),
    "alert.run.clock": Text("The clock of the computer seems to be wrong", "电脑的时间似乎不对"),
    "alert.run.clock.safe": Text(
        "the photos are backed up; nothing is forgotten until this is clear.",
        "照片照常备份；弄清之前不会清理任何备份。",
    ),
    "alert.run.clock.do": Text("look at the reason below.", "看下面的原因。"),
    "alert.run.clock.well": Text("the clock is right", "时间正常"),
    "alert.run.unreadable": Text(
        "Files could not be read and are not backed up: {count}", "有 {count} 个文件读不出来，没有备份"
    ),
    "alert.run.unreadable.safe": Text(
        "all other files; of these, what was backed up before.", "其他所有文件，以及这些文件以前的备份。"
    ),
    "alert.run.unreadable.do": Text(
        "look at the reasons below: often a file belongs to somebody else, or the disk is failing.",
        "看下面的原因，常见的是文件属于别的用户，或者硬盘要坏了。",
    ),
    "alert.run.unreadable.well": Text("every file could be read", "所有文件都能读了"),
    "alert.file.reason": Text("{path}: {reason}", "{path}：{reason}"),
    "alert.run.GATE": Text(
        "Unusually many photos vanished or changed: was that you?", "消失或改动的照片异常多：是您自己做的吗？"
    ),
    "alert.run.GATE.safe": Text(
        "the backup goes on, and everything that vanished is kept until you answer.",
        "备份照常进行，消失的照片都留着，等您确认。",
    ),
    "alert.run.GATE.do": Text(
        "if you did this yourselves: ./photos keeper accept {alarm} - if not, change nothing and look for the cause.",
        "如果是您自己删改的，请运行：./photos keeper accept {alarm}；如果不是，先别动，查明原因。",
    ),
    "alert.run.GATE.well": Text("the question about vanished photos was answered", "照片消失的事已有答复"),
    "alert.trial": Text("“{copy}” is not what it is called", "“{copy}” 名不副实"),
    "alert.trial.safe": Text("what is backed up there, as long as nothing happens.", "那里的备份，只要不出事。"),
    "alert.trial.do": Text("look at the reason below.", "看下面的原因。"),
    "alert.trial.well": Text("“{copy}” is what it is called", "“{copy}” 名副其实"),
    # Test restores, and the reading of the library.
    "alert.drill.failed": Text("The test restore from “{copy}” failed", "从“{copy}”做的恢复演练失败"),
    "alert.drill.failed.safe": Text(
        "your photos are untouched: a test never writes to them.", "您的照片没有被动过，演练从不写入照片。"
    ),
    "alert.drill.failed.do": Text(
        "do not rely on this copy until a test passes: ./photos keeper drill --copy {copy}",
        "演练通过之前不要依赖这份副本：./photos keeper drill --copy {copy}",
    ),
    "alert.drill.failed.well": Text("the test restore from “{copy}” passed", "从“{copy}”做的恢复演练通过"),
    "alert.drill.crashed": Text("The test restore did not come to an end", "恢复演练没有做完"),
    "alert.drill.crashed.safe": Text(
        "your photos are untouched: a test never writes to them.", "您的照片没有被动过，演练从不写入照片。"
    ),
    "alert.drill.crashed.do": Text("try it by hand: ./photos keeper drill", "手动试一次：./photos keeper drill"),
    "alert.drill.crashed.well": Text("the test restore passed", "恢复演练通过"),
    "alert.rot": Text(
        "Photos on the disk at home changed by themselves: {count}", "家里硬盘上有 {count} 张照片自己变了"
    ),
    "alert.rot.safe": Text("older backups hold them as they were.", "以前的备份里有原来的样子。"),
    "alert.rot.do": Text(
        "check the disk, and bring them back, e.g. ./photos keeper restore {path}",
        "检查硬盘，并取回它们，例如运行：./photos keeper restore {path}",
    ),
    "alert.rot.well": Text("no file is known to have changed by itself", "没有自己变了的文件"),
    "alert.unread": Text(
        "Files on the disk at home can no longer be read: {count}", "家里硬盘上有 {count} 个文件读不出来了"
    ),
    "alert.unread.safe": Text("backups made before hold what they held then.", "在那之前的备份里有原来的内容。"),
    "alert.unread.do": Text(
        "check the disk: it may be failing. Then bring them back, e.g. ./photos keeper restore {path}",
        "检查硬盘，它可能要坏了。然后取回它们，例如运行：./photos keeper restore {path}",
    ),
    "alert.unread.well": Text("every file at home can be read", "家里的文件都能读了"),
    "alert.file": Text("{path}", "{path}"),
    "alert.scrub": Text("The photos at home could not be read through", "家里的照片没能通读一遍"),
    "alert.scrub.safe": Text("the copies: they are checked on their own.", "副本：它们另有核对。"),
    "alert.scrub.do": Text("try it by hand: ./photos keeper scrub", "手动试一次：./photos keeper scrub"),
    "alert.scrub.well": Text("the photos at home were read through", "家里的照片通读过了"),
    "alert.drive": Text(
        "The net drive of “{copy}” cannot be reached: the next backup there would fail",
        "“{copy}” 的网盘连不上了：下一次往那里备份会失败",
    ),
    "alert.drive.safe": Text(
        "your photos at home, the other copies, and what lies there.", "家里的照片、其他副本，以及那里已有的内容。"
    ),
    "alert.drive.do": Text(
        "often its login has ended: type a new one, ./photos config set --secret photos:drive_STORAGE_OPTION (docs/net-drives.md), "
        "then ./photos up. Look again: ./photos keeper drives",
        "常见的是授权过期：输入新的，./photos config set --secret photos:drive_STORAGE_OPTION（docs/zh/net-drives.md），"
        "再运行 ./photos up。再看一次：./photos keeper drives",
    ),
    "alert.drive.well": Text("the net drive of “{copy}” can be reached again", "“{copy}” 的网盘又连上了"),
    "alert.import": Text("The album took over nothing from the import folder", "相册没有从 import 文件夹导入照片"),
    "alert.import.safe": Text("your photos: they lie where they lay.", "照片都在原来的地方。"),
    "alert.import.do": Text(
        "look at the reason below, then try it by hand: ./photos keeper import",
        "看下面的原因，然后手动试一次：./photos keeper import",
    ),
    "alert.import.well": Text(
        "the album takes over what lies in the import folder", "相册照常导入 import 文件夹里的照片"
    ),
    "alert.import.left": Text(
        "The album did not take everything from the import folder", "相册没有把 import 文件夹里的文件全部导入"
    ),
    "alert.import.left.safe": Text("all of these files: they lie where they lay.", "这些文件都在原来的地方。"),
    "alert.import.left.do": Text(
        "look at what is left there; move what is no photo elsewhere.", "看看那里还剩什么，把不是照片的文件移到别处。"
    ),
    "alert.import.left.well": Text(
        "the album takes over what lies in the import folder", "相册照常导入 import 文件夹里的照片"
    ),
    # The dead-man switch.
    "alert.watch.heartbeat": Text("The backup keeper has been silent since {since}", "备份程序自 {since} 起没有动静"),
    "alert.watch.heartbeat.safe": Text("the copies made so far are unchanged.", "已有的副本都没有变动。"),
    "alert.watch.heartbeat.do": Text(
        "start it again: ./photos up - and see ./photos status", "重新启动：./photos up，再看 ./photos status"
    ),
    "alert.watch.heartbeat.well": Text("the keeper is at work", "备份程序在工作"),
    "alert.watch.good": Text("No good backup to “{copy}” since {since}", "“{copy}” 自 {since} 起没有成功的备份"),
    "alert.watch.good.safe": Text("what was backed up until then.", "在那之前的备份。"),
    "alert.watch.good.do": Text(
        "run it by hand and read why: ./photos keeper backup --copy {copy}",
        "手动运行并看原因：./photos keeper backup --copy {copy}",
    ),
    "alert.watch.good.well": Text("“{copy}” has a good backup", "“{copy}” 已有成功的备份"),
    "alert.watch.verify": Text(
        "Not all of “{copy}” was read back since {since}", "“{copy}” 自 {since} 起没有全部核对过"
    ),
    "alert.watch.verify.safe": Text(
        "the copy is there, but nobody knows whether it is whole.", "副本在，但不知道是否完好。"
    ),
    "alert.watch.verify.do": Text(
        "check it: ./photos keeper verify --all --copy {copy}", "核对一次：./photos keeper verify --all --copy {copy}"
    ),
    "alert.watch.verify.well": Text("“{copy}” was read back", "“{copy}” 已经核对"),
    "alert.watch.drill": Text("No test restore passed since {since}", "自 {since} 起没有通过的恢复演练"),
    "alert.watch.drill.safe": Text(
        "the copies are there, but it is not proven that they can be restored.", "副本都在，但没有证明能恢复。"
    ),
    "alert.watch.drill.do": Text("test it: ./photos keeper drill", "演练一次：./photos keeper drill"),
    "alert.watch.drill.well": Text("a test restore passed", "恢复演练已通过"),
    "alert.watch.gate": Text(
        "The backup still asks: did you delete or change many photos?", "备份还在等您确认：是您删改了很多照片吗？"
    ),
    "alert.watch.gate.safe": Text(
        "new photos are backed up, and everything that vanished is kept.", "新照片照常备份，消失的照片都留着。"
    ),
    "alert.watch.gate.do": Text(
        "look at the page. If it was you: ./photos keeper accept {alarm}",
        "看备份页面。如果是您自己做的：./photos keeper accept {alarm}",
    ),
    "alert.watch.gate.well": Text("the backup waits for nothing", "没有需要确认的事"),
    "watch.never": Text("the start", "启用"),
    # Phones, and the album.
    "alert.phone": Text("The folder of a phone takes no new photos: {phone}", "手机的文件夹收不到新照片：{phone}"),
    "alert.phone.safe": Text(
        "all photos that arrived until now, and those on the phone.", "已经收到的照片，以及手机里的照片。"
    ),
    "alert.phone.do": Text(
        "look at the reason below; keep the photos on the phone until this is over.",
        "看下面的原因；解决之前，照片先别从手机里删。",
    ),
    "alert.phone.well": Text("photos arrive again: {phone}", "又能收到照片了：{phone}"),
    "alert.quiet": Text("A phone has not been here for long: {phone}", "手机很久没有连接了：{phone}"),
    "alert.quiet.safe": Text("all photos that arrived until now.", "已经收到的照片。"),
    "alert.quiet.do": Text(
        "open Syncthing on the phone and let it run: many phones stop it to save power. Until then do not delete its photos.",
        "在手机上打开 Syncthing，让它一直运行：很多手机为了省电会关掉它。在那之前，别删手机里的照片。",
    ),
    "alert.quiet.well": Text("the phone is here again: {phone}", "手机又连上了：{phone}"),
    "phone.quiet": Text(
        "{phone} was last connected on {day}: what it took since then is only on it",
        "{phone} 上次连接是 {day}：之后拍的照片只在手机里",
    ),
    "phone.never": Text(
        "{phone} has not connected once since {day}. Has it the server's ID? ./photos phone list",
        "{phone} 从 {day} 起一次也没有连接过。手机上加了本机的 ID 吗？./photos phone list",
    ),
    "phone.full": Text(
        "Syncthing stopped, the disk is full: {said}. Make room, it goes on by itself",
        "Syncthing 停了，硬盘满了，原文：{said}。腾出空间后会自己继续",
    ),
    "phone.path": Text(
        "Syncthing stopped: its folder in originals/phones is gone. Was it renamed or is a disk absent? If it was lost: "
        "./photos keeper restore originals/phones",
        "Syncthing 停了：originals/phones 里它的文件夹不见了。是改了名，还是硬盘没接上？如果丢了：./photos keeper restore originals/phones",
    ),
    "phone.marker": Text(
        "Syncthing stopped: its marker .stfolder is missing there. Was the disk replaced, or the folder emptied? If all "
        "photos are there, bring the marker back: ./photos keeper restore originals/phones",
        "Syncthing 停了：那里缺少标记 .stfolder。换过硬盘，还是清空过文件夹？如果照片都在，请取回标记：./photos keeper restore originals/phones",
    ),
    "phone.stopped": Text(
        "Syncthing stopped: {said}. See ./photos logs syncthing",
        "Syncthing 停了，原文：{said}。请看 ./photos logs syncthing",
    ),
    "phone.files": Text(
        "{count} files cannot be fetched. See ./photos logs syncthing",
        "有 {count} 个文件取不过来。请看 ./photos logs syncthing",
    ),
    "phone.unshown": Text("the album does not show what arrived: {reason}", "收到的照片没有进入相册：{reason}"),
    "album.import": Text(
        "the album did not import: {reason}. Is it running? ./photos status",
        "相册没有导入：{reason}。它在运行吗？./photos status",
    ),
    "import.left": Text(
        "{count} files were not taken by the album, e.g. {path}: it does not know their kind, or cannot read them",
        "有 {count} 个文件相册没有导入，例如 {path}：它不认识这种文件，或者读不出来",
    ),
    "import.synced": Text(
        "its folder {path} is synced by Syncthing, and what is moved away from there is deleted on the phone, too. "
        "So everything is copied, not moved",
        "其中的文件夹 {path} 由 Syncthing 同步，从那里移走的照片在手机上也会被删除。所以全部改为复制，没有移动",
    ),
    "import.unsettled": Text(
        "it was being written to all the time, so nothing was taken over. It is tried again at the next time",
        "一直有程序往里写文件，所以什么都没有导入。到下一个时间再试",
    ),
    "import.locked": Text("an import is at work already", "已经有一次导入在进行"),
    "album.password": Text(
        "the album refuses the keeper's password. A new one: ./photos up --refresh",
        "相册不认备份程序的密码。重新生成：./photos up --refresh",
    ),
    "app.answers": Text("{app} answers {status} to {path}", "{app} 对 {path} 的回答是 {status}"),
    "app.unreachable": Text("{app} does not answer ({said})", "{app} 没有响应（原文：{said}）"),
    "app.strange": Text("it answers something strange ({said})", "回答看不懂（原文：{said}）"),
}
