from __future__ import annotations

import gzip
import http.server
import sys
import threading
import time

import pytest

from findalike.errors import MissingExtraError, SettingError
from findalike.server.tracing import start_tracing
from server.guarded_app import guarded


@pytest.fixture
def collector():
    """A receiver of OTLP by HTTP; gives its URL and the spans that came."""
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    spans = []

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            request = ExportTraceServiceRequest.FromString(body)
            for resource in request.resource_spans:
                names = {a.key: a.value.string_value for a in resource.resource.attributes}
                for scope in resource.scope_spans:
                    spans.extend((self.path, names["service.name"], span) for span in scope.spans)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", spans
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_request_is_a_trace_of_its_stages(tmp_path, collector):
    url, spans = collector
    proxies = ("203.0.113.0/24",)
    client = guarded(tmp_path, open_search=True, trace_endpoint=url, trusted_proxies=proxies)
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    answer = client.post("/v1/search?secret=1", json={}, headers={"traceparent": parent})
    client.app.state.traces.stop()
    assert {path for path, _, _ in spans} == {"/v1/traces"}
    assert {service for _, service, _ in spans} == {"findalike"}
    by_name = {span.name: span for _, _, span in spans}
    assert set(by_name) == {"POST /v1/search", "prepare", "embed"}
    request = by_name["POST /v1/search"]
    assert request.trace_id.hex() == "0af7651916cd43dd8448eb211c80319c"
    assert request.parent_span_id.hex() == "b7ad6b7169203331"
    facts = {fact.key: fact.value for fact in request.attributes}
    assert facts["http.response.status_code"].int_value == 200
    assert facts["findalike.request_id"].string_value == answer.headers["x-request-id"]
    assert not any("secret" in str(fact) for fact in request.attributes)
    prepare, embed = by_name["prepare"], by_name["embed"]
    for stage, ms in ((prepare, 2), (embed, 3)):
        assert stage.parent_span_id == request.span_id
        assert stage.end_time_unix_nano - stage.start_time_unix_nano == ms * 1_000_000
    assert prepare.end_time_unix_nano == embed.start_time_unix_nano
    assert embed.end_time_unix_nano == request.end_time_unix_nano


def test_errors_are_marked_and_shares_are_kept(tmp_path, collector):
    url, spans = collector
    client = guarded(tmp_path, trace_endpoint=url + "/v1/traces")
    client.get("/broken")
    client.app.state.traces.stop()
    ((_, _, span),) = spans
    assert span.name == "GET /broken"
    assert span.status.code == 2
    spans.clear()
    untraced = guarded(tmp_path, trace_endpoint=url, trace_share=0.0)
    untraced.get("/broken")
    untraced.app.state.traces.stop()
    assert spans == []


def test_a_collector_that_is_away_harms_nothing(tmp_path):
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    client = guarded(tmp_path, open_search=True, trace_endpoint="http://127.0.0.1:9")
    assert client.post("/v1/search", json={}).status_code == 200
    began = time.monotonic()
    client.app.state.traces.stop()
    assert time.monotonic() - began < 10


def test_without_the_extra_the_error_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(MissingExtraError, match=r"findalike\[tracing\]"):
        start_tracing("http://localhost:4318")


def test_without_an_endpoint_nothing_is_loaded(tmp_path):
    import subprocess

    code = (
        "import sys\n"
        "from findalike.server.tracing import start_tracing\n"
        "start_tracing(None).begin('GET', {}).end(route='/', status=200, stages_ms={}, facts={})\n"
        "assert not any(name.startswith('opentelemetry.sdk') for name in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("endpoint", ["localhost:4318", "ftp://x", "", "http://"])
def test_what_is_no_url_is_refused(endpoint):
    with pytest.raises(SettingError, match="http://localhost:4318"):
        start_tracing(endpoint)


def test_strangers_do_not_decide_what_is_traced(tmp_path, collector):
    url, spans = collector
    client = guarded(tmp_path, open_search=True, trace_endpoint=url, trace_share=0.0)
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert client.post("/v1/search", json={}, headers={"traceparent": parent}).status_code == 200
    client.app.state.traces.stop()
    assert spans == []
