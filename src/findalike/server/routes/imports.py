"""Imports of whole feeds, as jobs: started, watched, reported and cancelled."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, cast
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr, TypeAdapter
from pydantic_core import to_json

from findalike.data.catalogue import FORMATS
from findalike.server.access import require
from findalike.server.dependencies import ServiceOf
from findalike.server.feed_upload import FeedUpload, safe_name
from findalike.server.job_record import ENDED, ImportRequest, JobRecord, State, all_records
from findalike.server.jobs import Jobs
from findalike.server.known_parameters import KNOWN_PARAMETERS
from findalike.server.problems import Problem, problem_responses, wrong_media_type
from findalike.server.search_input import LONGEST_URL, validated, validated_json
from findalike.server.service import MAY_BE_DONE
from findalike.types import FieldType

MAX_ENTRIES = 500
REFUSALS_SHOWN = 1000
REPORT_PART = 65_536

router = APIRouter(
    prefix="/v1", tags=["imports"], dependencies=[Depends(require("catalogue")), KNOWN_PARAMETERS]
)

_TRUTH = {"true": True, "1": True, "on": True, "false": False, "0": False}
_FORMATS = tuple(sorted(set(FORMATS) - {"folder", "challenge"}))


class ImportOptions(BaseModel):
    """How a feed is read; as in `findalike index`."""

    model_config = ConfigDict(extra="forbid")

    dry_run: Annotated[
        StrictBool, Field(description="Read and check everything, write nothing.")
    ] = False
    strict: Annotated[StrictBool, Field(description="Write nothing if any row is refused.")] = False
    format: Annotated[
        StrictStr | None,
        Field(description=f"{', '.join(_FORMATS)}; found out if left out.", max_length=40),
    ] = None
    columns: Annotated[
        dict[str, str],
        Field(
            max_length=MAX_ENTRIES,
            description="Which column is what, for tables; empty for none.",
            examples=[{"title": "Name", "price": ""}],
        ),
    ] = Field(default_factory=dict)
    types: Annotated[
        dict[str, FieldType],
        Field(
            max_length=MAX_ENTRIES,
            description="Types of attributes; found out if left out.",
            examples=[{"size": "text"}],
        ),
    ] = Field(default_factory=dict)


class ImportBody(ImportOptions):
    """A feed at a URL."""

    url: Annotated[
        StrictStr,
        Field(
            min_length=8,
            max_length=LONGEST_URL,
            pattern=r"^[Hh][Tt][Tt][Pp][Ss]?://",
            examples=["https://shop.example/feeds/google.xml"],
        ),
    ]


_BODY = TypeAdapter(ImportBody)


class ImportAnswer(BaseModel):
    """An import and how far it is. Counts are of images, and of rows refused as a whole."""

    job_id: str
    state: State
    name: str
    url: str | None
    dry_run: bool
    strict: bool
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    rows: int | None = Field(description="Rows of the feed; null until they were counted.")
    rows_done: int
    added: int
    updated: int
    unchanged: int
    refused: int
    shop_version: int | None = Field(description="In which all of it is seen.")
    detail: str | None = Field(description="What happened, where it did not end well.")
    next_step: str | None
    notes: list[str]
    report_url: str


class ImportsAnswer(BaseModel):
    """The imports, newest first."""

    imports: list[ImportAnswer]


def jobs_of(request: Request) -> Jobs:
    """The jobs of the app."""
    return cast(Jobs, request.app.state.jobs)


JobsOf = Annotated[Jobs, Depends(jobs_of)]
JobId = Annotated[str, Path(max_length=64, examples=["20261123T012500-1f2e3d4c"])]


@router.post(
    "/imports",
    summary="Import a feed",
    status_code=202,
    response_model=ImportAnswer,
    responses=problem_responses(400, 401, 403, 408, 413, 415, 422, 429, 503),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": ImportBody.model_json_schema()},
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "required": ["file"],
                        "properties": {
                            "file": {"type": "string", "format": "binary"},
                            "dry_run": {"type": "boolean"},
                            "strict": {"type": "boolean"},
                            "format": {"type": "string"},
                            "columns": {"type": "string", "description": "A JSON object."},
                            "types": {"type": "string", "description": "A JSON object."},
                        },
                    }
                },
            },
        }
    },
)
async def start_import(request: Request, service: ServiceOf, jobs: JobsOf) -> Response:
    """Send a CSV, TSV, Parquet, XML feed or shop export, packed with gzip or not, or its URL.

    Its images are at URLs, or are paths below the shop's folders of images; no other file of the
    server can be named. The import runs beside searches and single changes, one at a time, and
    the answer says where to watch it.
    """
    content_type = request.headers.get("content-type", "")
    media = content_type.split(";", 1)[0].strip().lower()
    settings = service.settings
    if media == "application/json":
        body = validated_json(_BODY, await request.body())
        _check_format(body.format)
        name, url = safe_name(_path_of(body.url)), body.url
        record = await service.in_time(service.read(jobs.new_record))
        options: ImportOptions = body
    elif media == "multipart/form-data":
        record = await service.in_time(service.read(jobs.new_record))
        upload = FeedUpload(record.folder / "feed")
        try:
            await upload.read(request.stream(), content_type)
            options = validated(ImportOptions, _values(upload.texts))
            _check_format(options.format)
        except BaseException:
            shutil.rmtree(record.folder, ignore_errors=True)
            raise
        name, url = upload.name, None
    else:
        raise wrong_media_type(
            media,
            next_step="send the feed as multipart/form-data, or application/json with its url",
        )
    asked = ImportRequest(
        name=name,
        url=url,
        **options.model_dump(include=set(ImportOptions.model_fields)),
        caller=getattr(request.state, "caller", None) or "",
        created_at=datetime.now(UTC),
        allow_networks=settings.allow_networks,
        max_feed_bytes=settings.max_feed_bytes,
    )
    await service.in_time(service.read(lambda: jobs.start(record, asked)), next_step=MAY_BE_DONE)
    return _json(_answer(record), status=202, headers={"Location": f"/v1/imports/{record.job_id}"})


@router.get(
    "/imports",
    summary="List the imports",
    response_model=ImportsAnswer,
    responses=problem_responses(401, 403, 422, 429, 503),
)
async def list_imports(
    service: ServiceOf, jobs: JobsOf, limit: Annotated[int, Query(ge=1, le=50)] = 20
) -> Response:
    """List the latest imports, newest first; those of before a restart too."""
    found = await service.in_time(
        service.read(lambda: [_answer(record) for record in all_records(jobs.shop)[:limit]])
    )
    return _json({"imports": found})


@router.get(
    "/imports/{job_id}",
    summary="See how far an import is",
    response_model=ImportAnswer,
    responses=problem_responses(401, 403, 404, 422, 429, 503),
)
async def get_import(job_id: JobId, service: ServiceOf, jobs: JobsOf) -> Response:
    """Get the state, the progress and the counts of an import."""
    record = _record(jobs, job_id)
    return _json(await service.in_time(service.read(lambda: _answer(record))))


@router.get(
    "/imports/{job_id}/report",
    summary="What became of every image of an import",
    response_class=Response,
    responses={
        200: {
            "description": "A CSV with a line an image, or the refused ones as JSON.",
            "content": {"text/csv": {}, "application/json": {}},
        },
        **problem_responses(401, 403, 404, 422, 429, 503),
    },
)
async def get_report(
    job_id: JobId,
    service: ServiceOf,
    jobs: JobsOf,
    as_format: Annotated[
        Literal["csv", "json"],
        Query(alias="format", description="json gives the first 1,000 that were refused."),
    ] = "csv",
) -> Response:
    """Get the report, also while the import runs."""
    record = _record(jobs, job_id)
    if not record.report.is_file():
        raise Problem(
            404,
            "no-report",
            "the import has no report yet",
            next_step="try again when it runs; if it failed early, see its detail",
            title="No report",
        )
    if as_format == "csv":
        return await service.in_time(service.read(lambda: _csv(record)))
    refusals = await service.in_time(service.read(lambda: _refusals(record)))
    state = await service.in_time(service.read(lambda: _answer(record)))
    return _json({**state, "refusals": refusals})


@router.delete(
    "/imports/{job_id}",
    summary="Cancel an import",
    response_model=ImportAnswer,
    responses=problem_responses(401, 403, 404, 409, 422, 429, 503),
)
async def cancel_import(job_id: JobId, service: ServiceOf, jobs: JobsOf) -> Response:
    """Stop an import soon. What was committed stays and `detail` says how much that is."""
    record = _record(jobs, job_id)
    state = await service.in_time(service.read(record.state))
    if state.state in ENDED:
        raise Problem(
            409,
            "import-ended",
            f"the import is {state.state} and cannot be cancelled",
            next_step="POST /v1/shop:rollback brings back the version before it",
            title="The import has ended",
        )
    await service.in_time(service.read(record.cancel), next_step=MAY_BE_DONE)
    return _json(await service.in_time(service.read(lambda: _answer(record))), status=202)


def _record(jobs: Jobs, job_id: str) -> JobRecord:
    record = JobRecord.find(jobs.shop, job_id)
    if record is None:
        raise Problem(
            404,
            "no-such-import",
            f"there is no import {job_id[:64]!r}",
            next_step="see GET /v1/imports; the latest 50 are kept",
            title="No such import",
        )
    return record


def _answer(record: JobRecord) -> dict[str, Any]:
    request, state = record.request(), record.state()
    return {
        "job_id": record.job_id,
        "name": request.name,
        "url": request.url,
        "dry_run": request.dry_run,
        "strict": request.strict,
        "created_at": request.created_at,
        **state.model_dump(),
        "report_url": f"/v1/imports/{record.job_id}/report",
    }


def _csv(record: JobRecord) -> Response:
    """The report as long as it is now: what is written while it is sent comes with the next."""
    file = record.report.open("rb")
    size = os.fstat(file.fileno()).st_size

    def parts() -> Iterator[bytes]:
        left = size
        with file:
            while left and (part := file.read(min(left, REPORT_PART))):
                left -= len(part)
                yield part

    headers = {
        "Content-Length": str(size),
        "Content-Disposition": f'attachment; filename="import-{record.job_id}.csv"',
    }
    return StreamingResponse(parts(), headers=headers, media_type="text/csv")


def _refusals(record: JobRecord) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    with record.report.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["outcome"] == "refused":
                found.append({name: value or "" for name, value in row.items() if name})
                if len(found) >= REFUSALS_SHOWN:
                    break
    return found


def _values(texts: Mapping[str, str]) -> dict[str, Any]:
    """The texts of a form in the types of the options; what has none stays text."""
    values: dict[str, Any] = {name: text for name, text in texts.items() if text.strip()}
    for name in ("dry_run", "strict"):
        if name in values:
            values[name] = _TRUTH.get(values[name].strip().lower(), values[name])
    for name in ("columns", "types"):
        if name in values:
            # Otherwise it stays a text, of which is said what is allowed.
            with suppress(ValueError, RecursionError):
                values[name] = json.loads(values[name])
    return values


def _path_of(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError as error:
        raise Problem(
            422,
            "url",
            f"{url[:200]!r} is not a URL: {error}",
            next_step="give a public http or https URL of a feed, or send the file itself",
        ) from error


def _check_format(name: str | None) -> None:
    if name is not None and name not in _FORMATS:
        raise Problem(
            422,
            "invalid-request",
            f"format: there is no {name!r}",
            next_step=f"give one of {', '.join(_FORMATS)}, or none to have it found out",
            title="The request is not as described",
        )


def _json(
    value: Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    return Response(to_json(value), status, dict(headers or {}), "application/json")
