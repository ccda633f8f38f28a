"""The keys of a shop: who may use its HTTP service, and as what.

They lie in ``keys.json`` in the folder of the shop, without the secrets: only the SHA-256 of each.
A plain hash is enough here, and quick enough for every request, because a secret is 256 random
bits: slow hashes are for secrets that people choose (NIST SP 800-63B, section 5.1.1.2, says so of
look-up secrets with 112 bits or more).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from filelock import FileLock, Timeout

from findalike.errors import SettingError, ShopLockedError, StorageError
from findalike.server.origins import web_origin

Role: TypeAlias = Literal["search", "catalogue", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
"""From the least to the most: each may do what those before it may."""

KEYS_NAME = "keys.json"
LONGEST_NOTE = 200

_LOCK_NAME = ".keys.lock"
_LOCK_SECONDS = 10.0
_PATTERN = re.compile(r"fa_([0-9a-f]{12})_([0-9a-f]{64})")
_NO_HASH = "0" * 64


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of a key; the secret itself is not.

    Attributes:
        key_id: its name in logs and in `KeyStore.revoke`; no secret.
        role: what it is good for.
        note: for people.
        created_at: UTC.
        expires_at: UTC; from then on it is refused. None for never.
        origins: the web origins, such as ``https://shop.example``, whose pages may use it; empty
            for a key that no page holds.
        digest: SHA-256 of the secret, in hexadecimal.
    """

    key_id: str
    role: Role
    note: str
    created_at: datetime
    expires_at: datetime | None
    origins: tuple[str, ...]
    digest: str

    def expired(self, now: datetime | None = None) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and self.expires_at <= (now or datetime.now(UTC))


class KeyStore:
    """The keys of one shop. Safe to use from several threads and processes at once.

    What another process changed is seen at the next call: the file is replaced as a whole, so its
    inode and its time tell of a change for the price of one ``stat``.
    """

    def __init__(self, folder: str | Path) -> None:
        """Look at the keys of the shop in ``folder``; nothing is read yet."""
        self._folder = Path(folder)
        self._path = self._folder / KEYS_NAME
        self._guard = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        self._keys: dict[str, Key] = {}

    def create(
        self,
        role: Role,
        *,
        note: str = "",
        expires_at: datetime | None = None,
        origins: Sequence[str] = (),
    ) -> tuple[Key, str]:
        """Make a key.

        Returns:
            The key, and its text, which is not kept: it cannot be had again.

        Raises:
            SettingError: if a value cannot be used.
            StorageError: if the file cannot be read or written.
            ShopLockedError: if another process holds the lock for too long.
        """
        if role not in ROLES:
            raise SettingError(f"role {role!r}: it must be one of {', '.join(ROLES)}")
        if len(note) > LONGEST_NOTE or not note.isprintable():
            raise SettingError(f"the note must be one line of at most {LONGEST_NOTE} characters")
        now = datetime.now(UTC).replace(microsecond=0)
        if expires_at is not None and expires_at <= now:
            raise SettingError(f"{expires_at.isoformat()} is over: give a moment to come")
        checked = tuple(web_origin(origin, name="origin") for origin in origins)
        secret = secrets.token_hex(32)
        with self._writing():
            key_id = secrets.token_hex(6)
            key = Key(key_id, role, note, now, expires_at, checked, _digest(secret))
            self._write([*self._read(), key])
        return key, f"fa_{key_id}_{secret}"

    def keys(self) -> list[Key]:
        """All keys, in the order they were made; those that expired too.

        Raises:
            StorageError: if the file cannot be read.
        """
        return [*self._current().values()]

    def revoke(self, key_id: str) -> Key:
        """Forget a key: it is refused from now on.

        Args:
            key_id: its id, or enough of the beginning to be the only one.

        Raises:
            SettingError: if there is no such key, or several.
            StorageError, ShopLockedError: as `create` does.
        """
        with self._writing():
            keys = self._read()
            found = [key for key in keys if key_id and key.key_id.startswith(key_id)]
            if len(found) != 1:
                what = "no key" if not found else f"{len(found)} keys"
                raise SettingError(
                    f"{what} with the id {key_id[:40]!r}: `findalike keys list` shows them"
                )
            self._write([key for key in keys if key is not found[0]])
        return found[0]

    def check(self, text: str) -> Key | None:
        """The key of this text, if there is one and it has not expired.

        Takes as long for a wrong secret as for a right one.

        Raises:
            StorageError: if the file cannot be read: then nobody is let in.
        """
        match = _PATTERN.fullmatch(text)
        key_id, secret = match.groups() if match else ("", "")
        key = self._current().get(key_id)
        same = hmac.compare_digest(_digest(secret), key.digest if key else _NO_HASH)
        return key if key is not None and same and not key.expired() else None

    def __bool__(self) -> bool:
        """Whether there is any key, expired or not."""
        return bool(self._current())

    def _current(self) -> dict[str, Key]:
        with self._guard:
            try:
                status = self._path.stat()
            except FileNotFoundError:
                self._seen, self._keys = None, {}
                return self._keys
            except OSError as error:
                raise StorageError(f"cannot read {self._path}: {error.strerror}") from error
            seen = (status.st_ino, status.st_mtime_ns, status.st_size)
            if seen != self._seen:
                self._keys = {key.key_id: key for key in self._read()}
                self._seen = seen
            return self._keys

    def _read(self) -> list[Key]:
        try:
            told = json.loads(self._path.read_text(encoding="utf-8"))
            return [_key(entry) for entry in told["keys"]]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StorageError(f"cannot read {self._path}: {error.strerror}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise StorageError(
                f"{self._path} is damaged: put back a copy of it, or delete it and make new keys"
            ) from error

    def _write(self, keys: Sequence[Key]) -> None:
        told = {"version": 1, "keys": [_entry(key) for key in keys]}
        try:
            # Readable by its owner only from the first byte on: mkstemp makes files with 0600.
            descriptor, name = tempfile.mkstemp(prefix=".keys-", dir=self._folder)
            try:
                with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                    json.dump(told, file, ensure_ascii=False, indent=1)
                    file.flush()
                    os.fsync(file.fileno())
                Path(name).replace(self._path)
            except BaseException:
                with suppress(FileNotFoundError):
                    Path(name).unlink()
                raise
        except OSError as error:
            raise StorageError(
                f"cannot write {self._path}: {error.strerror}; free space or mend the folder's "
                f"rights, then try again"
            ) from error

    def _writing(self) -> _Writing:
        return _Writing(self._folder / _LOCK_NAME)


class _Writing:
    """The right to write the keys, among threads and processes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = FileLock(path, timeout=_LOCK_SECONDS, mode=0o600)

    def __enter__(self) -> None:
        try:
            self._lock.acquire()
        except Timeout:
            raise ShopLockedError(
                f"another process is changing the keys ({self._path}): try again"
            ) from None
        except OSError as error:
            raise StorageError(f"cannot write {self._path}: {error.strerror}") from error

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _entry(key: Key) -> dict[str, Any]:
    return {
        "id": key.key_id,
        "role": key.role,
        "note": key.note,
        "created_at": key.created_at.isoformat(),
        "expires_at": key.expires_at and key.expires_at.isoformat(),
        "origins": key.origins,
        "sha256": key.digest,
    }


def _key(entry: dict[str, Any]) -> Key:
    expires_at = entry["expires_at"]
    if entry["role"] not in ROLES:
        raise ValueError(entry["role"])
    return Key(
        key_id=str(entry["id"]),
        role=entry["role"],
        note=str(entry["note"]),
        created_at=datetime.fromisoformat(entry["created_at"]),
        expires_at=None if expires_at is None else datetime.fromisoformat(expires_at),
        origins=tuple(map(str, entry["origins"])),
        digest=str(entry["sha256"]),
    )
