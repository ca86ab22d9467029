"""The families of servers whose recordings are put to the sandbox."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

import attrs

from fidelity import nuvla, slipstream
from fidelity.results import Result


@attrs.frozen
class Recording:
    """
    A recording of a real server.

    :param server: The server, its release, and how it was run.
    :param date: When it was recorded.
    :param results: Puts it to the sandbox.
    """

    server: str
    date: str
    results: Callable[[], list[Result]]


RECORDINGS: Mapping[str, Recording] = {
    "slipstream": Recording(
        "SlipStream 3.71, both halves run from unmodified source on loopback, with machines of "
        "its own Dummy connector and deployments driven through the API",
        "2026-11-25",
        functools.cache(slipstream.results),
    ),
    "nuvla": Recording(
        "Nuvla's API server 6.19.0 and job engine 5.1.4, run from unmodified source on loopback "
        "with OpenSearch 2.19.1 in place of Elasticsearch and stub container tools",
        "2026-11-25",
        functools.cache(nuvla.results),
    ),
}
