"""Where a digest goes: to a file, and to the team's chat."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foresell.contracts.errors import InputError
from foresell.services.digest import Digest
from foresell.services.digest.webhook import send, webhook_address
from foresell.services.shop import Shop
from foresell.services.written_page import write_page_file


@dataclass(frozen=True, slots=True)
class Delivered:
    """Where the digest was written (None: nowhere), and whether a webhook took it."""

    path: Path | None
    is_sent: bool

    @property
    def notes(self) -> list[str]:
        written = [f"Wrote {self.path}"] if self.path else []
        return written + (["Sent to the webhook."] if self.is_sent else [])

    def as_record(self) -> dict[str, Any]:
        return {"written": str(self.path) if self.path else None, "sent": self.is_sent}


def deliver(shop: Shop, digest: Digest, path: Path | None, *, is_sent: bool) -> Delivered:
    """Write the digest to `path` (.md or .html), then post it if the environment names a webhook.

    Errors: InputError for another extension or an address without https, DeniedError where the file cannot
    be written, BackendError where the webhook does not take it.
    """
    address = webhook_address() if is_sent else None
    if path is not None:
        _write(digest, path)
    if address is not None:
        send(address, shop.settings.digest.webhook_style, digest.title, digest.markdown())
    return Delivered(path, address is not None)


def _write(digest: Digest, path: Path) -> None:
    writers = {".md": digest.markdown, ".html": digest.html}
    if path.suffix.lower() not in writers:
        raise InputError(
            f"A digest cannot be written as '{path.suffix}'", do=f"End the name in {' or '.join(writers)}."
        )
    write_page_file(path, writers[path.suffix.lower()](), "digest")
