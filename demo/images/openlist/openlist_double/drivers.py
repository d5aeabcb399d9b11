"""Some of upstream's drivers: what /api/admin/driver/info says of them (compared with 4.2.5), and how they start here."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

# option, type, default; `!` = required. The common ones of one that carries the bytes itself come first.
MUST_PROXY = "mount_path string!, order number, remark text, webdav_policy select! native_proxy, down_proxy_url text"
MAY_PROXY = "mount_path string!, order number, remark text, cache_expiration number! 30, web_proxy bool, webdav_policy select! 302_redirect, down_proxy_url text"
COMMON_END = "disable_proxy_sign bool false, extract_folder select, disable_index bool! false, enable_sign bool! false"
ROOT_PATH, ROOT_ID = "root_folder_path string! /", "root_folder_id string! 0"
RENEWS = "use_online_api bool true, client_id string, client_secret string, refresh_token string!"
DRIVERS = {
    "Local": f"{ROOT_PATH}, directory_size bool false, thumbnail bool!, thumb_cache_folder string, thumb_concurrency string 16,"
    " video_thumb_pos string 20%, show_hidden bool true, mkdir_perm string 777, recycle_bin_path string delete permanently",
    "S3": f"{ROOT_PATH}, bucket string!, endpoint string!, region string, access_key_id string!, secret_access_key string!,"
    " session_token string, custom_host string, sign_url_expire number 4, force_path_style bool",
    "WebDav": f"vendor select other, address string!, username string!, password string!, {ROOT_PATH},"
    " tls_insecure_skip_verify bool false",
    "BaiduNetdisk": f"{ROOT_PATH}, {RENEWS}, custom_crack_ua string! netdisk, upload_thread string 3, upload_timeout number 60",
    "AliyundriveOpen": "root_folder_id string! root, drive_type select resource, remove_way select! trash, "
    f"alipan_type select! default, {RENEWS}, rapid_upload bool",
    "115 Cloud": f"cookie text, qrcode_token text, page_size number 1000, limit_rate float 2, {ROOT_ID}",
    "Quark": f"cookie string!, {ROOT_ID}, only_list_video_file bool false",
    "Onedrive": f"{ROOT_PATH}, region select! global, redirect_uri string! https://api.oplist.org/onedrive/callback, {RENEWS},"
    " chunk_size number 5",
}
STORAGE: dict[str, Any] = {
    "id": 0, "mount_path": "", "order": 0, "driver": "", "cache_expiration": 0, "custom_cache_policies": "", "status": "",
    "addition": "", "remark": "", "modified": "", "disabled": False, "disable_index": False, "enable_sign": False,
    "order_by": "", "order_direction": "", "extract_folder": "", "web_proxy": False, "webdav_policy": "",
    "proxy_range": False, "down_proxy_url": "", "disable_proxy_sign": False,
}  # fmt: skip
"""Upstream's row: over the API, what is not said is empty."""
OFFLINE = ("Local", "S3", "WebDav")
"""They start without asking anyone."""


def info(name: str) -> dict[str, Any]:
    """What a driver can be told."""
    common = MUST_PROXY if name == "Local" else MAY_PROXY
    return {
        "common": _items(f"{common}, {COMMON_END}"),
        "additional": _items(DRIVERS[name]),
        "config": {"name": name, "only_proxy": name == "Local"},
    }


def row(body: dict[str, Any]) -> dict[str, Any]:
    """What is kept of a storage that was sent."""
    told = {name: body[name] for name in STORAGE if name in body}
    return STORAGE | told | {"modified": datetime.now(UTC).isoformat()}


def kept(name: str, addition: str) -> str:
    """The addition as the driver keeps it: what it does not know is gone, what it was not told is empty."""
    told = json.loads(addition or "{}")
    empty = {"bool": False, "number": 0, "float": 0}
    return json.dumps(
        {item["name"]: told.get(item["name"], empty.get(item["type"], "")) for item in info(name)["additional"]}
    )


def status(storage: dict[str, Any]) -> str:
    """What upstream says after it tried to start a storage."""
    name, addition = storage["driver"], json.loads(storage.get("addition") or "{}")
    if name == "Local" and not Path(str(addition.get("root_folder_path"))).is_dir():
        return f"root folder {addition.get('root_folder_path')} not exists"
    if name in OFFLINE:
        return "work"
    # As upstream's: the address that renews a token has it in clear.
    token = addition.get("refresh_token") or addition.get("cookie")
    return f'Get "https://api.oplist.org/renewapi?refresh_ui={token}&server_use=true": dial tcp: no such host'


def _items(text: str) -> list[dict[str, Any]]:
    items = []
    for part in re.split(r",\s*", text):
        name, kind, *default = part.split(" ", 2)
        items.append({
            "name": name, "type": kind.rstrip("!"), "default": default[0] if default else "", "options": "",
            "required": kind.endswith("!"), "help": "",
        })  # fmt: skip
    return items
