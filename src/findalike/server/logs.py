"""Logs: one JSON object a line, on standard output, without keys, photos and query strings."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from functools import cache
from typing import Any, TextIO

import structlog
from structlog.stdlib import BoundLogger, ProcessorFormatter
from structlog.typing import Processor

NAME = "findalike.server"

_KEY = re.compile(r"fa_([0-9a-f]{12})_[0-9A-Za-z]*")
_BEARER = re.compile(r"(?i)(bearer\s+)[^\s'\",]+")
_QUERY = re.compile(r"(https?://[^\s?'\"<>]*)\?[^\s'\"<>]*")
_USER = re.compile(r"(https?://)[^\s/@'\"<>]+@")


@cache
def server_log() -> BoundLogger:
    """The log of the service; says nothing until `configure_logging` or somebody else listens."""
    logger: BoundLogger = structlog.wrap_logger(
        logging.getLogger(NAME),
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=BoundLogger,
    )
    return logger


def configure_logging(stream: TextIO | None = None) -> None:
    """Have everything that this process logs written as JSON lines.

    What libraries say through ``logging`` is written likewise, from warnings up.

    Args:
        stream: where to; standard output when None.
    """
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(json_formatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(NAME).setLevel(logging.INFO)


def json_formatter() -> ProcessorFormatter:
    """The formatter of the lines."""
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.format_exc_info,
        redact,
    ]
    return ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder()],
        processors=[
            _logger_name,
            ProcessorFormatter.remove_processors_meta,
            *shared,
            structlog.processors.JSONRenderer(ensure_ascii=True),
        ],
    )


def _logger_name(
    _logger: Any, _name: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    event["logger"] = event["_record"].name
    return event


def redact(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Take secrets out of whatever texts a log event has, tracebacks of libraries among them."""
    for name, value in event.items():
        event[name] = _redacted(value)
    return event


def _redacted(value: Any) -> Any:
    if isinstance(value, str):
        text = _KEY.sub(r"fa_\1_***", value)
        text = _BEARER.sub(r"\1***", text)
        return _USER.sub(r"\1***@", _QUERY.sub(r"\1?***", text))
    if isinstance(value, dict):
        return {name: _redacted(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_redacted(inner) for inner in value]
    if isinstance(value, (int, float, bool)) or value is None:
        return value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"{len(value)} bytes"
    return _redacted(str(value))
