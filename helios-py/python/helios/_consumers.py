"""The consumers of a client, found by their streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from .exceptions import ConflictError

if TYPE_CHECKING:
    from .consumer import AsyncConsumer, Consumer

_Consumer = TypeVar("_Consumer", bound="Consumer | AsyncConsumer")


class Consumers(Generic[_Consumer]):
    """Those that run."""

    def __init__(self) -> None:
        self._of: dict[str, tuple[_Consumer, str]] = {}

    def add(self, consumer: _Consumer, options: str) -> _Consumer:
        """Remember a consumer with its options."""
        self._of[consumer.stream] = (consumer, options)
        return consumer

    def all(self) -> list[_Consumer]:
        """Those that still run."""
        return [consumer for consumer, _ in self._of.values() if consumer.running]

    def running(self, stream: str, options: str) -> _Consumer | None:
        """The one of this stream, if it runs, with the same options."""
        consumer, options_then = self._of.get(stream, (None, None))
        if consumer is None or consumer.stopped or not consumer.running:
            return None
        if options_then != options:
            raise ConflictError(
                "a consumer of this stream runs in this client, with other options; stop it first: "
                f"`client.consumers()` finds it {{stream: {stream}}}",
                operation="consume",
                context={"stream": stream},
            )
        return consumer
