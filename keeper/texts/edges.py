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
}
