"""The only file with paho and its network thread: a broker's messages, handed over to asyncio.

  network thread                 |  event loop
  on_message -> Inbox (bounded) -|-> take()
  (blocks while it is full)      |   acknowledge() -> PUBACK

Back-pressure: what has not been acknowledged counts against the broker's window, so a broker
stops sending by itself; where it does not (QoS 0), a full inbox stops the reading of the socket.
"""

import asyncio
import contextlib
import ssl
import sys
from collections.abc import Sequence
from typing import Any, Final

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from protocols.clock import Clock
from protocols.mqtt.inbox import Inbox, Message
from protocols.mqtt.payload import LARGEST
from protocols.mqtt.settings import Settings

TOPICS_PER_SUBSCRIBE: Final = 50
NOWHERE: Final = "fengsui/nowhere"
"""A topic nobody subscribes to: leaving it is a question that any broker answers."""
HEARD_OUT: Final = 1.0
"""Seconds a broker may take to answer when we leave."""
QUEUED: Final = 1_000
"""Messages a publisher keeps while its broker is away; then publishing says no."""


class Link:
    """One connection to a broker, opened once and closed once; `lost` says why it is gone."""

    def __init__(self, settings: Settings, topics: Sequence[str], clock: Clock) -> None:
        self.inbox = Inbox()
        self.lost: str | None = None
        self._settings = settings
        self._topics = list(topics)
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._ready: asyncio.Future[dict[str, int]] = self._loop.create_future()
        self._asked: dict[int, list[str]] = {}
        self._refused: dict[str, int] = {}
        self._ending = False
        self._told = False
        self._heard = asyncio.Event()
        self._client = _client(settings, settings.tls_context(), persistent=True)
        self._client.on_connect = self._on_connect
        self._client.on_connect_fail = self._on_connect_fail
        self._client.on_disconnect = self._on_disconnect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_unsubscribe = self._on_unsubscribe
        self._client.on_message = self._on_message

    async def open(self, seconds: float) -> dict[str, int]:
        """Connect and subscribe; returns the topics the broker refused, with its reason.

        Raises ConnectionError or TimeoutError; close afterwards in any case.
        """
        _start(self._client, self._settings)
        async with asyncio.timeout(seconds):
            return await self._ready

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """Tell the broker to forget `messages`; no effect once the link they came by is gone."""
        if self.lost is not None or self._ending:
            return
        for message in messages:
            if message.qos:
                self._client.ack(message.mid, message.qos)
                self._told = True

    def forget(self, topic: str) -> None:
        """Drop a subscription that an earlier configuration left in the session."""
        self._client.unsubscribe(topic)

    async def close(self) -> None:
        """Disconnect and wait for the network thread to end."""
        self._ending = True
        self.inbox.close()
        try:
            if self._told and self.lost is None:
                await self._heard_out()
        finally:
            await asyncio.to_thread(_stop, self._client)
        if self._ready.done() and not self._ready.cancelled():
            self._ready.exception()

    async def _heard_out(self) -> None:
        """Wait until the broker has read every PUBACK: it answers in order.

        Otherwise our next connection may overtake them, and it would deliver again.
        """
        self._heard.clear()
        self._client.unsubscribe(NOWHERE)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HEARD_OUT):
                await self._heard.wait()

    # --- called in the network thread -----------------------------------------------------------

    def _on_connect(
        self,
        client: Client,
        _data: Any,
        _flags: ConnectFlags,
        code: ReasonCode,
        _p: Properties | None,
    ) -> None:
        if code.is_failure or self._ending:
            self._end(str(code))
            client.disconnect()
            return
        for start in range(0, len(self._topics), TOPICS_PER_SUBSCRIBE):
            part = self._topics[start : start + TOPICS_PER_SUBSCRIBE]
            _, mid = client.subscribe([(topic, 1) for topic in part])
            if mid is not None:
                self._asked[mid] = part

    def _on_subscribe(
        self, _client: Client, _data: Any, mid: int, codes: list[ReasonCode], _p: Properties | None
    ) -> None:
        for topic, code in zip(self._asked.pop(mid, ()), codes, strict=False):
            if code.is_failure:
                self._refused[topic] = code.value
        if not self._asked:
            self._loop.call_soon_threadsafe(self._subscribed)

    def _on_unsubscribe(
        self, _client: Client, _data: Any, _mid: int, _codes: Any, _p: Properties | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._heard.set)

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""
        self.inbox.put(
            Message(
                topic,
                bytes(message.payload) if len(message.payload) <= LARGEST else None,
                message.mid,
                message.qos,
                bool(message.retain),
                bool(message.dup),
                self._clock.mono(),
            )
        )

    def _on_connect_fail(self, _client: Client, _data: Any) -> None:
        # Called while the library handles the error.
        self._end(str(sys.exception() or "connection refused"))

    def _on_disconnect(
        self,
        _client: Client,
        _data: Any,
        _f: DisconnectFlags,
        code: ReasonCode,
        _p: Properties | None,
    ) -> None:
        self._end(str(code))

    def _end(self, reason: str) -> None:
        if self.lost is None:
            self.lost = reason
        if not self._ending:
            self._loop.call_soon_threadsafe(self._failed)
            self.inbox.wake()

    # --- called in the event loop ---------------------------------------------------------------

    def _subscribed(self) -> None:
        if not self._ready.done():
            self._ready.set_result(dict(self._refused))

    def _failed(self) -> None:
        if not self._ready.done():
            self._ready.set_exception(ConnectionError(self.lost))


class Publisher:
    """Sends messages; comes back by itself when its broker does (simulators and tests)."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client = _client(settings, settings.tls_context(), persistent=False)
        self._sent = self._confirmed = 0
        self._client.on_publish = self._on_publish
        self._client.max_queued_messages_set(QUEUED)
        self._client.max_inflight_messages_set(QUEUED)
        self._client.reconnect_delay_set(1, 2)
        self._connected = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._client.on_connect = self._on_connect

    async def open(self, seconds: float) -> None:
        """Connect. Raises TimeoutError; close afterwards in any case."""
        _start(self._client, self._settings)
        async with asyncio.timeout(seconds):
            await self._connected.wait()

    def send(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> bool:
        """Queue a message; False when too many wait already (QoS 0: without a connection)."""
        outcome = self._client.publish(topic, payload, qos=qos, retain=retain).rc
        taken = outcome is MQTTErrorCode.MQTT_ERR_SUCCESS or (
            qos > 0 and outcome is MQTTErrorCode.MQTT_ERR_NO_CONN
        )
        self._sent += taken
        return taken

    @property
    def waiting(self) -> int:
        """Messages that the broker has not confirmed yet."""
        return self._sent - self._confirmed

    async def close(self) -> None:
        """Send what is queued if the broker is there, then disconnect."""
        await asyncio.to_thread(_stop, self._client)

    def _on_connect(
        self,
        _client: Client,
        _data: Any,
        _flags: ConnectFlags,
        code: ReasonCode,
        _p: Properties | None,
    ) -> None:
        if not code.is_failure:
            self._loop.call_soon_threadsafe(self._connected.set)

    def _on_publish(
        self, _client: Client, _data: Any, _mid: int, _code: ReasonCode, _p: Properties | None
    ) -> None:
        self._confirmed += 1


def _client(settings: Settings, tls: ssl.SSLContext | None, *, persistent: bool) -> Client:
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=settings.client_id,
        clean_session=not persistent,
        manual_ack=persistent,
        reconnect_on_failure=not persistent,
    )
    client.connect_timeout = settings.timeout
    if persistent:
        # A failed first connection would otherwise sleep a second before its thread ends.
        client.reconnect_delay_set(0, 0)
    if settings.username is not None:
        client.username_pw_set(settings.username, settings.password())
    if tls is not None:
        client.tls_set_context(tls)
    return client


def _start(client: Client, settings: Settings) -> None:
    # The thread connects, so that no name server and no firewall can hold the event loop.
    client.connect_async(settings.host, settings.port, settings.keep_alive)
    client.loop_start()


def _stop(client: Client) -> None:
    client.disconnect()
    client.loop_stop()
    left = client.socket()
    if left is not None:
        # Told to end while it was connecting, the thread leaves its socket open.
        left.close()
    # The library closes the pipe to its thread when nothing refers to it any more.
    client.on_connect = client.on_connect_fail = client.on_disconnect = None
    client.on_subscribe = client.on_unsubscribe = client.on_message = client.on_publish = None
