"""What the engines that users get do differently."""

from __future__ import annotations

import helios

BEYOND_A_DAY = "toTime64('-100:00:00.5', 3)"


def is_refused(client: helios.Helios, expression: str) -> bool:
    """Whether the engine cannot put this into Arrow: since 26.9 no time before 0 h or from 24 h on."""
    version = tuple(map(int, client.engine_info().version.split(".")[:2]))
    return expression == BEYOND_A_DAY and version >= (26, 9)
