"""Types of what a person writes under `photos:publish`. Each error says what to write instead."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from components.addresses import LABEL, too_long
from components.messages import message
from components.refusals import refusal

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
        raise refusal(
            "hostname_wildcard",
            '"{value}" would publish every name. Write each hostname by itself, e.g. photos.example.com',
            value=value,
        )
    if reason := too_long(value):
        raise refusal("hostname_too_long", "{reason}. Write a shorter name, e.g. photos.example.com", reason=reason)
    if not re.fullmatch(HOSTNAME, value):
        meant = _bare_hostname(value) or "photos.example.com"
        raise refusal(
            "hostname_unreadable",
            '"{value}" is not a bare hostname. Write it in small letters without scheme, port, space or _, e.g. {meant}',
            value=value,
            meant=meant,
        )
    return value


def _hex_id(value: str) -> str:
    if re.fullmatch(r"[0-9a-f]{32}", value):
        return value
    where = message("copy_from_overview", "Copy it from the domain's overview page at Cloudflare")
    plain = value.strip().lower().replace("-", "")
    if re.fullmatch(r"[0-9a-f]{32}", plain):
        raise refusal(
            "hex_id_spelling",
            "32 of 0-9 and a-f expected, small and without anything between. Write {plain}",
            plain=plain,
        )
    if len(value) == 32:  # noqa: PLR2004 - its length is right
        wrong = next(letter for letter in value if letter not in "0123456789abcdef")
        raise refusal("hex_id_letter", '"{wrong}" is none of 0-9 and a-f. {where}', wrong=wrong, where=where)
    raise refusal(
        "hex_id_length", "{size} characters, 32 of 0-9 and a-f expected. {where}", size=len(value), where=where
    )


def _uuid(value: str) -> str:
    if not re.fullmatch(UUID, value):
        plain = value.strip().lower()
        meant = plain if re.fullmatch(UUID, plain) else "f174e90a-fafe-4643-bbbc-4a0ed4fc8415"
        raise refusal(
            "object_id_unreadable",
            '"{value}" is not an id. Write it as Cloudflare shows it, in small letters, e.g. {meant}',
            value=value,
            meant=meant,
        )
    return value


def _email(value: str) -> str:
    if value.lower() in ANYONE or value.startswith("*"):
        raise refusal(
            "email_of_anyone", '"{value}" would let anyone in. Write each address, e.g. mum@example.com', value=value
        )
    mailbox, at, domain = value.rpartition("@")
    if at and not mailbox:
        instead = (
            ""
            if domain.lower() in MAIL_PROVIDERS
            else message(
                "email_domain_instead", ", or {domain} under email_domains for everyone there", domain=domain.lower()
            )
        )
        raise refusal(
            "email_is_domain",
            '"{value}" is a domain. Write each address, e.g. mum@example.com{instead}',
            value=value,
            instead=instead,
        )
    if len(value.encode()) > MAIL_BYTES or len(mailbox.encode()) > MAILBOX_BYTES:
        raise refusal(
            "email_too_long",
            "the address has {before} bytes before the @ and {size} in all, at most {most_before} and {most} are possible. Write a shorter one, e.g. mum@example.com",
            before=len(mailbox.encode()),
            size=len(value.encode()),
            most_before=MAILBOX_BYTES,
            most=MAIL_BYTES,
        )
    if not re.fullmatch(r"[^@\s\"'<>,;*]+", mailbox) or not re.fullmatch(HOSTNAME, domain.lower()):
        raise refusal(
            "email_unreadable", '"{value}" is not a mail address. Write it in full, e.g. mum@example.com', value=value
        )
    return value


def _email_domain(value: str) -> str:
    domain = value.lower().rpartition("@")[2]
    if domain in ANYONE or domain.startswith("*") or domain in MAIL_PROVIDERS:
        raise refusal(
            "email_domain_of_anyone",
            '"{value}" would let anyone in. Write the addresses of your family under emails instead',
            value=value,
        )
    if not re.fullmatch(HOSTNAME, value) or too_long(value):
        bare = _bare_hostname(value)
        meant = (
            bare
            if bare and bare not in MAIL_PROVIDERS
            else message("email_domain_example", "the domain, e.g. example.com")
        )
        raise refusal(
            "email_domain_unreadable", '"{value}" is not a bare mail domain. Write {meant}', value=value, meant=meant
        )
    return value


def _team(value: str) -> str:
    if not re.fullmatch(LABEL, value):
        plain = re.sub(r"^https?://", "", value.strip().lower()).partition(".")[0]
        meant = plain if re.fullmatch(LABEL, plain) else "my-family"
        raise refusal(
            "team_unreadable",
            '"{value}" is not a team name. Write only what stands before .cloudflareaccess.com, e.g. {meant}',
            value=value,
            meant=meant,
        )
    return value


def _duration(value: str) -> str:
    if not re.fullmatch(r"[1-9][0-9]{0,2}[mh]", value, re.ASCII):
        raise refusal(
            "session_unreadable",
            '"{value}" is not a session length. Write one to three digits and m or h, e.g. 30m or 24h',
            value=value,
        )
    return value


def _path(value: str) -> str:
    """A path is a regular expression for cloudflared; anchored, or it would match in the middle of another path."""
    try:
        re.compile(value)
    except re.error as error:
        raise refusal(
            "path_no_expression",
            '"{value}" is not a regular expression ({error}). Write e.g. ^/dav/',
            value=value,
            error=error,
        ) from None
    if unknown := re.search(UNKNOWN_TO_GO, value):
        raise refusal(
            "path_unknown_to_go",
            '"{value}" holds {part}, which cloudflared cannot read. Write e.g. ^/dav/, and order the paths instead',
            value=value,
            part=unknown[0],
        )
    if not value.startswith("^/"):
        raise refusal(
            "path_not_anchored",
            '"{value}" would also match inside other paths. Begin it with ^/, e.g. ^/dav/',
            value=value,
        )
    return value


def _token_name(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", value):
        raise refusal(
            "token_name",
            '"{value}" cannot name a service token. Write up to 40 small letters, digits and -, e.g. laptop-rclone',
            value=value,
        )
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
