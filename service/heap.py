"""How a worker's memory is kept: by Python's collector, and by the C library, which gives back too eagerly and too little."""

from __future__ import annotations

import asyncio
import ctypes
import gc

from service.clock import Clock
from service.telemetry.memory import resident_bytes

LARGE_BLOCK = 1024 * 1024
"""Bytes from which on a block has pages of its own: bulk bodies, answers of Kafka."""
KEPT = 16 * 1024 * 1024
"""Bytes at the end of the heap that are not given back at once."""
LOOK_SECONDS = 1.0
"""How often it is looked whether memory can be given back."""
GROWTH = 24 * 1024 * 1024
"""Bytes by which resident memory must have grown since the last time: giving back takes 2 to 50 ms, of another thread."""
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""Names of malloc.h."""


def calm_the_collector() -> None:
    """Keep Python's cycle collector from ever walking what is there by now and stays (it doubled the cost)."""
    gc.collect()
    gc.freeze()


def keep_large_blocks_apart() -> None:
    """Have the C library keep bulk bodies away from documents, instead of raising its threshold to 32 MB by itself.

    A body that is freed among documents leaves a hole; documents settle there, and the next body needs new memory: while
    a worker caught up after ten minutes without OpenSearch, such holes were 130 MB. Pages of their own cost 1.8 µs an
    event where page faults are dear (bodies of 5 MB). Other C libraries know no such call and stay as they are.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    mallopt(_M_MMAP_THRESHOLD, LARGE_BLOCK)
    mallopt(_M_TRIM_THRESHOLD, KEPT)


async def give_back_holes(clock: Clock) -> None:
    """Give back the pages between blocks in use, whenever memory has grown; runs until cancelled.

    Documents of all sizes that are freed in another order than they came leave holes, which the C library keeps. Does
    nothing where the C library knows no ``malloc_trim`` or the system does not say how much is resident.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return
    least = resident_bytes()
    while True:
        await clock.sleep(LOOK_SECONDS)
        now = resident_bytes()
        if now > least + GROWTH:
            await asyncio.to_thread(trim, 0)  # without the GIL: others wait only where they want memory meanwhile
            least = resident_bytes()
        else:
            least = min(least, now)
