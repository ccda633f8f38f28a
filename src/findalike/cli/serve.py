"""`findalike serve`: a shop behind HTTP."""

from __future__ import annotations

from pathlib import Path
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
    where: Annotated[
        str | None,
        typer.Option(help="Only products that pass this filter are found: 'published'."),
    ] = None,
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
    frame_ancestor: Annotated[
        list[str] | None,
        typer.Option(help="An origin whose pages may show the page in a frame."),
    ] = None,
    trusted_proxy: Annotated[
        list[str] | None,
        typer.Option(help="A network of your own proxies, whose X-Forwarded-For is believed."),
    ] = None,
    metrics_network: Annotated[
        list[str] | None,
        typer.Option(help="A network that may read /metrics without an admin key."),
    ] = None,
    address_rate: Annotated[
        float,
        typer.Option(min=0, help="Requests a second from one address without a key; 0: any."),
    ] = 20.0,
    key_rate: Annotated[
        float, typer.Option(min=0, help="Requests a second with one key; 0: any.")
    ] = 200.0,
    trace_endpoint: Annotated[
        str | None,
        typer.Option(help="Send traces to this OpenTelemetry collector (http://localhost:4318)."),
    ] = None,
    trace_share: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the requests that are traced.")
    ] = 1.0,
    page: Annotated[
        Path | None,
        typer.Option(
            help="A YAML file with the shop's name, logo, language and looks for the page.",
            show_default=False,
        ),
    ] = None,
    settings: Annotated[
        Path | None,
        typer.Option(
            help="A YAML file with limits that have no option, such as max_feed_bytes.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Serve a shop: search, catalogue and the page.

    Example: `findalike serve --shop myshop --open-search`
    """
    from findalike.cli.output import print_note
    from findalike.server.limits import Limits, read_limits
    from findalike.server.running import run_server
    from findalike.server.settings import ServerSettings
    from findalike.server.shop_page import ShopPage, read_page

    limits = Limits() if settings is None else read_limits(settings)
    run_server(
        ServerSettings(
            shop=shop,
            host=host,
            port=port,
            workers=workers,
            open_search=open_search,
            where=where or None,
            batch_size=batch_size,
            batch_wait_ms=batch_wait_ms,
            queue=queue,
            deadline=deadline,
            allow_networks=tuple(allow_network or ()),
            cors=tuple(cors or ()),
            frame_ancestors=tuple(frame_ancestor or ()),
            trusted_proxies=tuple(trusted_proxy or ()),
            metrics_networks=tuple(metrics_network or ()),
            address_rate=address_rate,
            address_burst=max(1, round(address_rate * 10)),
            key_rate=key_rate,
            key_burst=max(1, round(key_rate * 5)),
            page=ShopPage() if page is None else read_page(page),
            trace_endpoint=trace_endpoint,
            trace_share=trace_share,
            **limits.model_dump(),
        ),
        started=lambda url: print_note(f"serving {shop} at {url}"),
    )
