"""What is said of newer releases; `./photos status` says the same where there is no keeper (tested)."""

from __future__ import annotations

from keeper.texts import Text

TEXTS = {
    "updates.newer": Text(
        "newer: {service} {runs} → {newest}: {command}", "有新版本：{service} {runs} → {newest}：{command}"
    ),
    "updates.series": Text(
        "a newer series: {service} {runs} → {newest}; first read docs/upgrading.md: {command}",
        "有新系列：{service} {runs} → {newest}；先看 docs/zh/upgrading.md：{command}",
    ),
    "updates.unknown": Text(
        "Could not ask for newer releases of {names}; tomorrow again.", "查不到 {names} 的新版本；明天再查。"
    ),
    "updates.none": Text("What runs is the newest.", "运行的都是最新版本。"),
}
