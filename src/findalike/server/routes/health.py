"""Whether the service lives, and whether it can answer."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel

from findalike.server.problems import Problem, problem_responses

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """The state of the service."""

    status: Literal["ok"] = "ok"


@router.get(
    "/healthz",
    summary="Whether the process lives",
    description="Answers as long as the event loop turns; says nothing of the shop.",
)
async def healthz() -> Health:
    """The process answers."""
    return Health()


@router.get(
    "/readyz",
    summary="Whether searches can be answered",
    description="Ready once the index is open and the encoder is warm, until the service stops "
    "or the shop can no longer be read.",
    responses=problem_responses(503),
)
async def readyz(request: Request) -> Health:
    """The index is open and the encoder is warm."""
    service = getattr(request.app.state, "service", None)
    if service is None or not service.ready:
        raise Problem(
            503,
            "not-ready",
            "the shop is being opened, or the service is stopping",
            next_step="try again after a second",
            headers={"Retry-After": "1"},
        )
    if not await service.readiness.ready():
        raise Problem(
            503,
            "shop-gone",
            "the shop cannot be read",
            next_step="see that its folder is there and its disk answers; the log says more",
            headers={"Retry-After": "5"},
        )
    return Health()
