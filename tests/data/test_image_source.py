from __future__ import annotations

import os
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from findalike.data import image_source
from findalike.data.image_source import ImageSource
from findalike.data.images import ImageLimits
from findalike.errors import ImageError, PathError, StorageError, UrlError

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs links and pipes of POSIX")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A root with photos, and a secret beside it."""
    root = tmp_path / "shop"
    (root / "Shoes" / "red").mkdir(parents=True)
    (root / "Shoes" / "red" / "Boot.JPG").write_bytes(b"boot")
    (root / "a.jpg").write_bytes(b"photo")
    (root / "größe 1.png").write_bytes(b"size")
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (tmp_path / "shop-2").mkdir()
    (tmp_path / "shop-2" / "a.jpg").write_bytes(b"secret")
    return root


def refusal(root: Path, location: str) -> str:
    with pytest.raises((ImageError, PathError)) as caught:
        ImageSource(root).read(location)
    return str(caught.value)


class TestPaths:
    @pytest.mark.parametrize(
        ("location", "content"),
        [
            ("a.jpg", b"photo"),
            ("./a.jpg", b"photo"),
            ("Shoes/red/Boot.JPG", b"boot"),
            ("Shoes\\red\\Boot.JPG", b"boot"),
            ("Shoes//red/./Boot.JPG", b"boot"),
            ("Shoes/../a.jpg", b"photo"),
            ("größe 1.png", b"size"),
        ],
    )
    def test_files_below_the_root_are_read(self, shop, location, content):
        assert ImageSource(shop).read(location) == content

    @pytest.mark.parametrize(
        ("location", "words"),
        [
            ("../secret.jpg", "leaves the root by '..': give a path below it"),
            ("Shoes/../../secret.jpg", "leaves the root by '..'"),
            ("..\\secret.jpg", "leaves the root by '..'"),
            ("..", "leaves the root by '..'"),
            ("../shop-2/a.jpg", "leaves the root by '..'"),
            ("/etc/passwd", "is an absolute path: give one below the root"),
            ("\\etc\\passwd", "is an absolute path"),
            ("C:\\photos\\a.jpg", "is an absolute path"),
            ("c:a.jpg", "is an absolute path"),
            ("//cdn.example.com/a.jpg", "write a URL with https: before them"),
            ("\\\\server\\share\\a.jpg", "starts with two slashes"),
            ("file:///etc/passwd", "starts with 'file://': allowed are paths below the root, and"),
            ("ftp://example.com/a.jpg", "starts with 'ftp://'"),
            ("data:image/png;base64,AAAA", "starts with 'data:'"),
            ("a.jpg\0.png", "has a zero character in it"),
            ("", "names no file"),
            (".", "names no file"),
        ],
    )
    def test_other_paths_are_refused(self, shop, location, words):
        with pytest.raises(PathError) as caught:
            ImageSource(shop).read(location)
        assert words in str(caught.value)

    def test_an_absolute_path_below_the_root_is_refused_too(self, shop):
        assert "is an absolute path" in refusal(shop, str(shop / "a.jpg"))

    @posix
    def test_a_colon_in_a_name_is_no_scheme(self, shop):
        (shop / "img:1.jpg").write_bytes(b"colon")
        assert ImageSource(shop).read("img:1.jpg") == b"colon"

    def test_without_a_root_no_path_is_read(self, monkeypatch, shop):
        monkeypatch.chdir(shop)
        with pytest.raises(PathError, match=r"'a\.jpg' is a path, and no root folder was given"):
            ImageSource(None).read("a.jpg")

    def test_the_root_has_to_be_a_folder(self, shop):
        for root in (shop / "missing", shop / "a.jpg"):
            with pytest.raises(PathError, match=r"is not a folder: give the one the images are"):
                ImageSource(root)


@posix
class TestLinks:
    def test_a_link_that_stays_below_the_root_is_followed(self, shop):
        (shop / "link.jpg").symlink_to("Shoes/red/Boot.JPG")
        (shop / "folder").symlink_to(shop / "Shoes", target_is_directory=True)
        assert ImageSource(shop).read("link.jpg") == b"boot"
        assert ImageSource(shop).read("folder/red/Boot.JPG") == b"boot"

    def test_the_root_itself_may_be_a_link(self, shop, tmp_path):
        (tmp_path / "current").symlink_to(shop, target_is_directory=True)
        assert ImageSource(tmp_path / "current").read("a.jpg") == b"photo"

    @pytest.mark.parametrize("target", ["../secret.jpg", "/etc/hostname", "Shoes/../../secret.jpg"])
    def test_a_link_that_leaves_the_root_is_refused(self, shop, target):
        (shop / "link.jpg").symlink_to(target)
        with pytest.raises(PathError, match="a link that leads out of the root"):
            ImageSource(shop).read("link.jpg")

    def test_a_folder_that_leaves_the_root_is_refused(self, shop):
        (shop / "folder").symlink_to(shop.parent, target_is_directory=True)
        with pytest.raises(PathError, match="a link that leads out of the root"):
            ImageSource(shop).read("folder/secret.jpg")
        (shop / "sibling").symlink_to(shop.parent / "shop-2", target_is_directory=True)
        with pytest.raises(PathError, match="a link that leads out of the root"):
            ImageSource(shop).read("sibling/a.jpg")

    def test_nothing_outside_is_told_in_a_hint(self, shop):
        (shop / "folder").symlink_to(shop.parent, target_is_directory=True)
        assert "secret" not in refusal(shop, "folder/SECRET.png").replace("SECRET", "")

    def test_links_in_a_circle_are_refused(self, shop):
        (shop / "one").symlink_to("two")
        (shop / "two").symlink_to("one")
        with pytest.raises(ImageError, match=r"'one(/x\.jpg)?'"):
            ImageSource(shop).read("one")
        with pytest.raises(ImageError):
            ImageSource(shop).read("one/x.jpg")

    @pytest.mark.parametrize("where", ["a.jpg", "Shoes/red/Boot.JPG"])
    def test_a_link_put_in_the_way_after_the_check_leads_nowhere(self, shop, where, monkeypatch):
        original = os.lstat
        victim = shop / Path(where).parts[0]

        def swapped(path, *arguments, **options):
            status = original(path, *arguments, **options)
            if Path(path) == shop / where:
                victim.rename(shop / "moved")
                target = shop.parent / ("secret.jpg" if where == "a.jpg" else "shop-2")
                victim.symlink_to(target)
            return status

        monkeypatch.setattr(image_source.os, "lstat", swapped)
        with pytest.raises(ImageError):
            ImageSource(shop).read(where)


class TestWhatIsNoFile:
    def test_a_folder(self, shop):
        assert "'Shoes' is a folder: give an image file in it" in refusal(shop, "Shoes")

    @posix
    def test_a_pipe_does_not_block(self, shop):
        os.mkfifo(shop / "pipe.jpg")
        outcome: list[str] = []
        reader = threading.Thread(target=lambda: outcome.append(refusal(shop, "pipe.jpg")))
        reader.daemon = True
        reader.start()
        reader.join(5)
        assert outcome
        assert "is a device, pipe or socket" in outcome[0]

    @posix
    def test_a_pipe_put_in_place_after_the_check_does_not_block(self, shop, monkeypatch):
        file = os.lstat(shop / "a.jpg")
        os.mkfifo(shop / "pipe.jpg")
        monkeypatch.setattr(image_source.os, "lstat", lambda path: file)
        assert "is a device, pipe or socket" in refusal(shop, "pipe.jpg")

    @posix
    def test_a_socket(self, shop, monkeypatch):
        monkeypatch.chdir(shop)  # the path of a socket may have 100 characters
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("s.jpg")
            assert "is a device, pipe or socket" in refusal(shop, "s.jpg")

    @posix
    @pytest.mark.skipif(
        not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything"
    )
    def test_a_file_without_permission(self, shop):
        (shop / "a.jpg").chmod(0)
        assert "no permission to read it" in refusal(shop, "a.jpg")

    @posix
    @pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no /dev/zero here")
    def test_a_device(self):
        assert "is a device, pipe or socket" in refusal(Path("/dev"), "zero")

    def test_a_name_that_is_too_long(self, shop):
        assert "give a path below" in refusal(shop, "x" * 5000 + ".jpg")

    def test_a_name_that_no_file_can_have(self, shop):
        with pytest.raises(PathError, match="has characters no file name can have"):
            ImageSource(shop).read("\ud800.jpg")

    def test_a_failing_disk_is_not_the_callers_fault(self, shop, monkeypatch):
        def fails(*arguments):
            raise OSError(5, "Input/output error")

        monkeypatch.setattr(image_source.os, "read", fails)
        with pytest.raises(
            StorageError, match=r"'a\.jpg': reading it below .+: Input/output error"
        ):
            ImageSource(shop).read("a.jpg")


class TestSize:
    def test_a_file_of_exactly_the_limit_is_read(self, shop):
        assert ImageSource(shop, limits=ImageLimits(max_bytes=5)).read("a.jpg") == b"photo"

    def test_a_larger_file_is_refused_unread(self, shop, monkeypatch):
        with (shop / "large.jpg").open("wb") as file:
            file.truncate(40_000_000)
        monkeypatch.setattr(image_source.os, "read", lambda *_: pytest.fail("it was read"))
        assert "large.jpg: 40,000,000 bytes, and 32,000,000 are allowed" in refusal(
            shop, "large.jpg"
        )

    def test_a_file_that_grows_is_read_to_the_limit(self, shop, monkeypatch):
        original = os.read

        def growing(descriptor, count):
            with (shop / "a.jpg").open("ab") as file:
                file.write(bytes(400))
            return original(descriptor, count)

        monkeypatch.setattr(image_source.os, "read", growing)
        with pytest.raises(ImageError, match="1,001 bytes, and 1,000 are allowed"):
            ImageSource(shop, limits=ImageLimits(max_bytes=1000)).read("a.jpg")

    def test_a_large_file_is_read_whole(self, shop):
        content = bytes(range(256)) * 20_000
        (shop / "large.jpg").write_bytes(content)
        assert ImageSource(shop).read("large.jpg") == content


class TestMissing:
    @pytest.mark.parametrize(
        ("location", "meant"),
        [
            ("A.JPG", "a.jpg"),
            ("a.jpeg", "a.jpg"),
            ("a", "a.jpg"),
            ("shoes/RED/boot.jpg", "Shoes/red/Boot.JPG"),
            ("gro\u0308ße 1.png", "größe 1.png"),
            ("gr%C3%B6%C3%9Fe%201.png", "größe 1.png"),
            ("pub/media/a.jpg", "a.jpg"),
            ("shop/Shoes/red/Boot.JPG", "Shoes/red/Boot.JPG"),
        ],
    )
    def test_what_was_probably_meant_is_said(self, shop, location, meant):
        message = refusal(shop, location)
        if (shop / location).exists():
            pytest.skip("names of either case are the same here")
        assert message == (
            f"{location!r}: there is no such file below {shop}: did you mean {meant!r}?"
        )

    def test_without_an_idea_the_path_and_the_root_are_said(self, shop):
        assert refusal(shop, "b/c.jpg") == (
            f"'b/c.jpg': there is no such file below {shop}: correct the path, or give another root"
        )

    def test_a_file_in_place_of_a_folder(self, shop):
        assert "there is no such file" in refusal(shop, "a.jpg/b.jpg")

    def test_many_missing_files_list_a_folder_once(self, shop, monkeypatch):
        listed = []
        original = os.scandir
        monkeypatch.setattr(os, "scandir", lambda path: listed.append(path) or original(path))
        for number in range(50):
            refusal(shop, f"missing-{number}.jpg")
        assert listed == [str(shop)]


class Recorder:
    """Stands for a fetcher."""

    def __init__(self):
        self.urls = []
        self.closed = False

    def fetch(self, url):
        self.urls.append(url)
        return b"fetched"

    def close(self):
        self.closed = True


class TestUrls:
    @pytest.mark.parametrize("url", ["http://example.com/a.jpg", "HTTPS://example.com/a.jpg"])
    def test_they_go_to_the_fetcher_with_and_without_a_root(self, shop, url):
        fetcher = Recorder()
        for root in (None, shop):
            with ImageSource(root, fetcher=fetcher) as source:
                assert source.read(url) == b"fetched"
        assert fetcher.urls == [url, url]
        assert not fetcher.closed

    def test_they_can_be_forbidden(self, shop):
        source = ImageSource(shop, allow_urls=False, fetcher=Recorder())
        with pytest.raises(
            UrlError, match=r"http://example\.com/a\.jpg: URLs are not allowed here"
        ):
            source.read("http://example.com/a.jpg")

    def test_by_default_private_addresses_are_refused_and_the_limit_is_passed_on(self, shop):
        with ImageSource(shop, limits=ImageLimits(max_bytes=77)) as source:
            with pytest.raises(UrlError, match="not a public address"):
                source.read("http://127.0.0.1/a.jpg")
            assert source._owned is not None
            assert source._owned._max_bytes == 77
        assert source._owned is None


def test_many_threads_read_at_once(shop):
    names = [f"{number}.jpg" for number in range(50)]
    for name in names:
        (shop / name).write_bytes(name.encode() * 1000)
    source = ImageSource(shop)
    with ThreadPoolExecutor(8) as pool:
        contents = list(pool.map(source.read, names * 10))
    assert contents == [name.encode() * 1000 for name in names * 10]


@posix
def test_no_descriptor_is_left_open(shop):
    def count() -> int:
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208

    if not Path("/proc/self/fd").exists():
        pytest.skip("no /proc here")
    (shop / "link.jpg").symlink_to("../secret.jpg")
    before = count()
    for location in ["a.jpg", "Shoes/red/Boot.JPG", "Shoes", "nothing.jpg", "link.jpg"] * 20:
        try:
            ImageSource(shop).read(location)
        except (ImageError, PathError):
            continue
    assert count() == before
