"""`findalike keys`: who may use the HTTP service of a shop."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from findalike.cli.options import AsJson, ShopFolder

if TYPE_CHECKING:
    from pathlib import Path

    from findalike.server.keys import Key, KeyStore

app = typer.Typer(help="Make, list and revoke the keys of the service.", no_args_is_help=True)


@app.command()
def create(
    shop: ShopFolder,
    role: Annotated[
        str, typer.Option(help="search, catalogue or admin; each may do what those before it may.")
    ] = "search",
    note: Annotated[str, typer.Option(help="Whose it is, for `findalike keys list`.")] = "",
    expires: Annotated[
        str | None,
        typer.Option(
            help="Days it is good for (90), or its last moment (2027-01-31).", metavar="N|DATE"
        ),
    ] = None,
    origin: Annotated[
        list[str] | None,
        typer.Option(
            help="A web origin whose pages may use it, such as https://shop.example; may be "
            "given several times. For a key that a page holds, where everybody can read it."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and show it, this once.

    Example: `findalike keys create --shop myshop --role catalogue --note "nightly import"`
    """
    from findalike.cli.output import console, print_json, print_note

    key, text = _store(shop).create(
        role,  # type: ignore[arg-type]  # checked there, which names the roles
        note=note,
        expires_at=_moment(expires),
        origins=origin or (),
    )
    if as_json:
        print_json({**_told(key), "key": text})
        return
    console.print(text, markup=False, soft_wrap=True)
    print_note(
        f"a key of the role {key.role}, with the id {key.key_id}: it is not shown again. Running "
        f"services know it already."
    )


@app.command("list")
def list_keys(shop: ShopFolder, as_json: AsJson = False) -> None:
    """List the keys, without what is secret of them.

    Example: `findalike keys list --shop myshop`
    """
    from rich.table import Table
    from rich.text import Text

    from findalike.cli.output import console, print_json, print_table

    keys = _store(shop).keys()
    if as_json:
        print_json({"keys": [_told(key) for key in keys]})
        return
    if not keys:
        console.print(f"no keys: findalike keys create --shop {shop}", markup=False, soft_wrap=True)
        return
    table = Table("id", "role", "made", "expires", "origins", "note")
    for key in keys:
        end = "never" if key.expires_at is None else f"{key.expires_at:%Y-%m-%d %H:%M}"
        table.add_row(
            key.key_id,
            key.role,
            f"{key.created_at:%Y-%m-%d %H:%M}",
            "expired" if key.expired() else end,
            Text("\n".join(key.origins) or "-"),
            Text(key.note or "-"),
        )
    print_table(table)


@app.command()
def revoke(
    key_id: Annotated[
        str, typer.Argument(help="The id, or its beginning.", metavar="ID", show_default=False)
    ],
    shop: ShopFolder,
    as_json: AsJson = False,
) -> None:
    """Revoke a key; running services refuse it from their next request on.

    Example: `findalike keys revoke 4f1d --shop myshop`
    """
    from findalike.cli.output import console, print_json

    key = _store(shop).revoke(key_id)
    if as_json:
        print_json({"revoked": _told(key)})
    else:
        console.print(f"revoked {key.key_id} ({key.role})", markup=False, soft_wrap=True)


def _store(shop: Path) -> KeyStore:
    from findalike.server.keys import KeyStore
    from findalike.shop.manifest import Manifest

    Manifest.read(shop)  # raises ShopNotFoundError: keys in a folder that is no shop help nobody
    return KeyStore(shop)


def _moment(text: str | None) -> datetime | None:
    from findalike.errors import SettingError

    if text is None:
        return None
    try:
        if text.isascii() and text.isdecimal():
            return datetime.now(UTC).replace(microsecond=0) + timedelta(days=int(text))
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise SettingError(
            f"--expires {text!r} is neither a number of days, such as 90, nor a date, such as "
            f"2027-01-31"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _told(key: Key) -> dict[str, Any]:
    return {
        "id": key.key_id,
        "role": key.role,
        "note": key.note,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "expired": key.expired(),
        "origins": key.origins,
    }
