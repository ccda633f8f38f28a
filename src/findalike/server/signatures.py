"""Marks that only the services of one shop can make, for what they hand out and get back."""

from __future__ import annotations

import hmac
import os
import secrets
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

SECRET_NAME = ".secret"  # noqa: S105 - the name of the file
"""File in the shop's folder; who deletes it makes every mark that is out void."""

LENGTH = 16
"""Hexadecimal digits of a mark: 64 bits, which nobody can try out over a network."""


class Signatures:
    """Makes and checks marks with one secret."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    @classmethod
    def of_shop(cls, shop: Path) -> Signatures:
        """With the secret that the services of a shop share, made where there is none.

        In a folder that cannot be written to, the secret is this process's own: what another one
        has marked is strange to it then.
        """
        path = shop / SECRET_NAME
        if not path.is_file():
            with suppress(OSError):
                _make(path)
        try:
            held = path.read_bytes()
        except OSError:
            held = b""
        return cls(held if len(held) >= 32 else secrets.token_bytes(32))

    def of(self, kind: str, *parts: str) -> str:
        """The mark of some texts, which says that one of these services wrote them together.

        Args:
            kind: what it is for, so that one for something else is not taken.
        """
        said = "\0".join((kind, *(f"{len(part)}:{part}" for part in parts)))
        return hmac.new(self._secret, said.encode("utf-8", "replace"), sha256).hexdigest()[:LENGTH]

    def is_right(self, mark: str, kind: str, *parts: str) -> bool:
        """Whether a mark is the one of these texts."""
        return hmac.compare_digest(mark.encode("utf-8", "replace"), self.of(kind, *parts).encode())


def _make(path: Path) -> None:
    """Make the file in one step, and none where another worker has just made it."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    held = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        os.write(held, secrets.token_hex(32).encode())
        os.fsync(held)
        os.link(draft, path)
    finally:
        os.close(held)
        draft.unlink()
