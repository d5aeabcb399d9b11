"""`./photos certificate`: the certificate that phones install once for HTTPS at home, and how they know it is ours."""

from __future__ import annotations

from pathlib import Path

from cli import qr, stack_config, workspace
from cli.console import fail, say
from components.home_authority import fingerprint
from components.messages import message
from components.services.https import HttpsConfig
from stacks.names import NAMESPACE

KEY = NAMESPACE + "https_ca_cert"


def show(stack: str, file: Path | None) -> None:
    """Print where a phone gets the certificate and its fingerprint; write it into `file`, too.

    Ends the program where there is none.
    """
    section = stack_config.offline(stack).settings.enabled().get("https")
    if not isinstance(section, HttpsConfig):
        fail(
            message(
                "certificate_no_https",
                "There is no HTTPS at home in this stack: services.https in the stack file declares it, see "
                "docs/https-at-home.md.",
            )
        )
    certificate = workspace.secrets(stack).get(KEY)
    if certificate is None:
        fail(message("certificate_not_made", "The certificate is not made yet. Run ./photos up {stack}", stack=stack))
    say(message("certificate_page", "On the phone, in the Wi-Fi at home, open: {page}", page=section.trust_page))
    qr.show(section.trust_page)
    say(message("certificate_fingerprint", "SHA-256 fingerprint, which the phone must show as well:"))
    say(fingerprint(certificate))
    if file:
        file.write_text(certificate, "utf-8")
        say(message("certificate_written", "Written to {file}.", file=file))
