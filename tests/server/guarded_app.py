"""A small app behind the real layers of protection, without a shop."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import HTMLResponse
from fastapi.testclient import TestClient

from findalike.server.access import require
from findalike.server.problems import install_problem_handlers
from findalike.server.protection import protect
from findalike.server.settings import ServerSettings


def guarded_app(shop: Path, **settings: object) -> FastAPI:
    app = FastAPI()
    app.state.settings = ServerSettings(shop=shop, **settings)
    app.state.bodies = []
    install_problem_handlers(app)
    protect(app, app.state.settings)
    search = APIRouter(prefix="/v1", dependencies=[Depends(require("search"))])
    shop_routes = APIRouter(prefix="/v1")

    @search.post("/search")
    async def find(request: Request) -> dict[str, object]:
        body = await request.body()
        app.state.bodies.append(len(body))
        request.state.timings_ms = {"prepare": 2.0, "embed": 3.0, "total": 6.0}
        return {"bytes": len(body), "caller": request.state.caller}

    @search.get("/images/{image_id}")
    async def image(image_id: str) -> dict[str, str]:
        return {"image": image_id}

    @shop_routes.post("/imports")
    async def imports(request: Request, caller: str = Depends(require("catalogue"))):
        return {"bytes": len(await request.body()), "caller": caller}

    @shop_routes.put("/products/{product_id}")
    async def put(product_id: str, body: dict, caller: str = Depends(require("catalogue"))):
        return body

    @shop_routes.post("/shop:rollback")
    async def rollback(caller: str = Depends(require("admin"))) -> dict[str, str]:
        return {"caller": caller}

    @app.get("/", response_class=HTMLResponse)
    async def page() -> str:
        return "<p>hello"

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("the secret fa_0123456789ab_" + "0" * 64 + " of /etc")

    app.include_router(search)
    app.include_router(shop_routes)
    return app


def guarded(shop: Path, **settings: object) -> TestClient:
    return TestClient(guarded_app(shop, **settings), client=("203.0.113.7", 4711))


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}
