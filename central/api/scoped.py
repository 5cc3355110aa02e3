"""What of the collector's picture is in a caller's scope."""

from typing import TYPE_CHECKING

from central.api import models
from central.identity.principal import Principal
from central.registry_records import GatewayRecord

if TYPE_CHECKING:
    from central.collector import Collector


def sees_gateway(who: Principal, gateway: GatewayRecord) -> bool:
    """Return whether the gateway stands at or serves a site in scope."""
    sites = {*gateway.sites, *([gateway.site] if gateway.site else [])}
    return who.sees_all or any(who.sees(site) for site in sites)


async def overview(collector: "Collector", who: Principal) -> models.Overview:
    """Return the overview within the scope."""
    return models.Overview.model_validate(await collector.overview(who.scope))
