"""The limits of a service that rarely need another value, and the file in which they get one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from findalike.errors import SettingError
from findalike.server.yaml_settings import read_yaml_settings

SILENCE_SECONDS = 60.0
"""The most that a client may be silent in all while it sends a body, however long that is."""

Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Limits(BaseModel):
    """What one request, one photo and one worker may cost.

    Attributes:
        upload_bytes: bytes of requests held in memory at once, in each worker.
        max_body_bytes: largest request body, but for feeds.
        max_feed_bytes: largest request body of an import, and largest feed at a URL.
        max_image_bytes: largest photo of a search or of feedback.
        max_image_pixels: width times height of such a photo. The default holds those of 24
            megapixels; decoding one takes about a second of a CPU and 600 MB at the worst, and as
            many are decoded at once as there are threads. Pictures of the catalogue have the
            larger limits of imports.
        max_image_side: longer side of such a photo in pixels.
        fetch_seconds: until a photo at a URL is given up.
        body_patience: seconds that a client may be silent at a time while it sends a body, and in
            all; each 4,000 bytes earn it a further one in all, up to a minute (a feed ten).
        stop_seconds: how long a stopping service finishes what it accepted.
        max_connections: open at once in each worker.
        recall_every: one in so many searches is done exactly too, to tell the recall; 0 for none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    upload_bytes: Count = 256_000_000
    max_body_bytes: Count = 24_000_000
    max_feed_bytes: Count = 256_000_000
    max_image_bytes: Count = 16_000_000
    max_image_pixels: Count = 25_000_000
    max_image_side: Count = 12_000
    fetch_seconds: Seconds = 8.0
    body_patience: Annotated[Seconds, Field(le=SILENCE_SECONDS)] = 15.0
    stop_seconds: Count = 30
    max_connections: Count = 1000
    recall_every: Annotated[int, Field(ge=0)] = 1000


def read_limits(path: Path) -> Limits:
    """Read limits from a YAML file; those that it does not name are as usual.

    Raises:
        SettingError: if it cannot be read, or a key or a value cannot be used; for an unknown key
            the message names the nearest allowed one.
    """
    return read_yaml_settings(path, Limits, what="limits", example="max_feed_bytes: 400000000")


def check_limits(limits: Limits) -> None:
    """Refuse limits of which one makes another useless.

    Raises:
        SettingError: it names both.
    """
    if limits.upload_bytes < limits.max_body_bytes:
        raise SettingError(
            f"upload_bytes {limits.upload_bytes:,} is less than max_body_bytes "
            f"{limits.max_body_bytes:,}, so that a body of that size could never come in: make "
            f"upload_bytes larger, or max_body_bytes smaller"
        )
    if limits.max_image_bytes > limits.max_body_bytes:
        raise SettingError(
            f"max_image_bytes {limits.max_image_bytes:,} is more than max_body_bytes "
            f"{limits.max_body_bytes:,}, so that such a photo could never be sent: make "
            f"max_body_bytes larger, or max_image_bytes smaller"
        )
