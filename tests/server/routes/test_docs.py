from __future__ import annotations

from findalike.server.routes.docs import docs_page


def test_every_path_is_described_without_scripts(client):
    answer = client.get("/docs")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    paths = client.app.openapi()["paths"]
    for path, operations in paths.items():
        for method, operation in operations.items():
            assert f"<b>{method.upper()}</b> {path}</h2>" in answer.text
            assert operation["summary"]
    # The policy of the page forbids scripts and styles of others, and inline ones.
    assert "<script" not in answer.text
    assert "style=" not in answer.text
    assert "//" not in "".join(part.split('"')[0] for part in answer.text.split('href="')[1:])
    style = client.get("/docs/style.css")
    assert style.headers["content-type"].startswith("text/css")
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert client.get("/redoc").status_code == 404


def test_what_a_description_says_is_text():
    api = {
        "info": {"title": "<i>", "version": "1", "summary": "<script>alert(1)</script>"},
        "paths": {"/<b>": {"get": {"summary": "<img>", "responses": {}}}},
        "components": {"schemas": {"<u>": {}}},
    }
    page = docs_page(api)
    assert not any(tag in page for tag in ("<i>", "<script>", "<img>", "<u>"))
