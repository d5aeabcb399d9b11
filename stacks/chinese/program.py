"""What frames other messages."""

TEXTS = {
    "finding": "{check}：{text}",
    "finding_with_fix": "{check}：{text}。{fix}",
    "nothing_declared": "没有创建或改动任何资源：",
}
