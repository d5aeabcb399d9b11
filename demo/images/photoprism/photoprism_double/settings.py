"""What PhotoPrism reads from its environment, as far as the double acts on it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


def log(level: str, message: str) -> None:
    """One line, in the outline of upstream's log."""
    print(f"{level.upper()}: {message}", flush=True)


@dataclass(frozen=True)
class Settings:
    """The variables without their prefix."""

    values: Mapping[str, str]

    @classmethod
    def from_environment(cls) -> Settings:
        """Reads the variables and the files that `_FILE` ones name; plain values win."""
        prefix = "PHOTOPRISM_"
        values = {k.removeprefix(prefix): v for k, v in os.environ.items() if k.startswith(prefix)}
        for name in ("ADMIN_PASSWORD", "DATABASE_PASSWORD"):
            path = values.pop(f"{name}_FILE", "")
            if path and not values.get(name):
                try:
                    values[name] = Path(path).read_text(encoding="utf-8").strip()
                except OSError as error:
                    log("warning", f"config: cannot read {prefix}{name}_FILE ({error.strerror})")
                if not values.get(name):
                    log("warning", f"config: {prefix}{name}_FILE gives no value")
        return cls(values)

    def text(self, name: str, default: str = "") -> str:
        """A value, or the default where it is missing or empty."""
        return self.values.get(name) or default

    def flag(self, name: str) -> bool:
        """A switch."""
        return self.text(name).lower() in {"true", "1", "yes", "on"}

    def path(self, name: str) -> Path:
        """A folder; upstream's place by default."""
        return Path(self.text(f"{name}_PATH", f"/photoprism/{name.lower()}"))

    @property
    def mysql(self) -> bool:
        """An unknown driver means SQLite, silently: upstream's trap."""
        return self.text("DATABASE_DRIVER").lower() in {"mysql", "mariadb"}

    @property
    def public(self) -> bool:
        """No login at all."""
        return self.flag("PUBLIC") or self.text("AUTH_MODE") == "public"

    @property
    def tls(self) -> bool:
        """Upstream turns TLS on, on port 2342, for an https site that has a certificate (made by DEFAULT_TLS)."""
        https = self.text("SITE_URL").startswith("https://")
        return https and self.flag("DEFAULT_TLS") and not self.flag("DISABLE_TLS")

    @property
    def index_seconds(self) -> int:
        """The pause of an "@every 90s" schedule; cron expressions are not acted on."""
        schedule = self.text("INDEX_SCHEDULE")
        parts = re.fullmatch(r"@every (?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", schedule.strip())
        if not parts:
            if schedule:
                log("warning", f"test image: index schedule {schedule!r} is not acted on, only @every")
            return 0
        hours, minutes, seconds = (int(part or 0) for part in parts.groups())
        return hours * 3600 + minutes * 60 + seconds
