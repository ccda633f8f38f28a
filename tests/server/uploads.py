"""Files that shoppers do not send, and forms that browsers do not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from data.malformed import malformed_images

BOUNDARY = "b"


def fuzzed_photos(photos: Sequence[bytes], seed: int, n: int) -> Iterator[tuple[str, bytes]]:
    """Yield ``n`` damaged files: real photos, and the corner cases of all formats, in turn."""
    rng = Random(seed)
    corners = malformed_images(seed, n)
    for number in range(n):
        if number % 2:
            yield next(corners)
        else:
            yield f"{number:05d}-photo.jpg", _damaged(rng, rng.choice(photos))


def _damaged(rng: Random, photo: bytes) -> bytes:
    data = bytearray(photo)
    kind = rng.randrange(6)
    if kind == 0:
        return bytes(data[: rng.randrange(len(data))])
    if kind == 1:
        for _ in range(rng.choice([1, 4, 64, 1000])):
            data[rng.randrange(len(data))] = rng.randrange(256)
        return bytes(data)
    if kind == 2:  # the header, where sizes and tables are
        for _ in range(rng.choice([1, 4, 16])):
            data[rng.randrange(min(700, len(data)))] = rng.choice([0, 1, 0x7F, 0x80, 0xFF])
        return bytes(data)
    if kind == 3:
        at, length = rng.randrange(len(data)), rng.choice([1, 100, 10_000])
        return bytes(data[:at] + data[at + length :])
    if kind == 4:
        at = rng.randrange(len(data))
        return bytes(data[:at] + rng.randbytes(rng.choice([1, 100, 10_000])) + data[at:])
    at = rng.randrange(len(data))
    return bytes(data[:at] + data[rng.randrange(len(data)) :] + data[:at])


def form(data: bytes, name: str = "image", filename: str = "a.jpg") -> bytes:
    """A form with one file."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"'
    return head.encode() + b"\r\n\r\n" + data + f"\r\n--{BOUNDARY}--\r\n".encode()


def malformed_forms(photo: bytes) -> list[tuple[str, str, bytes]]:
    """Kinds of malformed forms: what it is, the content type and the body."""
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    whole = form(photo)
    field = b'--b\r\nContent-Disposition: form-data; name="k"\r\n\r\n%s\r\n'
    head = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n'
    return [
        ("no boundary", "multipart/form-data", whole),
        ("empty boundary", "multipart/form-data; boundary=", whole),
        ("another boundary", "multipart/form-data; boundary=c", whole),
        ("long boundary", "multipart/form-data; boundary=" + "b" * 300, whole),
        ("strange boundary", 'multipart/form-data; boundary="\xff"', whole),
        ("mixed", f"multipart/mixed; boundary={BOUNDARY}", whole),
        ("no body", kind, b""),
        ("no end", kind, whole[:-8]),
        ("half a head", kind, whole[:30]),
        ("nothing but the end", kind, b"--b--\r\n"),
        ("bytes before", kind, b"x" * 5000 + b"\r\n" + whole),
        ("bytes after", kind, whole + b"y" * 5000),
        ("no name", kind, whole.replace(b'name="image"; ', b"")),
        ("no disposition", kind, whole.replace(b"Content-Disposition", b"X")),
        ("no file name", kind, whole.replace(b'; filename="a.jpg"', b"")),
        ("another name", kind, form(photo, name="photo")),
        ("a path as file name", kind, form(photo, filename="../../etc/passwd")),
        ("a zero in the file name", kind, form(photo, filename="a\0.jpg")),
        ("a long file name", kind, form(photo, filename="a" * 6000)),
        ("two files", kind, form(photo)[:-7] + form(photo)),
        ("many parts", kind, (field % b"1") * 2000 + whole),
        ("many files", kind, (head + b"\r\nx\r\n") * 2000 + whole),
        ("a field twice", kind, (field % b"1") * 2 + whole),
        ("a long field", kind, field % (b"1" * 100_000) + whole),
        ("a field of no text", kind, field % b"\xff\xfe" + whole),
        ("long headers", kind, head + b"X: " + b"y" * 100_000 + b"\r\n\r\n" + photo + b"\r\n--b--"),
        ("many headers", kind, head + b"X: y\r\n" * 5000 + b"\r\n" + photo + b"\r\n--b--"),
        ("packed part", kind, head + b"Content-Encoding: gzip\r\n\r\n" + photo + b"\r\n--b--"),
        ("base64 part", kind, head + b"Content-Transfer-Encoding: base64\r\n\r\nAA==\r\n--b--"),
        ("form in a form", kind, head + b"Content-Type: multipart/mixed\r\n\r\n" + whole),
        ("urlencoded", "application/x-www-form-urlencoded", b"image=x&k=3"),
        ("bare photo", "image/jpeg", photo),
    ]
