"""What frames other messages."""

TEXTS = {
    "finding": "{check}：{text}",
    "finding_with_fix": "{check}：{text}。{fix}",
    "text_with_fix": "{text}。{fix}",
    "before_first_up": "第一次 up 之前",
    "nothing_declared": "没有创建或改动任何资源：",
}
