"""What frames other messages."""

TEXTS = {
    "finding": "{check}：{text}",
    "finding_with_fix": "{check}：{text}。{fix}",
    "text_with_fix": "{text}。{fix}",
    "no_backup": "stack 文件里没有 photos:backup 就没有任何备份：写上它，或者自己另存一份照片。",
    "backup_status": "备份到 {copies}，时间表 {schedule}；情况见 {page}",
    "agreed": "{question} 是（--yes）",
    "nobody_answers": "{question} 这里没有人能回答：加上 --yes 表示同意。",
    "before_first_up": "第一次 up 之前",
    "nothing_declared": "没有创建或改动任何资源：",
    "listed": "{one}、{other}",
}
