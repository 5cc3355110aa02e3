"""One OPC UA session with one subscription on it: the only place that speaks to the library.

Uses the library's raw services (CreateSubscription, CreateMonitoredItems) with one callback per
publish, because its own subscription object starts a task for every single value.
"""

import asyncio
import logging
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from asyncua import ua
from asyncua.client.client import Client
from asyncua.crypto import security_policies, uacrypto
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.uaerrors import UaError
from cryptography.exceptions import InvalidSignature
from cryptography.x509 import SubjectAlternativeName, UniformResourceIdentifier

from protocols.clock import real_monotonic
from protocols.errors import DeviceUnreachable
from protocols.opcua.settings import Security, Settings
from protocols.profile import OpcUaAddress
from protocols.quality import Quality

FOREIGN: Final = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    struct.error,
    InvalidSignature,
    UaError,
)
"""What the library lets out when a server is away, says no, or sends bytes it cannot read."""

QUEUE: Final = 32
"""Values the server keeps per variable between publishes."""
ITEMS_PER_CALL: Final = 1_000
"""Variables added by one request, unless the server wants fewer (OPC 10000-5, 6.3.11)."""
KEEP_ALIVE: Final = 1.0
"""Seconds after which a server with nothing to tell says so: the proof that values stand."""
SESSION_KEPT: Final = 60.0
"""Seconds a server keeps the session of a gateway that died; small servers have few."""
CLOSING: Final = 2.0
"""Seconds spent on saying good-bye properly."""

Published = Callable[[ua.PublishResult], None]


@dataclass(frozen=True, slots=True)
class Watch:
    """One variable to subscribe to, sampled each `interval` seconds."""

    address: OpcUaAddress
    interval: float


class Session:
    """Opened once, closed once. `lost` is the reason once the link is gone."""

    def __init__(self, settings: Settings, published: Published, ended: Callable[[], None]) -> None:
        self.lost: str | None = None
        self.heard = real_monotonic()
        self.limit = settings.timeout
        self._settings = settings
        self._published = published
        self._ended = ended
        self._client: Client | None = None
        self._subscription = 0

    async def open(self) -> None:
        """Connect, authenticate and start an empty subscription. Raises DeviceUnreachable."""
        # Its one traceback per failed probe says less than our one line on loss and return.
        logging.getLogger("asyncua").setLevel(logging.CRITICAL + 1)
        settings = self._settings
        password = settings.password()
        try:
            async with asyncio.timeout(settings.timeout):
                client = self._client = _client(settings)
                client.connection_lost_callback = self._transport_lost
                if settings.username is not None:
                    client.set_user(settings.username)
                    client.set_password(password or "")
                if settings.security is not None:
                    await _secure(client, settings.security)
                await client.connect()
                await self._subscribe(client)
        except FOREIGN as exc:
            raise DeviceUnreachable(
                "OPCUA_UNREACHABLE",
                device=settings.bus,
                endpoint=settings.endpoint,
                reason=_reason(exc),
            ) from exc

    async def watch(self, watches: Mapping[int, Watch]) -> dict[int, int]:
        """Add variables to the subscription by the handle their notifications shall carry.

        Returns the StatusCode of each. Raises DeviceUnreachable.
        """
        try:
            async with asyncio.timeout(self._settings.timeout):
                return await self._watch(watches)
        except FOREIGN as exc:
            raise DeviceUnreachable(
                "OPCUA_UNREACHABLE",
                device=self._settings.bus,
                endpoint=self._settings.endpoint,
                reason=_reason(exc),
            ) from exc

    async def close(self) -> None:
        """End the session; returns within CLOSING seconds whatever the server does."""
        client, self._client = self._client, None
        if client is None:
            return
        protocol = client.uaclient.protocol
        transport = protocol.transport if protocol is not None else None
        try:
            async with asyncio.timeout(CLOSING):
                await client.disconnect()
        except FOREIGN:
            pass  # The server will notice by itself; the socket goes below.
        finally:
            if transport is not None:
                transport.abort()
            client.disconnect_socket()
        # The library cancels its tasks without waiting for them.
        await asyncio.sleep(0)

    async def _subscribe(self, client: Client) -> None:
        publish = self._settings.publish
        keep_alive = min(KEEP_ALIVE, self._settings.timeout / 3)
        beats = max(1, round(keep_alive / publish))
        wanted = ua.CreateSubscriptionParameters(
            RequestedPublishingInterval=publish * 1_000,
            RequestedMaxKeepAliveCount=beats,
            RequestedLifetimeCount=max(3 * beats, round(SESSION_KEPT / publish)),
            MaxNotificationsPerPublish=0,
        )
        got = await client.uaclient.session.create_subscription(wanted, self._on_publish)
        self._subscription = got.SubscriptionId
        slowest = got.RevisedPublishingInterval / 1_000 * got.RevisedMaxKeepAliveCount
        # A server may insist on publishing more rarely than we wait for.
        self.limit = max(self._settings.timeout, 2 * slowest)
        self.heard = real_monotonic()

    async def _watch(self, watches: Mapping[int, Watch]) -> dict[int, int]:
        client = self._client
        if client is None:
            raise ConnectionError("closed")
        namespaces = {uri: n for n, uri in enumerate(await client.get_namespace_array())}
        outcome = dict.fromkeys(watches, int(Quality.BAD_NODE_ID_UNKNOWN))
        items: list[ua.MonitoredItemCreateRequest] = []
        for handle, watch in watches.items():
            namespace = namespaces.get(watch.address.namespace)
            if namespace is not None:
                item = _item(watch, namespace, handle)
                if item is None:
                    outcome[handle] = int(Quality.BAD_CONFIGURATION_ERROR)
                else:
                    items.append(item)
        most = await _most_items(client) if len(items) > 1 else 1
        for start in range(0, len(items), most):
            part = items[start : start + most]
            parameters = ua.CreateMonitoredItemsParameters(
                SubscriptionId=self._subscription,
                TimestampsToReturn=ua.TimestampsToReturn.Source,
                ItemsToCreate=part,
            )
            results = await client.uaclient.session.create_monitored_items(parameters)
            for item, result in zip(part, results, strict=False):
                outcome[item.RequestedParameters.ClientHandle] = result.StatusCode.value
        return outcome

    def _on_publish(self, result: ua.PublishResult) -> None:
        self.heard = real_monotonic()
        for note in result.NotificationMessage.NotificationData or ():
            if isinstance(note, ua.StatusChangeNotification):
                self._lose(note.Status.name)
                return
        # Not called from inside the library, which would swallow what goes wrong in there.
        asyncio.get_running_loop().call_soon(self._published, result)

    async def _transport_lost(self, exc: Exception) -> None:
        self._lose(_reason(exc))

    def _lose(self, reason: str) -> None:
        if self.lost is None:
            self.lost = reason
            self._ended()


def _client(settings: Settings) -> Client:
    # Its own probe only finds what our watch over publishes finds too: rarely is enough.
    client = Client(
        settings.endpoint, timeout=settings.timeout, watchdog_intervall=settings.timeout
    )
    client.name = "Fengsui"
    client.description = f"fengsui {settings.bus}"
    client.application_uri = "urn:fengsui:gateway"
    client.session_timeout = round(max(SESSION_KEPT, 2 * settings.timeout) * 1_000)
    return client


async def _secure(client: Client, security: Security) -> None:
    certificate = await uacrypto.load_certificate(security.certificate)
    names = certificate.extensions.get_extension_for_class(SubjectAlternativeName).value
    uris = names.get_values_for_type(UniformResourceIdentifier)
    if uris:
        client.application_uri = uris[0]
    await client.set_security(
        getattr(security_policies, f"SecurityPolicy{security.policy}"),
        certificate=security.certificate,
        private_key=security.private_key,
        server_certificate=str(security.server_certificate),
        mode=ua.MessageSecurityMode[security.mode],
    )


async def _most_items(client: Client) -> int:
    node = ObjectIds.Server_ServerCapabilities_OperationLimits_MaxMonitoredItemsPerCall
    try:
        limit = await client.get_node(ua.NodeId.from_string(f"i={node}")).read_value()
    except UaError:  # optional: a server without limits need not have it
        return ITEMS_PER_CALL
    return min(limit, ITEMS_PER_CALL) if isinstance(limit, int) and limit > 0 else ITEMS_PER_CALL


def _item(watch: Watch, namespace: int, handle: int) -> ua.MonitoredItemCreateRequest | None:
    try:
        node = ua.NodeId.from_string(f"ns={namespace};{watch.address.node}")
    except (ValueError, UaError):
        return None
    return ua.MonitoredItemCreateRequest(
        ItemToMonitor=ua.ReadValueId(NodeId=node, AttributeId=AttributeIds.Value),
        MonitoringMode=ua.MonitoringMode.Reporting,
        RequestedParameters=ua.MonitoringParameters(
            ClientHandle=handle,
            SamplingInterval=watch.interval * 1_000,
            QueueSize=QUEUE,
            DiscardOldest=True,
        ),
    )


def _reason(exc: BaseException) -> str:
    return str(exc) or type(exc).__name__
