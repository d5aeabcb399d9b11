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
    "check_of_host": "{check}（{host}）",
    "data_elsewhere": "{service} 会到 {host} 上，而它的数据在 {there} 上：它会空着启动",
    "data_elsewhere_fix": "./photos move {service} {host} --stack {stack} 会把数据一起带过去；或者把 {there} 写回去",
}
