"""Web origins: a scheme, a host and perhaps a port, as browsers send them."""

from __future__ import annotations

import re

from findalike.errors import SettingError

_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?|https?://\[[0-9a-f:.]+\](:\d{1,5})?")


def web_origin(text: str, *, name: str) -> str:
    """An origin as browsers send it: in small letters, without the scheme's own port.

    >>> web_origin("HTTPS://Shop.Example:443/", name="cors")
    'https://shop.example'

    Args:
        text: what somebody wrote.
        name: of the setting, for the message.

    Raises:
        SettingError: if it is no origin.
    """
    origin = text.strip().lower().rstrip("/")
    if not _ORIGIN.fullmatch(origin):
        raise SettingError(
            f"{name} {text!r} is not a web origin: write it like https://shop.example, without "
            f"a path"
        )
    return origin.removesuffix(":443" if origin.startswith("https") else ":80")
