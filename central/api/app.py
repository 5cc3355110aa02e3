"""The application: routes, layers and exception mapping wired together, nothing else.

A route without a permission makes it refuse to be built.
"""

from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.telemetry import TelemetryConfig

from central.api import errors, models
from central.api.access import bare_routes
from central.api.door import Door
from central.api.express import Application
from central.api.headers import Envelope
from central.api.page import DIST, page_router
from central.api.rooms import Rooms
from central.api.routes import (
    alarm_acts,
    alarm_rule,
    alarms,
    aside,
    audit,
    backfills,
    backups,
    calendar,
    crowd,
    demo,
    enrolment,
    events,
    export,
    faults,
    gateway_keys,
    gateways,
    health,
    ingest,
    journal,
    kpis,
    overlays,
    queries,
    readings,
    rule_files,
    rule_places,
    rule_trial,
    rules,
    session,
    store,
    stream,
    tokens,
    trust,
    virtual_gateways,
    watch,
)
from central.api.threshold import Threshold
from central.api.version import API_VERSION

_UNTRACED: Final[TelemetryConfig] = {"tracing": False, "metrics": False, "logs": False}
"""Asking for each request whether anybody listens costs a seventh of it; figures: /metrics."""
# Gateways first: they ask a thousand times as often as people.
_ROUTERS: Final = (
    ingest,
    readings,
    session,
    watch,
    queries,
    calendar,
    export,
    store,
    aside,
    backups,
    gateways,
    enrolment,
    gateway_keys,
    journal,
    kpis,
    crowd,
    overlays,
    alarms,
    faults,
    backfills,
    alarm_rule,
    rules,
    rule_trial,
    rule_places,
    rule_files,
    alarm_acts,
    events,
    stream,
    tokens,
    audit,
    health,
    trust,
    virtual_gateways,
)
_REFUSED: Final[dict[int | str, dict[str, Any]]] = {
    status: {"model": models.Error} for status in (401, 403, 422)
}


def create_app(rooms: Rooms | None, *, with_demo: bool, dist: Path = DIST) -> FastAPI:
    """Build the application; `rooms` None builds it for its document only."""
    app = Application(
        telemetry=_UNTRACED,
        title="Fengsui 烽燧",
        summary="Codes and parameters, never sentences; times RFC 3339 with offset.",
        version=API_VERSION,
        openapi_url=None,
        responses=_REFUSED,
        generate_unique_id_function=_operation,
        redirect_slashes=False,
    )
    app.state.rooms = rooms
    for room in (*_ROUTERS, *((demo,) if with_demo else ())):
        app.include_router(room.router)
    app.include_router(page_router(dist))
    errors.register(app)
    app.add_middleware(Envelope)
    app.add_middleware(Door)
    app.add_middleware(Threshold)
    bare = bare_routes(app.routes)
    if bare:
        raise RuntimeError(f"routes without a permission: {', '.join(bare)}")
    return app


def _operation(route: APIRoute) -> str:
    return f"{'_'.join(str(tag) for tag in route.tags)}_{route.name}"
