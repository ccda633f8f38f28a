"""How routes reach what the app holds."""

from __future__ import annotations

from typing import Annotated, TypeAlias, cast

from fastapi import Depends, Request

from findalike.server.service import Service
from findalike.server.settings import ServerSettings


def service_of(request: Request) -> Service:
    """The service of the app."""
    return cast(Service, request.app.state.service)


def settings_of(request: Request) -> ServerSettings:
    """The settings of the app."""
    return cast(ServerSettings, request.app.state.settings)


ServiceOf: TypeAlias = Annotated[Service, Depends(service_of)]
SettingsOf: TypeAlias = Annotated[ServerSettings, Depends(settings_of)]
