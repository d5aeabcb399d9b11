"""`./photos password`: user name and password of a service, or a service token for Cloudflare Access."""

from __future__ import annotations

from cli import setup, stack_config, workspace
from cli.console import fail, say
from components.apps.photoprism import ADMIN, PASSWORD
from components.messages import message
from components.services.photoprism import PhotoPrismConfig, password_of
from stacks.expected import expected
from stacks.names import NAMESPACE
from stacks.sections.secrets import service_key

APP_PASSWORD = "photoprism:AppPassword"  # noqa: S105 - a type
SERVICE_TOKEN = ":ZeroTrustAccessServiceToken"  # noqa: S105 - a type


def show(stack: str, name: str) -> None:
    """Print the login called `name`; end the program when there is none."""
    settings = stack_config.offline(stack).settings
    logins = expected(stack, settings).logins
    album = settings.enabled().get("photoprism")
    clients = album.webdav_clients if isinstance(album, PhotoPrismConfig) else []
    people = album.people if isinstance(album, PhotoPrismConfig) else []
    tokens = settings.publish.service_tokens() if settings.publish else []
    if name in (*logins, *tokens, *clients, *people):
        setup.need_passphrase(stack)
    if login := logins.get(name):
        password = workspace.secret(stack, NAMESPACE + service_key(name, login.argument))
        say(message("login_user", "user: {user}", user=login.user))
        say(message("login_password", "password: {password}", password=password))
    elif name in tokens:
        _show_service_token(stack, name)
    elif name in clients:
        _show_app_password(stack, name)
    elif name in people:
        say(message("login_user", "user: {user}", user=name))
        first = workspace.secret(stack, NAMESPACE + service_key("photoprism", password_of(name)))
        say(
            message(
                "login_first_password", "first password, until it is changed in the album: {password}", password=first
            )
        )
    else:
        fail(
            message(
                "no_login",
                '"{name}" has no login. Write one of: {known}',
                name=name,
                known=", ".join([*logins, *tokens, *clients, *people]),
            )
        )


def _show_app_password(stack: str, name: str) -> None:
    """Print the login of a WebDAV client. Its password is in Pulumi's encrypted state only: PhotoPrism shows it once."""
    for resource in workspace.resources(stack):
        if resource["type"].endswith(APP_PASSWORD) and resource["urn"].endswith(f"-password-{name}"):
            say(message("login_user", "user: {user}", user=ADMIN))
            say(
                message(
                    "login_password", "password: {password}", password=workspace.clear(resource["outputs"][PASSWORD])
                )
            )
            return
    fail(
        message(
            "app_password_not_made",
            'The password of "{name}" is not made yet. Run ./photos up {stack}',
            name=name,
            stack=stack,
        )
    )


def _show_service_token(stack: str, name: str) -> None:
    """Print the two headers. The secret is in Pulumi's encrypted state only: Cloudflare shows it once, to whoever made it."""
    for resource in workspace.resources(stack):
        if resource["type"].endswith(SERVICE_TOKEN) and resource["urn"].endswith(f"tunnel-{name}"):
            outputs = resource["outputs"]
            say(f"CF-Access-Client-Id: {outputs['clientId']}")
            say(f"CF-Access-Client-Secret: {workspace.clear(outputs['clientSecret'])}")
            return
    fail(
        message(
            "token_not_made",
            'The service token "{name}" is not made yet. Run ./photos up {stack}',
            name=name,
            stack=stack,
        )
    )
