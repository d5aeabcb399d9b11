"""The pages and `./photos keeper status`."""

from __future__ import annotations

from keeper.texts import Text

TEXTS = {
    "page.album": Text("Album “{stack}”", "相册“{stack}”"),
    "page.language": Text("中文", "English"),
    "page.comma": Text(", ", "、"),
    "page.colon": Text(": ", "："),
    "page.head.good": Text("Your photos are safe.", "照片都是安全的。"),
    "page.head.warn": Text(
        "Your photos are backed up, but something needs a look.", "照片有备份，但有件事需要看一下。"
    ),
    "page.head.thin": Text("Your photos are backed up, but not safely enough yet.", "照片有备份，但还不够安全。"),
    "page.head.bad": Text("Something needs your attention now.", "有问题，需要现在处理。"),
    "page.head.none": Text("There is no backup yet.", "还没有任何备份。"),
    "page.head.first": Text("The first backup is yet to come.", "第一次备份还没有开始。"),
    "page.head.filling": Text("The first backup is being made.", "正在做第一次备份。"),
    "page.head.asking": Text("The copies are being asked what they hold.", "正在查询各个副本里有什么。"),
    "page.head.unknown": Text("The copies could not be asked what they hold.", "查不到各个副本里有什么。"),
    "page.head.silent": Text("The backup keeper is not running.", "备份程序没有在运行。"),
    "page.head.gate": Text("The backup asks you something.", "备份有件事要问您。"),
    "page.sub.good": Text(
        "{files} files, {size}. Last backup {age}; next: {next}.",
        "共 {files} 个文件，{size}。上次备份：{age}；下次：{next}。",
    ),
    "page.sub.never": Text(
        "No whole backup is known of so far; next: {next}.", "目前还不知道有完整的备份；下次：{next}。"
    ),
    # The five cards. They and `./photos status` say the same.
    "page.parts": Text("At a glance", "总览"),
    "card.album": Text("Album", "相册"),
    "card.phones": Text("Phones", "手机"),
    "card.drives": Text("Net drives", "网盘"),
    "card.copies": Text("Copies", "副本"),
    "card.upgrades": Text("Upgrades", "升级"),
    "card.step": Text("Next step", "下一步"),
    "card.below": Text("What to do", "怎么办"),
    "card.open": Text("Open", "打开"),
    "card.guide": Text("How to set it up: {page}", "设置方法：{page}"),
    "card.guides": Text("docs/{page}.md", "docs/zh/{page}.md"),
    "card.unlooked": Text("Not looked at yet.", "还没有查看过。"),
    "card.stale": Text("Last looked at {age}.", "最近一次查看：{age}。"),
    "card.look": Text("These need a look: {names}.", "需要看一下：{names}。"),
    "card.album.good": Text("It answers.", "正常。"),
    "card.album.shown": Text("It answers. New photos from phones: {age}.", "正常。手机新照片：{age}。"),
    "card.album.imported": Text("It answers. Last import: {age}.", "正常。上次导入：{age}。"),
    "card.album.home": Text("It answers, but something at home needs a look.", "能打开，但家里有件事需要看一下。"),
    "card.album.moment": Text("It does not answer right now; it may be starting.", "现在打不开，可能正在启动。"),
    "card.album.away": Text("It has not answered since {since}.", "从 {since} 起打不开。"),
    "card.album.off": Text("Albums, search and sharing, in the browser.", "在浏览器里看相册、搜索、分享。"),
    "card.phones.one": Text("{name} was last here {age}.", "{name} 上次连接：{age}。"),
    "card.phones.many": Text("{count} phones; {name} was here last, {age}.", "{count} 部手机；最近是 {name}，{age}。"),
    "card.phones.shown": Text("New photos last came {age}.", "最近一次收到新照片：{age}。"),
    "card.phones.never": Text("No phone has been here yet.", "还没有手机连接过。"),
    "card.phones.off": Text("Photos taken on a phone come home by themselves.", "手机拍的照片自动回家。"),
    "card.drives.one": Text("{names} can be reached. Looked {age}.", "{names} 连得上。查看时间：{age}。"),
    "card.drives.many": Text(
        "{count} net drives, all can be reached. Looked {age}.", "{count} 个网盘，都连得上。查看时间：{age}。"
    ),
    "card.drives.away": Text("Cannot be reached: {names}.", "连不上：{names}。"),
    "card.drives.off": Text("Baidu, OneDrive and others in one place.", "百度网盘、OneDrive 等放在一处。"),
    "card.copies.one": Text("One copy, up to date.", "一份，是最新的。"),
    "card.copies.many": Text("{count} copies, all up to date.", "{count} 份，都是最新的。"),
    "card.copies.filling": Text("Being filled for the first time: {names}.", "正在第一次上传：{names}。"),
    "card.upgrades.good": Text("What runs is the newest. Asked {age}.", "运行的都是最新版本。查询时间：{age}。"),
    "card.upgrades.newer": Text("A newer release of {names}.", "有新版本：{names}。"),
    "card.upgrades.series": Text("A newer series of {names}.", "有新系列：{names}。"),
    "card.upgrades.off": Text("Nobody asks for newer releases.", "没有设置查询新版本。"),
    "page.drives": Text("Net drives", "网盘"),
    "page.drives.good": Text("can be reached", "连得上"),
    "page.drives.away": Text("cannot be reached since {since}", "从 {since} 起连不上"),
    "page.skip": Text("Go to what matters", "跳到正文"),
    "page.todo": Text("What to do", "要做的事"),
    "page.todo.none": Text("Nothing. Enjoy your photos.", "没有。好好看照片吧。"),
    "page.todo.above": Text("Nothing beside the steps above.", "除了上面的步骤，没有别的。"),
    "page.copies": Text("The copies", "副本"),
    "page.copies.none": Text("No copy is set up.", "没有设置任何副本。"),
    "page.kind.disk": Text("a disk of your own, encrypted", "自己的硬盘，已加密"),
    "page.kind.mirror": Text("a place on the network, encrypted", "网盘，已加密"),
    "page.kind.vault": Text("a vault: nothing in it can be deleted, encrypted", "保险库：里面的东西删不掉，已加密"),
    "page.kind.album": Text("plain files to look at, not encrypted", "可以直接看的文件，未加密"),
    "page.album.only": Text("To look at, no backup: it does not count as a copy.", "只供查看，不是备份，不算副本。"),
    "page.brought": Text("Brought up to date", "最近一次更新"),
    "page.newest": Text("Newest backup", "最近一次备份"),
    "page.none": Text("none yet", "还没有"),
    "page.verified": Text("Read back and proven in the last {days} days", "最近 {days} 天读回核对"),
    "page.drill": Text("Last test restore", "上次恢复演练"),
    "page.read": Text("Read back", "读回核对"),
    "page.now.column": Text("Now", "现在"),
    "page.passed": Text("passed", "通过"),
    "page.failed": Text("failed", "失败"),
    "page.verdict": Text("{verdict}, {age}", "{verdict}，{age}"),
    "page.restored": Text(
        "{files} files and {rows} database rows came back whole", "{files} 个文件、{rows} 行数据完好恢复"
    ),
    "page.snapshots": Text("All backups ({count}), and what is in them", "全部备份（{count} 次），以及里面有什么"),
    "page.held": Text("Nothing is removed here until you answer.", "等您确认之前，这里什么都不会清理。"),
    "page.filling": Text("This copy is being filled for the first time.", "这份副本正在第一次上传。"),
    "page.first": Text(
        "{files} files ({size}) can be restored from it already.", "已有 {files} 个文件（{size}）可以从这里恢复。"
    ),
    "page.first.nothing": Text("Nothing can be restored from it yet.", "还没有可以从这里恢复的文件。"),
    "page.done": Text("{done} of {total}", "{total} 中的 {done}"),
    "page.left": Text("{done}, {rate}/s, about {left} to go", "{done}，{rate}/秒，大约还要 {left}"),
    "page.running": Text("at work now", "正在进行"),
    "page.state.note": Text("note", "说明"),
    "page.state.off": Text("not set up", "未设置"),
    "page.state.good": Text("good", "正常"),
    "page.state.warn": Text("look here", "请看"),
    "page.state.bad": Text("problem", "有问题"),
    "page.phones": Text("Phones", "手机"),
    "page.phones.shown": Text("new photos last shown: {age}", "新照片上次进入相册：{age}"),
    "page.phones.seen": Text("phone last seen: {age}", "手机上次连接：{age}"),
    "page.phones.keep": Text("What is deleted on the phone stays in the album.", "手机上删掉的照片，相册里留着。"),
    "page.phones.follow": Text(
        "What is deleted on the phone goes from the album, too, into a trash-can.",
        "手机上删掉的照片，相册里也会删掉，放进回收站。",
    ),
    "page.rotten": Text(
        "Files that changed on the disk by themselves: bring them back", "硬盘上自己变了的文件：取回它们"
    ),
    "page.unreadable": Text("Files that cannot be read: {count}", "读不出来的文件：{count} 个"),
    "page.more": Text("and {count} more", "还有 {count} 个"),
    "page.next": Text("What happens next", "接下来"),
    "page.next.run": Text("Next backup", "下次备份"),
    "page.next.drill": Text("Next test restore", "下次恢复演练"),
    "page.now": Text("Page made {time}.", "页面生成于 {time}。"),
    "page.renew.stop": Text("It renews itself every minute: stop that", "每分钟自动刷新：停止刷新"),
    "page.renew.start": Text("It does not renew itself: renew it every minute", "现在不会自动刷新：改为每分钟刷新"),
    "page.unknown": Text("not known", "未知"),
    "todo.silent": Text("Start the keeper again: {command}", "重新启动备份程序：{command}"),
    "todo.none": Text(
        "Set up at least two copies, one of them away from home: section “backup” of the stack file.",
        "至少设置两份副本，其中一份不在家里：在 stack 文件的 “backup” 一节。",
    ),
    "todo.gate": Text(
        "Many photos vanished or changed. The backup goes on and keeps every older one. If that was you, run {command} - "
        "if not, change nothing and find out why.",
        "很多照片消失或被改动。备份照常进行，以前的备份都留着。如果是您自己做的，运行 {command}；如果不是，先别动，查明原因。",
    ),
    "todo.rot": Text(
        "{count} files changed on the disk at home by themselves; older backups hold them as they were. Check that disk, and "
        "bring them back: {command}",
        "家里硬盘上有 {count} 个文件自己变了；以前的备份里有原来的样子。请检查硬盘，并取回它们：{command}",
    ),
    "todo.unread": Text(
        "{count} files on the disk at home can no longer be read; backups made before hold them. Check that disk, and bring "
        "them back: {command}",
        "家里硬盘上有 {count} 个文件读不出来了；在那之前的备份里有它们。请检查硬盘，并取回它们：{command}",
    ),
    "todo.problem": Text("The last backup reported: {problem}", "上次备份的报告：{problem}"),
    "todo.copy": Text("“{name}” has a problem: {problem}", "“{name}” 有问题：{problem}"),
    "todo.copy.old": Text(
        "“{name}” is out of date: its last good backup is from {age}. Run it by hand: {command}",
        "“{name}” 太旧了：上次成功备份是 {age}。手动运行一次：{command}",
    ),
    "todo.copy.none": Text("“{name}” has no backup yet.", "“{name}” 还没有备份。"),
    "todo.first": Text("“{name}” is being filled for the first time. {told}", "“{name}” 正在第一次上传。{told}"),
    "todo.damage": Text("“{name}” is damaged: {problem}", "“{name}” 有损坏：{problem}"),
    "todo.verify": Text(
        "Only {percent} % of “{name}” was read back in the last {days} days. Check it: {command}",
        "“{name}” 最近 {days} 天只核对了 {percent} %。核对一次：{command}",
    ),
    "todo.drill": Text("The test restore from “{name}” failed: {problem}", "从“{name}”做的恢复演练失败：{problem}"),
    "todo.drill.old": Text(
        "No test restore for {age}. Try one: {command}", "已有 {age} 没有做恢复演练。试一次：{command}"
    ),
    "todo.phone": Text("A phone's folder: {problem}", "手机文件夹：{problem}"),
    "todo.album": Text(
        "The album has not answered since {since}: {problem}. Start it again: {command}",
        "相册从 {since} 起打不开：{problem}。重新启动：{command}",
    ),
    "todo.import": Text("The import folder: {problem}", "import 文件夹：{problem}"),
    "todo.kit": Text(
        "Make the recovery kit and keep it outside of the house: {command}", "制作恢复包并存放在家以外的地方：{command}"
    ),
    "todo.kit.stale": Text(
        "Your recovery kit does not open {names}: make a new one and keep it outside of the house: {command}",
        "您的恢复包打不开 {names}：请重新制作一份，存放在家以外的地方：{command}",
    ),
    "todo.unreadable": Text(
        "{count} files could not be read and are not in the last backup; they are listed below, with the reason.",
        "有 {count} 个文件读不出来，不在上次备份里，原因列在下面。",
    ),
    # What is in a copy.
    "browse.title": Text("Backups in “{name}”", "“{name}” 里的备份"),
    "browse.back": Text("Back", "返回"),
    "browse.how": Text("Choose one to see what is in it.", "点开一次备份，看里面有什么。"),
    "browse.made": Text("Made", "时间"),
    "browse.files": Text("Files", "文件"),
    "browse.size": Text("Size", "大小"),
    "browse.added": Text("New in it", "新增"),
    "browse.part": Text("part of the first one", "第一次备份的一部分"),
    "browse.held": Text("kept until you answer", "等您确认，先留着"),
    "browse.none": Text("No backup is known of there.", "还不知道那里有备份。"),
    "browse.above": Text("One folder up", "上一级"),
    "browse.name": Text("Name", "名字"),
    "browse.changed": Text("Last changed", "最后修改"),
    "browse.empty": Text("There is nothing in this folder.", "这个文件夹里什么都没有。"),
    "browse.more": Text("Only the first {count} are shown.", "只显示前 {count} 个。"),
    "browse.restore": Text("To bring it back:", "要取回它："),
    "browse.failed": Text("This cannot be looked up now.", "现在查不到。"),
    "browse.no_room": Text("the keeper has no room to work in ({said})", "备份程序没有工作空间（原文：{said}）"),
    "browse.busy": Text("somebody else is looking something up; try again in a minute", "别人正在查看，请过一分钟再试"),
    # What commands answer.
    "done.scrub": Text(
        "{files} files at home were read; with {count} something is wrong.",
        "通读了家里的 {files} 个文件，有问题的 {count} 个。",
    ),
    "done.drives": Text(
        "{drives} copies lie in net drives; {count} of these drives cannot be reached.",
        "有 {drives} 份副本放在网盘里，其中 {count} 个网盘连不上。",
    ),
    "done.storages": Text(
        "{drives} net drives are declared; {count} of them cannot be reached.",
        "声明了 {drives} 个网盘，其中 {count} 个连不上。",
    ),
    "done.kit": Text("Noted: the recovery kit lies in a safe place.", "已记下：恢复包放在安全的地方。"),
    "done.import": Text(
        "The album took over {count} files of the import folder.", "相册从 import 文件夹导入了 {count} 个文件。"
    ),
    # Time.
    "ago.moment": Text("a moment ago", "刚刚"),
    "ago.minutes": Text("{n} minutes ago", "{n} 分钟前"),
    "ago.hours": Text("{n} hours ago", "{n} 小时前"),
    "ago.days": Text("{n} days ago", "{n} 天前"),
    "span.soon": Text("a few minutes", "几分钟"),
    "span.minutes": Text("{n} minutes", "{n} 分钟"),
    "span.hours": Text("{n} hours", "{n} 小时"),
    "span.days": Text("{n} days", "{n} 天"),
}
