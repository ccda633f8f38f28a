"""`findalike serve`: a shop behind HTTP."""

from __future__ import annotations

from typing import Annotated

import typer

from findalike.cli.options import ShopFolder


def serve(
    shop: ShopFolder,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="TCP port.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    open_search: Annotated[
        bool, typer.Option("--open-search", help="Let anybody search, without a key.")
    ] = False,
    batch_size: Annotated[int, typer.Option(min=1, help="Photos embedded together.")] = 8,
    batch_wait_ms: Annotated[
        float, typer.Option(min=0, help="How long a photo waits for others that are on their way.")
    ] = 5.0,
    queue: Annotated[
        int, typer.Option(min=1, help="Searches under way in each worker; more are sent away.")
    ] = 128,
    deadline: Annotated[
        float, typer.Option(min=0.1, help="Seconds until a search is given up.")
    ] = 10.0,
    allow_network: Annotated[
        list[str] | None,
        typer.Option(help="A network that image URLs may name although it is not public."),
    ] = None,
    cors: Annotated[
        list[str] | None,
        typer.Option(help="An origin whose pages may ask, such as https://shop.example."),
    ] = None,
) -> None:
    """Serve a shop: search, catalogue and the page.

    Example: `findalike serve --shop myshop --open-search`
    """
    from findalike.server.running import run_server
    from findalike.server.settings import ServerSettings

    run_server(
        ServerSettings(
            shop=shop,
            host=host,
            port=port,
            workers=workers,
            open_search=open_search,
            batch_size=batch_size,
            batch_wait_ms=batch_wait_ms,
            queue=queue,
            deadline=deadline,
            allow_networks=tuple(allow_network or ()),
            cors=tuple(cors or ()),
        )
    )
