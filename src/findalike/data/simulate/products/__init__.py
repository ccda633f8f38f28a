"""The kinds of product that a simulated shop sells."""

from __future__ import annotations

from findalike.data.simulate.products.backpack import BACKPACK
from findalike.data.simulate.products.beanie import BEANIE
from findalike.data.simulate.products.book import BOOK
from findalike.data.simulate.products.cans import DRINK, TIN
from findalike.data.simulate.products.cap import CAP
from findalike.data.simulate.products.carton import CARTON
from findalike.data.simulate.products.chair import CHAIR
from findalike.data.simulate.products.cushion import CUSHION
from findalike.data.simulate.products.flask import FLASK
from findalike.data.simulate.products.handbag import HANDBAG
from findalike.data.simulate.products.jar import JAR
from findalike.data.simulate.products.lamp import LAMP
from findalike.data.simulate.products.mug import MUG
from findalike.data.simulate.products.phone_case import PHONE_CASE
from findalike.data.simulate.products.shampoo import SHAMPOO
from findalike.data.simulate.products.shirt import SHIRT
from findalike.data.simulate.products.sneaker import SNEAKER
from findalike.data.simulate.products.sunglasses import SUNGLASSES
from findalike.data.simulate.products.toy import TOY
from findalike.data.simulate.products.vase import VASE
from findalike.data.simulate.products.watch import WATCH
from findalike.data.simulate.products.wine import WINE
from findalike.data.simulate.spec import Kind

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        MUG,
        SHIRT,
        SNEAKER,
        BOOK,
        BACKPACK,
        TIN,
        LAMP,
        WATCH,
        CUSHION,
        FLASK,
        TOY,
        CARTON,
        HANDBAG,
        SUNGLASSES,
        VASE,
        CAP,
        JAR,
        CHAIR,
        PHONE_CASE,
        WINE,
        BEANIE,
        SHAMPOO,
        DRINK,
    )
}
"""Every kind by its name, in the order in which a small shop meets them."""
