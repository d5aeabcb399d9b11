"""What `./photos adopt --database … --storage …` says (`cli/takeover`)."""

TEXTS = {
    # commands/adopt.py, setup.py
    "adopt_what": "请写其中一种：./photos adopt FOLDER（接管照片库），或 ./photos adopt --database CONTAINER|FILE.sql --storage FOLDER（接管手工搭的一整套；照片在 photos:library 写的地方）。",
    "takeover_pending": "把旧的一套接管进 “{stack}” 的过程中断了，它的卷只做了一半。请再运行一次同样的 ./photos adopt：会重新开始，旧的那套没有动过。",
    # pending.py
    "takeover_runs": "另一个 ./photos adopt 正在为 “{stack}” 工作。请等它结束。",
    # dump.py
    "dump_unreadable": "无法读取 {file}：{reason}",
    "dump_not_photoprism": "{where} 里没有 PhotoPrism 的数据库（没有表 {tables}）。如果它的索引是 SQLite（storage 文件夹里的 index.db）：请看 docs/zh/from-the-blog.md",
    "dump_which": "{where} 里有这几个 PhotoPrism 数据库：{names}。请写明是哪一个：--database-name NAME",
    "dump_sqlite": "旧相册的索引是 SQLite，PhotoPrism（CE）不能把它转进 MariaDB，所以无法接管：请在同样的文件夹上重新开始（./photos up）。哪些会自己回来，见 docs/zh/from-the-blog.md 里关于 SQLite 的一段。",
    "dump_of_nobody": "{file} 不是 mariadb-dump 或 mysqldump 导出的文件（未压缩，或用 gzip 压缩）。请改写数据库的容器：--database CONTAINER ，或者按 docs/zh/from-the-blog.md 导出一份。",
    "dump_charset": "{file} 的字符集是 {charset}，没有 emoji，可能也没有中文：导出时就丢了。请加上 --default-character-set=utf8mb4 重新导出",
    "dump_cut": "{file} 的最后一行不是 “-- Dump completed”：文件被截断了，或者导出时用了 --skip-comments 或 --compact。请重新导出，等它做完。",
    # database.py
    "olddb_no_answer": "{name} 没有回应：{said}",
    "olddb_no_dump": "{name} 无法导出：{said}",
    "takeover_no_room": "{folder} 只剩 {free} GB，需要 {needed} GB。没有创建或改动任何东西。",
    "olddb_denied": "进不了 {name}：它的环境变量和旧相册里的密码都已经不对了。请在终端里运行（可以输入 root 的密码），或者手工导出再写文件名（docs/zh/from-the-blog.md）。",
    "olddb_unknown": "没有叫 {name} 的容器，也没有这个文件。这台机器上的数据库：{known}",
    "olddb_of_a_stack": "{name} 已经属于 ./photos 的一个 stack。它的照片库这样接管：./photos adopt FOLDER",
    "olddb_stopped": "{name} 的状态是：{status}。要读它的数据，请启动它：{command} 。旧相册本身要保持停止。",
    "olddb_no_client": "{name} 里既没有 mariadb-dump 也没有 mysqldump，不是数据库{server}。请写 MariaDB 的容器。",
    "olddb_password": "{name} 里 root 的密码",
    # albums.py
    "takeover_still_runs": "旧相册还在用这些文件夹运行：{names}。两个相册共用一个照片库会互相破坏。请先停掉它，再运行一次：{command}",
    # storage.py
    "storage_no_folder": "--storage {folder} 不是文件夹。它的盘挂上了吗？应该是旧相册里 /photoprism/storage 对应的文件夹。",
    "storage_is_library": "--storage {folder} 就是 originals 文件夹，或者包含它。请写 PhotoPrism 自己的文件夹，里面有 config 和 sidecar 的那个。",
    "storage_not_photoprism": "--storage {folder} 不是 PhotoPrism 的 storage 文件夹：里面没有 {signs}。{meant}",
    "storage_would_be_indexed": "--storage {folder} 在 originals 里面，相册会把其中的缩略图当成照片。请先运行：{command}",
    "storage_unreadable": "{folder} 里有读不了的东西，所以没有创建或改动任何东西：{names}{more}。请用 sudo 运行。",
    "storage_links": "{folder} 里有指到外面的链接，它们指向的内容在 stack 里会缺失：{names}{more}。请把真正的文件夹放到那里，或者删掉链接。",
    # findings.py
    "takeover_too_old": "这个索引来自 2022 年 11 月以前的 PhotoPrism，那时用户存放在别处。请让旧的那套用 {image} 运行一次，登录一下，再重新导出。",
    "takeover_newer": "这个索引最后由 PhotoPrism {version} 打开过，而 stack 文件里的 {image} 更旧：旧版本不能打开它。请把 services.photoprism.image 写成 {day} 或更新的标签，例如 photoprism/photoprism:{day}-ce",
    "takeover_edition": "旧相册{old}是 PhotoPrism 的另一个版本。只有那个版本才有的功能（角色、更多登录方式）留在数据库里，但用不了。",
    "takeover_other_photos": "旧索引里的 {known} 张照片中有 {absent} 张不在 {originals} 里，例如 {example}。请把 photos:library.originals 写成旧相册自己的文件夹。",
    "takeover_no_admin": "stack 用 “{admin}” 登录相册，而旧相册里没有这个能登录的管理员（那里的管理员：{names}）。请启动旧相册，用 {command} 添加，再停掉相册，重新运行。其他人的登录不变。",
    "takeover_two_steps": "用户 “{admin}” 开了两步登录，而 stack 只用密码登录。请启动旧相册，为这个用户关掉它（设置，账户；或 {command}），再停掉相册，重新运行。其他人可以保留。",
    # password.py
    "takeover_no_password": "旧相册的管理员没有密码。会用 stack 生成的密码。",
    "takeover_password": "旧相册里 “admin” 的密码（新相册也用它）",
    "takeover_not_it": "不对。",
    "takeover_password_weak": "旧相册的密码{reason}。请启动旧相册，用 {command} 换一个，再停掉相册，重新运行。",
    "takeover_wrong_password": "这不是旧相册里 “admin” 的密码。没有创建或改动任何东西。忘了？在旧容器里运行 photoprism passwd admin 可以重设。没有终端时：写在输入的第一行，或者 {command}",
    # volumes.py
    "takeover_has_index": "stack “{stack}” 已经有索引（{names}），不会覆盖任何东西。如果刚刚接管过：./photos up {stack} 。如果里面没有值得留的：./photos destroy {stack} ，再 docker volume rm {words} ，然后重新运行。或者换一个 stack。",
    "takeover_left_in_use": "上次接管留下的一半正被使用：{problem}。请先运行：./photos destroy {stack}",
    "takeover_not_loaded": "导出文件无法装入，什么都没有留下：{said}",
    "takeover_no_answer": "stack 的新数据库没有回应：{said}",
    "takeover_storage_broke": "{folder} 无法复制，什么都没有留下：{problem}。是不是有程序在往里写？请重新运行。",
    "takeover_storage_differs": "到达卷里的和 {folder} 里的不一样（{count} 个文件不同，例如 {example}）。是不是有程序在往里写？什么都没有留下；请重新运行。",
    "takeover_pulling": "正在获取 {image} ……",
    "takeover_no_image": "拿不到 {image}：{problem}。如果 Docker Hub 被屏蔽，请写一个你信任的镜像站：photos:image_registry（docs/zh/mirrors.md）",
    "takeover_no_start": "stack 的新数据库没有启动：\n{said}",
    # taking_over.py
    "takeover_no_originals": "photos:library.originals 是 {originals}，但它不存在。请在 stacks/Pulumi.{stack}.yaml 里写旧相册的文件夹。它的盘挂上了吗？",
    "takeover_no_album": "stack “{stack}” 没有相册。请在 stacks/Pulumi.{stack}.yaml 的 photos:services 下面写上 `photoprism: {}`",
    "takeover_no_file": "没有文件 {file}。它的盘挂上了吗？",
    "takeover_dumping": "正在导出 {name} 里的 {database} ……",
    "takeover_summary": "{source}：PhotoPrism 的数据库，{tables} 张表。\n{folder}：{files} 个文件，{megabytes} MB；其中的 cache 不带走，缩略图会重新生成。\n两边都原样不动，照片也是。",
    "takeover_options": "旧 options.yml 里这些由 stack 决定，不接管：{keys}",
    "takeover_agree": "要把这些接管进 stack “{stack}” 并启动它吗？",
    "takeover_copying": "正在复制 storage 文件夹……",
    "takeover_loading": "正在装入数据库……",
    "takeover_converted": "这些表的旧字符集已转换成 utf8mb4：{names}",
    "takeover_rows": "没有全部装入，所以什么都没有留下：{tables}。旧数据库还在被写入吗？请重新运行。",
    "takeover_starting": "全部就绪。正在用它启动 stack……",
    "takeover_done": "旧容器和 {folder} 还是原样，stack 不再需要它们。要回去：./photos destroy {stack} ，再启动旧的。绝不要两边同时运行。",
    "takeover_comes_back": "{name} 下次开机会自己启动，和 stack 一起运行。请阻止它：docker update --restart=no {name}",
}
