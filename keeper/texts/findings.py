"""What the stack's checks found about the set of copies: `stacks/sections/backup/shortcomings.py`, `stacks/host/disks.py`."""

from __future__ import annotations

from keeper.texts import Text

TEXTS = {
    "finding.and": Text("{one} and {other}", "{one}、{other}"),
    "finding.copies_lacking": Text(
        "there is {have}; 3-2-1-1-0 also needs {lacking}. Add it under photos:backup",
        "现在有 {have}；按 3-2-1-1-0 的要求还缺{lacking}。请加到 photos:backup 里",
    ),
    "finding.second_copy": Text("a second copy", "第二份副本"),
    "finding.copy_elsewhere": Text("one that is not in this house", "一份不在家里的副本"),
    "finding.copy_undeletable": Text("one that nobody can delete (kind: vault)", "一份谁也删不掉的副本（kind: vault）"),
    "finding.copy_on_this_host": Text(
        "{name} is called a {kind} and lies on this machine: fire, theft and whoever gets in here reach it, too. Write "
        "`kind: disk`, and add a copy elsewhere",
        "{name} 叫作 {kind}，却在这台机器上：火灾、失窃和进了这台机器的人也够得着它。请写 `kind: disk`，另外加一份在别处的",
    ),
    "finding.copy_in_this_house": Text(
        "{name} is called a {kind}, and {server} is in this house: fire and theft reach it, too. Add a copy elsewhere",
        "{name} 叫作 {kind}，而 {server} 就在家里：火灾和失窃也够得着它。请另外加一份在别处的",
    ),
    "finding.copies_in_one_account": Text(
        "{one} and {other} are in one account, which can be lost as a whole. Use another one",
        "{one} 和 {other} 在同一个账号里，账号没了就都没了。请换一个账号",
    ),
    "finding.no_alerts": Text(
        "there is no alert target, a failed backup would stay unnoticed. "
        "Run ./photos config set --secret photos:{key} and type an address, e.g. mailto://… or wecombot://…",
        "没有设置告警发到哪里，备份失败了也没人知道。请运行 ./photos config set --secret photos:{key}，再输入地址，例如 mailto://… 或 wecombot://…",
    ),
    "finding.disk_of_the_library": Text(
        "{folder} is on the same disk as the library {library}. Use a folder on a second disk; what is on the same one is "
        "lost with it",
        "{folder} 和照片库 {library} 在同一块硬盘上。请用第二块硬盘上的文件夹，同一块硬盘坏了就都没了",
    ),
    "finding.disk_of_docker": Text(
        "{folder} is on the same disk as {docker}, where the album's database is. Use a folder on a second disk; what is on "
        "the same one is lost with it",
        "{folder} 和存放相册数据库的 {docker} 在同一块硬盘上。请用第二块硬盘上的文件夹，同一块硬盘坏了就都没了",
    ),
    "finding.copies_on_one_disk": Text(
        "{one} and {other} are on one disk, which can be lost as a whole. Use another disk",
        "{one} 和 {other} 在同一块硬盘上，硬盘没了就都没了。请换一块硬盘",
    ),
}
