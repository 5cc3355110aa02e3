"""Refusals: every error leaves as `{"code", "params", "request"}`, and never a traceback.

`code` is a key of the text catalogue; `request` is the id that stands in the log and in the
answer's `X-Request-Id`. What was wrong with a body is told by place and kind, without repeating the
value: it may be a password.
"""

import logging
from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse

from central.api.headers import SECURE, BodyTooLarge, BodyTooSlow
from central.api.times import shown
from central.database import StorageError
from protocols.errors import FengsuiError, IllegalTransition, IngestError
from protocols.words import Value

logger = logging.getLogger(__name__)

STATUS: Final[dict[str, int]] = {
    "LOGIN_REFUSED": 401,
    "LINK_REFUSED": 401,
    "LOGIN_LOCKED": 429,
    "LOGIN_BUSY": 503,
    "QUERY_TOO_LONG": 503,
    "STORE_DAMAGED": 503,
    "ALREADY_ACKNOWLEDGED": 409,
    "GATEWAY_EXISTS": 409,
    "VIRTUAL_UNKNOWN": 404,
    "LIMIT_REFUSED": 422,
    "NAME_REFUSED": 422,
    "EPISODE_UNKNOWN": 404,
    "CURSOR_UNKNOWN": 422,
    "JOURNAL_PLACE": 422,
    "KPI_ALARMS": 422,
    "CURSOR_ELSEWHERE": 422,
    "RULE_UNKNOWN": 404,
    "SHELF_REQUEST_UNKNOWN": 404,
    "FILING_NOT_IN_FORCE": 409,
    "FILTER_UNKNOWN": 422,
    "DATABASE_UNUSABLE": 503,
    "EXPORT_BROKEN": 503,
    "EXPORT_BUSY": 429,
    "EXPORT_NO_ROOM": 503,
    "EXPORT_FORMAT_MISSING": 422,
    "EXPORT_POINTS": 422,
    "EXPORT_TOO_LARGE": 422,
    "EXPORT_ZONE": 422,
    "UNAUTHENTICATED": 401,
    "ENROLMENT_CODE_REFUSED": 403,
    "ENROLMENT_PROOF_REFUSED": 403,
    "ENROLMENT_BEGIN_AGAIN": 409,
    "ENROLMENT_CERTIFICATE_UNKNOWN": 409,
    "ENROLMENT_KEY_ENDED": 409,
    "ENROLMENT_LOCKED": 429,
    "ENROLMENT_NOTHING_WAITS": 409,
    "ENROLMENT_DIGITS_DIFFER": 409,
    "ENROLMENT_NOTHING_TO_REVOKE": 409,
    "ENROLMENT_WINDOW": 422,
    "ENROLMENT_SITE_DIFFERS": 409,
    "ENROLMENT_GATEWAY_VIRTUAL": 409,
    "ENROLMENT_ORDER_INCOMPLETE": 422,
    "ENROLMENT_CODES_TAKEN": 503,
    "WARRANT_REFUSED": 403,
    "SIGNATURE": 401,
    "SIGNER_UNKNOWN": 401,
    "KEY_PENDING": 401,
    "KEY_HELD": 401,
    "KEY_REVOKED": 401,
    "KEY_REQUIRED": 401,
    "NONCE": 401,
    "REPLAYED": 401,
    "ZONE_UNKNOWN": 422,
    "ZONE_NOT_BEIJING": 422,
    "QUERY_PERIODS": 422,
    "QUERY_POINTS": 422,
    "QUERY_INTERVALS": 422,
    "HOLIDAYS_UNKNOWN": 422,
    "STORE_PIECE_UNKNOWN": 404,
    "STORE_PIECE_SETTLED": 409,
    "EXEMPTION_UNKNOWN": 404,
    "EXEMPTION_OVER": 409,
    "EXEMPTION_NOT_BEGUN": 422,
    "RULE_REFUSED": 422,
    "RULE_EXISTS": 409,
    "RULE_SAME": 409,
    "RULE_RETIRED": 409,
    "RULE_CHANGED_MEANWHILE": 409,
    "ATTACHMENT_UNKNOWN": 404,
    "ATTACHMENT_SAME": 409,
    "NAMED_SAME": 409,
    "NAMED_UNKNOWN": 404,
    "RULES_FILE_FORMAT": 422,
    "RULES_FILE_LARGE": 422,
}
"""Status of errors raised away from HTTP; an error that is not here is our fault: 500."""

_BY_STATUS: Final = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED", 413: "TOO_LARGE"}


class ApiError(FengsuiError):
    """A refusal with its HTTP status."""

    code = "REFUSED"

    def __init__(self, status: int, code: str, /, **params: Value) -> None:
        super().__init__(code, **params)
        self.status = status


def unauthenticated() -> ApiError:
    """Nobody we know."""
    return ApiError(401, "UNAUTHENTICATED")


def not_found(what: str, name: str) -> ApiError:
    """There is no such thing, or it is out of the caller's scope; which is not said."""
    return ApiError(404, "NOT_FOUND", what=what, name=name)


def body(request: Request, code: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the one shape of an error."""
    return {"code": code, "params": dict(params), "request": request.scope.get("request_id", "")}


def register(app: FastAPI) -> None:
    """Map every exception that can leave a route to the one shape."""
    app.exception_handler(FengsuiError)(_ours)
    app.exception_handler(HTTPException)(_framework)
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(StorageError)(_database)
    app.exception_handler(ClientDisconnect)(_gone)
    app.exception_handler(Exception)(_unexpected)


async def _ours(request: Request, exc: FengsuiError) -> JSONResponse:
    if isinstance(exc, ApiError | IngestError):
        status = exc.status
    elif isinstance(exc, IllegalTransition):
        status = 409
    else:
        status = STATUS.get(exc.code, 500)
    if status == 500:
        logger.error("request failed", exc_info=exc, extra={"request": _id(request)})
        return JSONResponse(body(request, "INTERNAL", {}), 500)
    params = shown(exc.params) if isinstance(exc, IllegalTransition) else exc.params
    turned_away(request, status, exc.code, params)
    headers = {"Retry-After": _seconds(exc)} if status in (429, 503) else {}
    if status == 408:
        headers["Connection"] = "close"  # the rest of the body is not read
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(body(request, exc.code, params), status, headers)


async def _framework(request: Request, exc: HTTPException) -> JSONResponse:
    code = _BY_STATUS.get(exc.status_code, "REFUSED")
    params: dict[str, Any] = {}
    if isinstance(exc, BodyTooLarge):
        params = {**exc.params}
    elif isinstance(exc, BodyTooSlow):
        code, params = "SLOW", {**exc.params}
    elif exc.status_code == 404:
        params = {"what": "path", "name": request.scope["path"]}
    turned_away(request, exc.status_code, code, params)
    return JSONResponse(body(request, code, params), exc.status_code, exc.headers)


async def _invalid(request: Request, exc: RequestValidationError) -> JSONResponse:
    problems = [
        {"at": ".".join(str(part) for part in error["loc"]), "kind": error["type"]}
        for error in exc.errors()
    ]
    return JSONResponse(body(request, "INVALID", {"problems": problems}), 422)


async def _database(request: Request, exc: Exception) -> JSONResponse:
    # The database has logged the cause, once a minute, and counts it.
    return JSONResponse(body(request, "STORE_UNAVAILABLE", {}), 503, {"Retry-After": "5"})


async def _gone(request: Request, exc: Exception) -> JSONResponse:
    """The line was cut in the middle of a request: nobody hears this, and nothing was done."""
    turned_away(request, 400, "CUT", {})
    return JSONResponse(body(request, "REFUSED", {}), 400)


async def _unexpected(request: Request, exc: Exception) -> JSONResponse:
    # Runs outside our own middleware: says the headers itself. The server logs the traceback.
    headers = {**SECURE, "X-Request-Id": _id(request)}
    return JSONResponse(body(request, "INTERNAL", {}), 500, headers)


def turned_away(request: Request, status: int, code: str, params: Mapping[str, Any]) -> None:
    """Count a refusal, and make it known where it is a matter of security."""
    if (rooms := request.app.state.rooms) is not None:
        rooms.guards.turned_away(request.scope, status, code, params)


def _seconds(exc: FengsuiError) -> str:
    stated, spread = exc.params.get("seconds"), exc.params.get("retry_after_ms")
    if isinstance(spread, int):
        stated = -(-spread // 1000)
    return str(max(1, round(stated))) if isinstance(stated, int | float) else "1"


def _id(request: Request) -> str:
    return str(request.scope.get("request_id", ""))
