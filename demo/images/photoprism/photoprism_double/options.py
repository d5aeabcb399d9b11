"""What PhotoPrism's settings page writes: options.yml, which beats the environment at the next start, and settings.yml.

Both as JSON, a line per option: that is YAML, too, and the image has no library for it. Of a settings.yml that the real
PhotoPrism wrote, sections and their plain values are read.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from .settings import Settings

TOLD = {
    "SiteUrl": "SITE_URL", "SiteTitle": "SITE_TITLE", "DefaultLocale": "DEFAULT_LOCALE",
    "DefaultTimezone": "DEFAULT_TIMEZONE", "DisableTLS": "DISABLE_TLS", "DefaultTLS": "DEFAULT_TLS",
    "OriginalsLimit": "ORIGINALS_LIMIT", "ReadOnly": "READONLY", "DisableWebDAV": "DISABLE_WEBDAV",
    "IndexSchedule": "INDEX_SCHEDULE", "IndexWorkers": "WORKERS", "Experimental": "EXPERIMENTAL",
    "DisableFaces": "DISABLE_FACES", "DisableClassification": "DISABLE_CLASSIFICATION",
    "DisablePlaces": "DISABLE_PLACES", "DisableRaw": "DISABLE_RAW", "FFmpegEncoder": "FFMPEG_ENCODER",
    "FFmpegSize": "FFMPEG_SIZE", "FFmpegPreset": "FFMPEG_PRESET", "ThumbSize": "THUMB_SIZE", "JpegQuality": "JPEG_QUALITY",
}  # fmt: skip
"""Options that the API tells → their variable: internal/config/options.go."""
SWITCHES = {name for name in TOLD if name.startswith(("Disable", "Default"))} - {"DefaultLocale", "DefaultTimezone"}
SWITCHES |= {"ReadOnly", "Experimental"}
NUMBERS = {"OriginalsLimit": 1000, "FFmpegSize": 4096, "ThumbSize": 1920, "JpegQuality": 83}
WORDS = {"IndexWorkers": "auto", "FFmpegEncoder": "libx264", "FFmpegPreset": "fast"}
"""What stands for nothing: internal/config/flags.go."""
DEFAULT_SETTINGS: dict[str, Any] = {
    "ui": {"language": "en", "timeZone": "", "theme": "default"},
    "import": {"path": "/", "move": False, "dest": ""},
    "index": {"path": "/", "convert": True, "rescan": False},
}
DEST = re.compile(r"\D*\d{2,14}[-/_].*\d{2,14}.*[0-9a-fA-F]{8}(\.\d{1,6}|\.COUNT)?\.[0-9a-zA-Z]{2,8}")


def _file(settings: Settings, name: str) -> Path:
    return settings.path("STORAGE") / "config" / name


def written(settings: Settings) -> dict[str, Any]:
    """Return what options.yml holds."""
    file = _file(settings, "options.yml")
    lines = file.read_text("utf-8").splitlines() if file.exists() else []
    return {name: json.loads(value) for name, _, value in (line.partition(": ") for line in lines) if name in TOLD}


def effective(settings: Settings) -> dict[str, Any]:
    """Return the options as they count: the environment's, and over them the file's."""
    told: dict[str, Any] = {}
    for name, variable in TOLD.items():
        if name in SWITCHES:
            told[name] = settings.flag(variable)
        elif name in NUMBERS:
            told[name] = int(settings.text(variable) or NUMBERS[name])
        else:
            told[name] = settings.text(variable, WORDS.get(name, ""))
    return told | written(settings)


def over(settings: Settings) -> Settings:
    """Return the settings with what options.yml says of them: it beats the environment."""
    said = {
        TOLD[name]: str(value).lower() if name in SWITCHES else str(value) for name, value in written(settings).items()
    }
    return Settings({**settings.values, **said})


def patch(settings: Settings, changes: dict[str, Any]) -> None:
    """Write options into the file; what is there already stays."""
    values = written(settings) | {name: value for name, value in changes.items() if name in TOLD}
    text = "".join(f"{name}: {json.dumps(value)}\n" for name, value in sorted(values.items()))
    _file(settings, "options.yml").write_text(text, "utf-8")


def user_settings(settings: Settings) -> dict[str, Any]:
    """Return what settings.yml holds; a pattern that is none is empty."""
    file = _file(settings, "settings.yml")
    values = _sections(file.read_text("utf-8")) if file.exists() else {}
    whole = {part: {**defaults, **values.get(part, {})} for part, defaults in DEFAULT_SETTINGS.items()}
    if not DEST.fullmatch(whole["import"]["dest"]):
        whole["import"]["dest"] = ""
    return whole


def _sections(text: str) -> dict[str, Any]:
    if text.lstrip().startswith("{"):
        return dict(json.loads(text))
    found: dict[str, Any] = {}
    section: dict[str, Any] = {}
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if not line.startswith((" ", "#", "-")) and name:
            section = found.setdefault(_key(name), {})
        elif line.startswith("  ") and value.strip():
            section[_key(name.strip())] = {"true": True, "false": False}.get(value.strip(), value.strip())
    return found


def _key(name: str) -> str:
    """As the API names what the file calls e.g. UI, Import or TimeZone."""
    return name.lower() if name.isupper() else name[:1].lower() + name[1:]


def save_settings(settings: Settings, changes: dict[str, Any]) -> None:
    """Change parts of settings.yml."""
    known = user_settings(settings)
    for part, values in changes.items():
        if part in known and isinstance(values, dict):
            known[part] |= values
    _file(settings, "settings.yml").write_text(json.dumps(known, indent=1), "utf-8")
