"""Cut a failing network down to the records and the question that it needs.

Hypothesis shrinks choices; this drops whole records, which is faster and also works
for a network that came from a plain seed.
"""

from collections.abc import Callable
from dataclasses import replace

from tests.reference.networks import Batch, Network
from tests.reference.records import Record


def smallest(network: Network, fails: Callable[[Network], bool]) -> Network:
    """Return a network that still fails, and from which no single record can go."""
    if not fails(network):
        message = "this network does not fail: nothing to cut down"
        raise ValueError(message)
    for question in network.questions:
        alone = replace(network, questions=[question])
        if fails(alone):
            network = alone
            break
    chunk = max(1, _size(network) // 2)
    while True:
        before = _size(network)
        start = 0
        while start < _size(network):
            without = _without(network, range(start, start + chunk))
            if fails(without):
                network = without
            else:
                start += chunk
        if chunk == 1 and _size(network) == before:
            return network
        chunk = max(1, chunk // 2)


def _size(network: Network) -> int:
    return len(network.arrivals())


def _without(network: Network, dropped: range) -> Network:
    """Leave out the arrivals of these numbers; batches stay, even empty ones."""
    number = 0
    batches: list[Batch] = []
    for batch in network.batches:
        streams: dict[str, list[Record]] = {}
        for stream, records in batch.streams.items():
            kept = [record for place, record in enumerate(records, start=number) if place not in dropped]
            number += len(records)
            if kept:
                streams[stream] = kept
        batches.append(replace(batch, streams=streams))
    return replace(network, batches=batches)
