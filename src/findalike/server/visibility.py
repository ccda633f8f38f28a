"""What a service shows of its shop to whoever searches."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from findalike.errors import StorageError
from findalike.shop.page_request import PageRequest
from findalike.shop.public_settings import PUBLIC_NAME, PublicSettings
from findalike.shop.public_view import View


class Visibility:
    """The public's view of a shop; a change of its settings is heeded by the next request."""

    def __init__(self, shop: Path, *, where: str | None) -> None:
        """Set up; nothing is read yet.

        Args:
            shop: folder of the shop.
            where: a filter that products the public may see pass; None for all.
        """
        self._shop = shop
        self._where = where
        self._read: tuple[int, int] | None = None
        self._view = View(PublicSettings().private, where)

    @property
    def hides_products(self) -> bool:
        """Whether there may be products that the public does not see."""
        return self._where is not None

    def public(self) -> View:
        """What whoever searches may see.

        Raises:
            StorageError: if the settings cannot be read. Nothing may be shown then.
        """
        try:
            found = (self._shop / PUBLIC_NAME).stat()
        except FileNotFoundError:
            self._read = None
            return View(PublicSettings().private, self._where)
        except OSError as error:
            raise StorageError(f"cannot read {self._shop / PUBLIC_NAME}: {error}") from error
        stamp = found.st_mtime_ns, found.st_ino
        if stamp != self._read:
            self._view = View(PublicSettings.read(self._shop).private, self._where)
            self._read = stamp
        return self._view

    def of(self, page: PageRequest) -> PageRequest:
        """A page as whoever searches may see it."""
        return replace(page, view=self.public())
