"""Types of what a person writes under `photos:publish`. Each error says what to write instead."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from components.addresses import LABEL, too_long

# Whoever has an address there is nobody in particular.
MAIL_PROVIDERS = {
    "126.com", "139.com", "163.com", "aliyun.com", "foxmail.com", "gmail.com", "gmx.de", "gmx.net", "googlemail.com",
    "hotmail.com", "icloud.com", "live.com", "mail.ru", "me.com", "msn.com", "outlook.com", "proton.me", "protonmail.com",
    "qq.com", "sina.com", "sohu.com", "web.de", "yahoo.com", "yandex.ru", "yeah.net",
}  # fmt: skip
ANYONE = ("*", "everyone", "anyone", "all", "public")
HOSTNAME = rf"({LABEL}\.)+[a-z]([a-z0-9-]{{0,61}}[a-z0-9])?"
MAIL_BYTES, MAILBOX_BYTES = 254, 64
# Python reads these and cloudflared, written in Go, does not: look-arounds, atomic groups, conditions, back-references.
UNKNOWN_TO_GO = r"\(\?<?[=!]|\(\?[>(]|\(\?P=|\\[1-9]"
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def _bare_hostname(value: str) -> str | None:
    """Return the hostname that `value` holds, as DNS writes it; None when there is none."""
    host = re.sub(r"^[a-z]+://", "", value.strip().lower()).partition("/")[0].rpartition("@")[2].partition(":")[0]
    bare = re.sub(r"\s", "", host).strip(".").replace("_", "-")
    try:
        bare = bare.encode("idna").decode() if not bare.isascii() else bare
    except UnicodeError:
        return None
    return bare if re.fullmatch(HOSTNAME, bare) and not too_long(bare) else None


def _hostname(value: str) -> str:
    if value.startswith("*"):
        msg = f'"{value}" would publish every name. Write each hostname by itself, e.g. photos.example.com'
        raise ValueError(msg)
    if reason := too_long(value):
        msg = f"{reason}. Write a shorter name, e.g. photos.example.com"
        raise ValueError(msg)
    if not re.fullmatch(HOSTNAME, value):
        meant = _bare_hostname(value) or "photos.example.com"
        msg = f'"{value}" is not a bare hostname. Write it in small letters without scheme, port, space or _, e.g. {meant}'
        raise ValueError(msg)
    return value


def _hex_id(value: str) -> str:
    if re.fullmatch(r"[0-9a-f]{32}", value):
        return value
    where = "Copy it from the domain's overview page at Cloudflare"
    plain = value.strip().lower().replace("-", "")
    if re.fullmatch(r"[0-9a-f]{32}", plain):
        msg = f"32 of 0-9 and a-f expected, small and without anything between. Write {plain}"
    elif len(value) == 32:  # noqa: PLR2004 - its length is right
        wrong = next(letter for letter in value if letter not in "0123456789abcdef")
        msg = f'"{wrong}" is none of 0-9 and a-f. {where}'
    else:
        msg = f"{len(value)} characters, 32 of 0-9 and a-f expected. {where}"
    raise ValueError(msg)


def _uuid(value: str) -> str:
    if not re.fullmatch(UUID, value):
        plain = value.strip().lower()
        meant = plain if re.fullmatch(UUID, plain) else "f174e90a-fafe-4643-bbbc-4a0ed4fc8415"
        msg = f'"{value}" is not an id. Write it as Cloudflare shows it, in small letters, e.g. {meant}'
        raise ValueError(msg)
    return value


def _email(value: str) -> str:
    if value.lower() in ANYONE or value.startswith("*"):
        msg = f'"{value}" would let anyone in. Write each address, e.g. mum@example.com'
        raise ValueError(msg)
    mailbox, at, domain = value.rpartition("@")
    if at and not mailbox:
        own = (
            "" if domain.lower() in MAIL_PROVIDERS else f", or {domain.lower()} under email_domains for everyone there"
        )
        msg = f'"{value}" is a domain. Write each address, e.g. mum@example.com{own}'
        raise ValueError(msg)
    if len(value.encode()) > MAIL_BYTES or len(mailbox.encode()) > MAILBOX_BYTES:
        msg = (
            f"the address has {len(mailbox.encode())} bytes before the @ and {len(value.encode())} in all, "
            f"at most {MAILBOX_BYTES} and {MAIL_BYTES} are possible. Write a shorter one, e.g. mum@example.com"
        )
        raise ValueError(msg)
    if not re.fullmatch(r"[^@\s\"'<>,;*]+", mailbox) or not re.fullmatch(HOSTNAME, domain.lower()):
        msg = f'"{value}" is not a mail address. Write it in full, e.g. mum@example.com'
        raise ValueError(msg)
    return value


def _email_domain(value: str) -> str:
    domain = value.lower().rpartition("@")[2]
    if domain in ANYONE or domain.startswith("*") or domain in MAIL_PROVIDERS:
        msg = f'"{value}" would let anyone in. Write the addresses of your family under emails instead'
        raise ValueError(msg)
    if not re.fullmatch(HOSTNAME, value) or too_long(value):
        bare = _bare_hostname(value)
        meant = bare if bare and bare not in MAIL_PROVIDERS else "the domain, e.g. example.com"
        msg = f'"{value}" is not a bare mail domain. Write {meant}'
        raise ValueError(msg)
    return value


def _team(value: str) -> str:
    if not re.fullmatch(LABEL, value):
        plain = re.sub(r"^https?://", "", value.strip().lower()).partition(".")[0]
        meant = plain if re.fullmatch(LABEL, plain) else "my-family"
        msg = f'"{value}" is not a team name. Write only what stands before .cloudflareaccess.com, e.g. {meant}'
        raise ValueError(msg)
    return value


def _duration(value: str) -> str:
    if not re.fullmatch(r"[1-9][0-9]{0,2}[mh]", value, re.ASCII):
        msg = f'"{value}" is not a session length. Write one to three digits and m or h, e.g. 30m or 24h'
        raise ValueError(msg)
    return value


def _path(value: str) -> str:
    """A path is a regular expression for cloudflared; anchored, or it would match in the middle of another path."""
    try:
        re.compile(value)
    except re.error as error:
        msg = f'"{value}" is not a regular expression ({error}). Write e.g. ^/dav/'
        raise ValueError(msg) from None
    if found := re.search(UNKNOWN_TO_GO, value):
        msg = (
            f'"{value}" holds {found[0]}, which cloudflared cannot read. Write e.g. ^/dav/, and order the paths instead'
        )
        raise ValueError(msg)
    if not value.startswith("^/"):
        msg = f'"{value}" would also match inside other paths. Begin it with ^/, e.g. ^/dav/'
        raise ValueError(msg)
    return value


def _token_name(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", value):
        msg = f'"{value}" cannot name a service token. Write up to 40 small letters, digits and -, e.g. laptop-rclone'
        raise ValueError(msg)
    return value


HostnameText = Annotated[str, AfterValidator(_hostname)]
HexId = Annotated[str, AfterValidator(_hex_id)]
ObjectId = Annotated[str, AfterValidator(_uuid)]
Session = Annotated[str, AfterValidator(_duration)]
MailAddress = Annotated[str, AfterValidator(_email)]
MailDomain = Annotated[str, AfterValidator(_email_domain)]
Team = Annotated[str, AfterValidator(_team)]
PathPattern = Annotated[str, AfterValidator(_path)]
TokenName = Annotated[str, AfterValidator(_token_name)]
