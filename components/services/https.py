"""HTTPS at home: Caddy before the album, with a certificate of the family's own authority (docs/adr/0030).

The authority is a flat secret and not Caddy's: what phones were told to trust survives a lost volume, and moves with
the stack file. Caddy signs what it needs with it and keeps nothing: all is made anew at each start, in memory.
Config: caddyserver.com/docs/caddyfile, run with 2.6.2 and 2.11.4. Its image: caddyserver/caddy-docker, 2.11/alpine.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from components.addresses import ANY, IN_THE_LAN, LABEL, in_url, too_long
from components.container import ContainerFile, ContainerSpec, HealthCheck, PublishedPort
from components.fields import AnyPort, BindAddresses, Image, Memory
from components.home_authority import HOME_DOMAINS
from components.messages import message
from components.refusals import refusal
from components.service import Belongings, Platform, Secret, Service, ServiceArgs
from components.service_config import ServiceConfig

HTTP_PORT, HTTPS_PORT = 8080, 8443
STANDARD_HTTPS, STANDARD_HTTP = 443, 80
ALBUM = "photoprism"
SECRETS, PAGES, CADDYFILE_PATH = "/run/secrets", "/srv", "/etc/caddy/Caddyfile"
CERTIFICATE_FILE = "https_ca_cert"
CERTIFICATE, KEY = f"{SECRETS}/{CERTIFICATE_FILE}", f"{SECRETS}/https_ca_key"
NOBODY = 65532
CERTIFICATE_PATH, PAGE_PATH = "/root.crt", "/trust"

# Caddy's own storage is a tmpfs. Leaves outlast a server whose clock is a day behind, as WSL's after a sleep; all that
# phones accept is far more (825 days for an authority of one's own: support.apple.com/103769). A browser that has seen
# the page asks for HTTPS for a week: a stranger in the Wi-Fi cannot show it a plain page meanwhile, and whoever turns
# this service off waits no longer than that.
CADDYFILE = """{{
	admin off
	auto_https disable_redirects
	skip_install_trust
	http_port {http}
	https_port {https}
	default_sni {unnamed}
	servers {{
		protocols h1 h2
	}}
	pki {{
		ca local {{
			root {{
				cert {certificate}
				key {key}
			}}
		}}
	}}
}}

(certificate) {{
	tls {{
		issuer internal {{
			lifetime 72h
		}}
	}}
}}

(trust) {{
	handle {certificate_path} {{
		root * {secrets}
		rewrite * /{certificate_file}
		header Content-Type application/x-x509-ca-cert
		file_server
	}}
	handle {page_path} {{
		root * {pages}
		rewrite * /trust.html
		file_server
	}}
}}

https://localhost {{
	import certificate
	respond 200
}}

http:// {{
	import trust
	handle {{
		redir https://{{host}}{port}{{uri}} 307
	}}
}}
{sites}"""
SITE = """
{addresses} {{
	import certificate
	import trust
	handle {{
		header Strict-Transport-Security max-age=604800
		reverse_proxy {origin}
	}}
}}
"""
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Photos at home</title>
<style>
body { font: 1.1rem/1.6 system-ui, sans-serif; max-width: 40rem; margin: 2rem auto; padding: 0 1rem; color-scheme: light dark }
a.button { display: inline-block; padding: .6rem 1.2rem; background: #0b57d0; color: #fff; text-decoration: none; border-radius: .4rem }
</style>
</head>
<body>
<h1>Photos at home</h1>
<p>Once per phone or computer: install the family's certificate, and this address opens without a warning.</p>
<p><a class="button" href="/root.crt">Certificate / 下载证书</a></p>
<ol>
<li><b>iPhone, iPad:</b> open this page in Safari, tap the button, allow the profile.
Settings → Profile Downloaded → Install. Then General → About → Certificate Trust Settings: switch it on.</li>
<li><b>Android:</b> tap the button. Settings → search for “CA certificate” → Install anyway → the file root.crt.</li>
<li><b>Windows:</b> open the file → Install Certificate → Local Machine → Trusted Root Certification Authorities.</li>
<li><b>Mac:</b> open the file in Keychain Access, then set it to Always Trust.</li>
</ol>
<p>Compare the SHA-256 fingerprint with what <code>./photos certificate</code> shows on the server. Another one: do not install it.</p>
<h2 lang="zh">中文</h2>
<ol lang="zh">
<li><b>iPhone、iPad：</b>用 Safari 打开本页，点上面的按钮，允许下载描述文件。设置 → 已下载描述文件 → 安装。再到 通用 → 关于本机 → 证书信任设置，打开它。</li>
<li><b>Android：</b>点按钮下载。设置里搜索“CA 证书”→ 仍然安装 → 选择 root.crt。</li>
<li><b>Windows：</b>打开文件 → 安装证书 → 本地计算机 → 受信任的根证书颁发机构。</li>
<li><b>Mac：</b>用“钥匙串访问”打开，设为始终信任。</li>
</ol>
<p lang="zh">请核对 SHA-256 指纹：服务器上 <code>./photos certificate</code> 会显示它。不一样就不要安装。</p>
</body>
</html>
"""


def home_name(value: str) -> str:
    """Return a name that means a machine at home and nothing on the internet, e.g. photos.local.

    Raises:
        PydanticCustomError: it is another one, or none.
    """
    example = message("write_home_name", "Write one that ends with .local, e.g. photos.local")
    if reason := too_long(value):
        raise refusal("home_name_too_long", "{reason}. {example}", reason=reason, example=example)
    if not re.fullmatch(rf"{LABEL}(\.{LABEL})+", value):
        raise refusal(
            "home_name_unreadable",
            '"{value}" is not a name in small letters, digits and - with a dot in it. {example}',
            value=value,
            example=example,
        )
    if not value.endswith(tuple(f".{domain}" for domain in HOME_DOMAINS)):
        raise refusal(
            "home_name_elsewhere",
            "\"{value}\" may be somebody's on the internet, and the family's certificate counts for names at home alone "
            "({known}). {example}; names on the internet belong to photos:publish",
            value=value,
            known=", ".join(f".{domain}" for domain in HOME_DOMAINS),
            example=example,
        )
    return value


HomeName = Annotated[str, AfterValidator(home_name)]


class HttpsConfig(ServiceConfig):
    """HTTPS at home, with a certificate of the family's own."""

    ruled_variables: ClassVar = {
        r"XDG_.*|HOME|CADDY_.*|SSL_.*": message("rule_https", "decides what the LAN reaches, and where keys lie")
    }

    image: Image = Field("caddy:2.11.4", description="image with a fixed tag, 2.11.1 or newer")
    memory: Memory = Field(128, description="memory limit, e.g. 512m or 4g")
    bind: BindAddresses = Field(
        (IN_THE_LAN,), description="address it answers on, a list of them, or lan: see docs/lan.md"
    )
    names: dict[HomeName, str] = Field(
        {"photos.local": ALBUM},
        description="name in the LAN: the service that answers there; see docs/https-at-home.md",
        min_length=1,
    )
    port: AnyPort = Field(STANDARD_HTTPS, description="port of HTTPS")
    http_port: AnyPort = Field(
        STANDARD_HTTP, description="port of plain HTTP: the page with the certificate; anything else is sent to HTTPS"
    )

    @property
    def port_in_address(self) -> str:
        """What follows a name in the address bar."""
        return "" if self.port == STANDARD_HTTPS else f":{self.port}"

    def url_of(self, service: str) -> str | None:
        """Return where a browser at home finds a service, None where it has no name here."""
        return next((f"https://{name}{self.port_in_address}/" for name in self.names_of(service)), None)

    def names_of(self, service: str) -> list[str]:
        """Return the names of a service, in the order of the alphabet: Pulumi keeps no other."""
        return sorted(name for name, served in self.names.items() if served == service)

    @property
    def main_service(self) -> str:
        """What answers to this machine's bare address: the album, where it has a name."""
        served = sorted({*self.names.values()})
        return ALBUM if ALBUM in served else served[0]

    @property
    def trust_page(self) -> str:
        """The plain page that a phone gets the certificate from."""
        port = "" if self.http_port == STANDARD_HTTP else f":{self.http_port}"
        return f"http://{self.names_of(self.main_service)[0]}{port}{PAGE_PATH}"


@dataclass(frozen=True, kw_only=True)
class HttpsArgs(ServiceArgs):
    """Caddy's configuration, the family's authority (PEM), and where the services answer: name → http://service:port."""

    config: HttpsConfig
    ca_cert: Secret
    ca_key: Secret
    origins: Mapping[str, str]

    @property
    def serves(self) -> Collection[str]:
        """The services that have a name here."""
        return frozenset(self.config.names.values())


class Https(Service[HttpsArgs, Platform]):
    """The album's address in the LAN. Nothing waits for it.

    Creates: a `docker.RemoteImage` and a `docker.Container`.
    """

    service = "https"
    Args = HttpsArgs
    Config = HttpsConfig
    waited_for = False

    @classmethod
    def spec(cls, args: HttpsArgs, base: Platform, belongings: Belongings) -> ContainerSpec:
        """Describe the proxy; see the class."""
        del base
        config = args.config
        return ContainerSpec(
            image=config.image,
            memory_mb=config.memory,
            networks=["edge"],
            user=f"{NOBODY}:{NOBODY}",
            # Its program carries this one as a file capability: without it in the bounding set it cannot even start.
            capabilities=["NET_BIND_SERVICE"],
            command=["caddy", "run", "--config", CADDYFILE_PATH, "--adapter", "caddyfile"],
            env={"XDG_DATA_HOME": "/data", "XDG_CONFIG_HOME": "/data", "HOME": "/data"},
            tmpfs={"/data": f"uid={NOBODY},gid={NOBODY},mode=0700,size=16m"},
            files=[
                ContainerFile(path=CADDYFILE_PATH, content=caddyfile(args)),
                ContainerFile(path=f"{PAGES}/trust.html", content=PAGE),
                ContainerFile(path=CERTIFICATE, content=belongings.secrets["ca_cert"]),
                ContainerFile(path=KEY, content=belongings.secrets["ca_key"]),
            ],
            ports=[
                PublishedPort(internal=inside, external=outside, ip=address)
                for inside, outside in ((HTTPS_PORT, config.port), (HTTP_PORT, config.http_port))
                for address in config.bind
            ],
            # With the authority alone: a chain that a phone would not take is ill.
            health=HealthCheck(
                command=["curl", "-fsS", "--cacert", CERTIFICATE, f"https://localhost:{HTTPS_PORT}/"], interval_s=30
            ),
        )


def caddyfile(args: HttpsArgs) -> str:
    """Return Caddy's configuration: a site per service, under its names; the album also under the address."""
    config = args.config
    bare = [in_url(address) for address in config.bind if address not in ANY]
    sites = []
    for service in sorted({*config.names.values()}):
        addresses = [f"https://{name}" for name in config.names_of(service)]
        if service == config.main_service:
            addresses += [f"https://{address}" for address in bare]
        sites.append(SITE.format(addresses=", ".join(addresses), origin=args.origins[service]))
    return CADDYFILE.format(
        http=HTTP_PORT,
        https=HTTPS_PORT,
        # A browser that was given an address and no name says none.
        unnamed=bare[0].strip("[]") if bare else config.names_of(config.main_service)[0],
        certificate=CERTIFICATE,
        key=KEY,
        certificate_path=CERTIFICATE_PATH,
        certificate_file=CERTIFICATE_FILE,
        secrets=SECRETS,
        pages=PAGES,
        page_path=PAGE_PATH,
        port=config.port_in_address,
        sites="".join(sites),
    )
