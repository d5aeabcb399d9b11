"""The copy to look at, and what was tried of the copies."""

from __future__ import annotations

from keeper.texts import Text

TEXTS = {
    # The copy to look at.
    "phase.album": Text("copying photos to look at", "复制可以直接看的照片"),
    "album.refused": Text(
        "{count} files are not there to look at, e.g. {path} ({said}); all others are",
        "有 {count} 个文件没能放过去，例如 {path}（原文：{said}）；其他的都在",
    ),
    "cause.refused": Text(
        "it refuses what is sent and does not say why ({said})", "对方拒绝接收，没有说明原因（原文：{said}）"
    ),
    # Copies are what they are called.
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
}
