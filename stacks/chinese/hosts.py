"""What is wrong with `photos:hosts` and `photos:place` (`stacks/sections/hosts.py`, `stacks/sections/places.py`)."""

TEXTS = {
    "host_name": "“{value}” 不能作主机名。请写最多 20 个小写字母、数字和 -，以字母开头，例如 nas",
    "ssh_host": "{value} 不是 ssh 能到的机器。请写 ssh://USER@HOST，例如 ssh://family@nas，或 ssh://family@nas:2222",
    "host_address_public": (
        "{value} 不是家里的地址：主机之间说的话既不加密也不用登录。请在它们之间架 WireGuard，写 WireGuard 里的地址，例如 10.8.0.2"
    ),
    "two_managers": "{names} 都没有 `docker`，而只有 ./photos 自己的 Docker 所在的那台可以不写。请给其他主机写上，例如 docker: ssh://photos@gpu.lan",
    "no_manager": "每台主机都有 `docker`，于是 ./photos 自己的 Docker 一台都不在。请把它所在那台的这行去掉，那台就管理其他主机的网络",
    "host_twice": "和 {other} 是同一个。请写另一个，或者去掉其中一台",
    "place_without_hosts": "只有一台主机。请先写 `photos:hosts`，或者去掉 `place`",
    "place_of_nothing": "不是这个 stack 的服务。请写其中之一：{known}",
    "place_beside": "总是和 {other} 在一起。请去掉这一行，写 {other} 的位置",
    "place_unknown_host": "“{host}” 不在 hosts 里。请写其中之一：{known}",
    "panel_elsewhere": "{network} 只是 {first} 上的网络，而 {services} 在别的主机上。请去掉它，或者把它们放在 {first} 上",
    "place_apart": "{places}：它们看的是同样的照片，到了别的主机看到的就是空文件夹。请把它们都写在同一台主机上",
    # cli/dockers.py, cli/lost_hosts.py, cli/status.py
    "host_needed": "主机 {host} 没有应答，没有它就做不了：{why}。这意味着什么：./photos status --stack {stack}",
    "host_lost": "{host} 没有应答：{why}。上面有：{services}。什么都没有丢。",
    "host_lost_back": "{host} 开机后：./photos up {stack} --refresh",
    "one_then_other": "{one}{other}",
    "lost_library": "照片在它上面：这期间谁也看不到，手机会留着自己的照片。",
    "lost_database": "没有数据库，相册打不开；手机照样继续传照片。",
    "lost_tunnel": "这期间没有人能从互联网进来。",
    "lost_keeper": "这期间不做备份。",
    "lost_dump": "备份继续，只是没有数据库，并且会提醒。",
    "lost_manager": "网络由它管理：其他主机上正在运行的继续运行，停下来的在它回来之前不会再启动。",
    "not_started_again": "停了，没有再启动：{names}。它们所在的主机比管理网络的 {first} 先开机时就会这样。启动它们：./photos up {stack} --refresh",
    "head_host": "主机",
    "host_off": "没有应答",
    # cli/differences.py, cli/sweep.py
    "container_left_behind": "{name} 在一台主机上，而它的服务已经不在那里。up 会先问再删除这个容器；它的卷保留。",
    "container_cut_off": "{name} 的网络已经和建它的 swarm 一起没有了。up 会重新创建这个容器；它的卷保留。",
    "remove_left_behind": "{names}：它的服务已经不在这台主机上。要删除那里的容器吗（卷保留）？",
    "left_behind_kept": "什么都没有改动：同一个服务有两个的话，会轮流应答。要保留这一个，请把它的主机写进 stacks/Pulumi.{stack}.yaml 的 photos:place",
    "network_dead": "网络 {name} 是已经不在的 swarm 留下的，删不掉（{problem}）。请在那台主机上重启 Docker：sudo systemctl restart docker",
    "check_of_host": "{check}（{host}）",
    "data_elsewhere": "{service} 会到 {host} 上，而它的数据在 {there} 上：它会空着启动",
    "data_elsewhere_fix": "./photos move {service} {host} --stack {stack} 会把数据一起带过去；或者把 {there} 写回去",
}
