"""Syncthing's options and phones, over its REST API: docs.syncthing.net/rest/config.html, lib/config in syncthing/syncthing.

A phone is a device and the folder that it sends: both or neither.
"""

from __future__ import annotations

from http import HTTPStatus
from pathlib import PurePosixPath
from typing import Any, ClassVar

import httpx

from components.apps.resource import KEY, URL, App, AppError, AppProvider, AppResource, Props, shape


class SyncthingApi(App):
    """Syncthing's REST API; `key` is an API key."""

    name = "Syncthing"

    def headers(self) -> dict[str, str]:
        """Return the header with the key."""
        return {"X-API-Key": self._key}

    def own_id(self) -> str:
        """Return the device ID of this Syncthing."""
        return str(_checked(self.ask("GET", "/rest/system/status")).json()["myID"])

    def look(self, path: str, **query: str) -> Any:
        """Return what it tells at a path below /rest; None when it knows nothing of that."""
        answer = self.ask("GET", f"/rest/{path}" + (f"?{httpx.QueryParams(query)}" if query else ""))
        return None if answer.status_code == HTTPStatus.NOT_FOUND else _checked(answer).json()

    def get(self, path: str) -> Any:
        """Return what is configured at a path below /rest/config; None when there is nothing."""
        return self.look(f"config/{path}")

    def change(self, method: str, path: str, body: Props | None = None) -> None:
        """PUT, PATCH or DELETE something below /rest/config; what is gone may be deleted."""
        answer = self.ask(method, f"/rest/config/{path}", body)
        if not (method == "DELETE" and answer.status_code == HTTPStatus.NOT_FOUND):
            _checked(answer)


def _checked(answer: httpx.Response) -> httpx.Response:
    if answer.status_code == HTTPStatus.FORBIDDEN:
        msg = "Syncthing refuses the stack's API key. ./photos up --refresh makes its container anew"
        raise AppError(msg)
    if answer.is_error:
        msg = f"Syncthing refuses: {answer.status_code} {answer.text.strip()[:200]}"
        raise AppError(msg)
    return answer


class _Provider(AppProvider):
    def app(self, props: Props, patience: float) -> SyncthingApi:
        """Return Syncthing's API."""
        return SyncthingApi(props[URL], props[KEY], patience=patience)


class OptionsProvider(_Provider):
    """Inputs: `options`, keys of Syncthing's `options` → value. They cannot be removed, only changed."""

    def current(self, app: SyncthingApi, props: Props) -> Props | None:
        """Return the options that are wanted as they are."""
        return {"options": shape(app.get("options"), props["options"])}

    def put(self, app: SyncthingApi, props: Props) -> None:
        """Set them; the others stay."""
        app.change("PATCH", "options", props["options"])

    def remove(self, app: SyncthingApi, props: Props) -> None:
        """Leave them as they are."""


class PhoneProvider(_Provider):
    """Inputs: `device` and `folder`, keys of Syncthing's objects of these names → value. What is there already is taken over."""

    identity: ClassVar = ("phone", "id", "folder_id")

    def current(self, app: SyncthingApi, props: Props) -> Props | None:
        """Return device and folder as they are; None when both are gone."""
        device = app.get(f"devices/{props['id']}")
        folder = app.get(f"folders/{props['folder']['id']}")
        if device is None and folder is None:
            return None
        if folder is not None:
            # Syncthing lists itself among those who share a folder, and more of each than its ID.
            sharing = [each["deviceID"] for each in folder["devices"]]
            folder["devices"] = [{"deviceID": id_} for id_ in sharing if id_ != app.own_id()]
        return {"device": shape(device or {}, props["device"]), "folder": shape(folder or {}, props["folder"])}

    def put(self, app: SyncthingApi, props: Props) -> None:
        """Make or change the device, then the folder, which names it.

        Raises:
            AppError: another folder lies in the same place; Syncthing would let both write there.
        """
        for other in app.get("folders") or ():
            if other["id"] != props["folder_id"] and same_place(other["path"], props["folder"]["path"]):
                msg = (
                    f"Syncthing has a folder at {other['path']} already, with the ID {other['id']}, and two in one place "
                    f"would fight. To take that one over, write `folder: {other['id']}` under "
                    f"services.syncthing.phones.{props['phone']}; or remove it on Syncthing's page: its photos stay"
                )
                raise AppError(msg)
        for kind, id_ in (("device", props["id"]), ("folder", props["folder"]["id"])):
            path, wanted = f"{kind}s/{id_}", props[kind]
            known = app.get(path)
            app.change("PUT" if known is None else "PATCH", path, wanted)

    def remove(self, app: SyncthingApi, props: Props) -> None:
        """Take out the folder, whose photos stay, and the device, which may not connect any more."""
        app.change("DELETE", f"folders/{props['folder']['id']}")
        app.change("DELETE", f"devices/{props['id']}")


def same_place(one: str, other: str) -> bool:
    """Whether two paths are one folder; on a Windows drive large and small letters are the same."""
    return PurePosixPath(one.lower()) == PurePosixPath(other.lower())


class Options(AppResource, module="syncthing", name="Options"):
    """Syncthing's options. Inputs: see `OptionsProvider`."""


class Phone(AppResource, module="syncthing", name="Phone"):
    """A phone. Inputs: see `PhoneProvider`."""
