"""Good users of the shop of `benchmarks/soak.py`: writers, shoppers, and a feed."""

from __future__ import annotations

import hashlib
import json
import time

from service_process import BOUNDARY, form
from soak_caller import FORM, Caller
from soak_ledger import Version

POPULATION = 25
"""Products each writer keeps, about."""

FEED = 30
"""Products of the feed."""

FILES = 3
"""Photos that each of them has in turn."""


class Writer(Caller):
    """Puts, changes and removes products of its own, and looks for each right after."""

    def turn(self) -> None:
        mine = f"own-{self.number}-"
        there = self.ledger.present(mine)
        action = self.rng.random()
        if len(there) < 3 or (action < 0.4 and len(there) < POPULATION):
            self.put(f"{mine}{next(self.soak.numbers)}", None)
        elif action < 0.65:
            product_id = self.rng.choice(there)
            self.put(product_id, self.ledger.latest(product_id))
        elif action < 0.8:
            self.patch(self.rng.choice(there))
        else:
            self.remove(self.rng.choice(there))

    def put(self, product_id: str, before: Version | None) -> None:
        """A whole product with one to three pictures: new ones, or some that it had before."""
        # The first image keeps its id for good, whatever picture it is of; the others do not.
        pictures = {"main": next(self.soak.numbers)}
        for _ in range(self.rng.randrange(3)):
            number = next(self.soak.numbers)
            pictures[f"more-{number}"] = number
        edition = next(self.soak.numbers)
        files = {name: self.soak.picture(number) for name, number in pictures.items()}
        self.soak.pictures |= {ending(files[name]): number for name, number in pictures.items()}
        images = {f"{product_id}.{name}": ending(data) for name, data in files.items()}
        version = Version(edition, images)
        kept = []
        if before is not None and self.rng.random() < 0.5:
            # An image it had, by its location, beside new ones; the others are taken away.
            kept = [(i, end) for i, end in before.images.items() if i not in images][:1]
            version = Version(edition, {**images, **dict(kept)})
        body = version.words(product_id) | {
            "images": [{"file": n, "image_id": image_id} for n, image_id in enumerate(images)]
            + [{"location": end, "image_id": image_id} for image_id, end in kept]
        }
        kind = "put, new" if before is None else "put, replacing"
        sent = several(list(files.values()), product=json.dumps(body))
        if self.change(product_id, version, "PUT", sent, kind):
            for end in images.values():
                self.own_photo(product_id, end, "search after put")

    def patch(self, product_id: str) -> None:
        before = self.ledger.latest(product_id)
        assert before is not None
        version = Version(next(self.soak.numbers), before.images)
        body = json.dumps(version.words(product_id)).encode()
        if self.change(product_id, version, "PATCH", body, "patch"):
            self.see(product_id, "get after patch")

    def remove(self, product_id: str) -> None:
        before = self.ledger.latest(product_id)
        assert before is not None
        if not self.change(product_id, None, "DELETE", None, "delete"):
            return
        if self.see(product_id, "get after delete") is None:
            for end in before.images.values():
                photo = self.soak.photo_of(end)
                assert photo is not None
                self.search(photo, "search after delete")


def ending(picture: bytes) -> str:
    """Where the shop keeps a picture that is sent to it."""
    digest = hashlib.sha256(picture).hexdigest()
    return f"{digest[:2]}/{digest}.jpg"


def several(files: list[bytes], **texts: str) -> bytes:
    """A form with several pictures."""
    end = f"--{BOUNDARY}--\r\n".encode()
    forms = [form(files[0], **texts), *map(form, files[1:])]
    return b"".join(one.removesuffix(end) for one in forms) + end


class Shopper(Caller):
    """Searches with photos of products that are there, and looks at products like them."""

    def turn(self) -> None:
        product_id = self.rng.choice(self.ledger.present() or [""])
        version = self.ledger.latest(product_id)
        if version is None:
            self.search(self.rng.choice(self.soak.photos))
            return
        chance = self.rng.random()
        if chance < 0.1:
            answer = self.ask("similar", "GET", f"/v1/products/{product_id}/similar")
            self.check(answer, "similar")
            possible = self.ledger.possible(product_id, answer.began, answer.ended)
            if answer.status == 404 and None not in possible:
                self.wrong(product_id, "a product that is there is not known", "similar", answer)
        elif chance < 0.2:
            self.see(product_id)
        else:
            end = self.rng.choice(list(version.images.values()))
            if chance < 0.35:
                where = f"edition = {version.edition}"
                self.own_photo(product_id, end, "search with filter", where=where)
            else:
                self.own_photo(product_id, end, "search")


class Feeder(Caller):
    """Sends a feed again and again, each time with new words and pictures; cancels some."""

    def turn(self) -> None:
        products = [f"feed-{number}" for number in range(FEED)]
        edition = next(self.soak.numbers)
        chosen = self.rng.sample(range(FEED), FEED // 2)
        lines = ["product_id,image_id,image,title,price,edition"]
        for number in chosen:
            product_id = products[number]
            # Files of its own, or two products would have one photo.
            file = self.soak.files[number * FILES + edition % FILES]
            version = Version(edition, {f"{product_id}.main": file})
            words = version.words(product_id)
            lines.append(
                f'{product_id},{product_id}.main,{file},"{words["title"]}",{edition},{edition}'
            )
            self.ledger.begin(product_id, version, time.monotonic())
        sent = form(
            "\n".join(lines).encode(), name="file", types=json.dumps({"edition": "number"})
        ).replace(b"p.jpg", b"feed.csv")
        answer = self.ask("import", "POST", "/v1/imports", sent, self.key | FORM)
        chosen_products = [products[number] for number in chosen]
        if answer.status != 202:
            for product_id in chosen_products:
                self.ledger.refused(product_id)
            time.sleep(1.0)
            return
        self.follow(str(answer.json()["job_id"]), chosen_products, cancel=self.rng.random() < 0.2)
        time.sleep(self.rng.uniform(0.5, 3.0))

    def follow(self, job: str, products: list[str], *, cancel: bool) -> None:
        """Watch an import until it has ended, and see what became of its products."""
        path = f"/v1/imports/{job}"
        if cancel:
            time.sleep(self.rng.uniform(0.0, 4.0))
            self.ask("import, cancel", "DELETE", path, None, self.key)
        while True:
            answer = self.ask("import, watched", "GET", path, None, self.key)
            state = answer.json() if answer.status == 200 else {"state": "unknown"}
            if state["state"] in {"done", "failed", "cancelled", "interrupted"}:
                break
            time.sleep(0.3)
        if state["state"] == "done":
            for product_id in products:
                self.ledger.answered(product_id, answer.ended)
            if (state["refused"], state["rows_done"]) != (0, len(products)):
                self.soak.violation("an import of good rows", path, answer)
            self.soak.checks["imports done"] += 1
        elif state["state"] != "cancelled":
            self.soak.violation("an import did not end well", path, answer)
        for product_id in products:
            seen = self.see(product_id, "get after import")
            if state["state"] != "done":
                self.settle(product_id, seen)
