"""The metrics, for Prometheus and nobody else."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from findalike.server.access import authorise
from findalike.server.client_address import client_address, within
from findalike.server.metrics import CONTENT_TYPE
from findalike.server.problems import problem_responses

router = APIRouter(tags=["health"])


@router.get(
    "/metrics",
    summary="What the service counts and measures",
    description="In the text format of Prometheus. For addresses in the networks that the service "
    "was told (none, by default), and for keys of the role admin.",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"example": "findalike_workers 1.0\n"}}},
        **problem_responses(401, 403),
    },
    openapi_extra={"security": [{"key": []}, {}]},
)
async def metrics(request: Request) -> Response:
    """All metrics of all workers."""
    services = request.app.state
    address = client_address(request.scope, services.trusted_proxies)
    if not within(address, services.metrics_networks):
        authorise(request, "admin")
    services.sampler.look()
    return Response(services.metrics.text(), media_type=CONTENT_TYPE)
