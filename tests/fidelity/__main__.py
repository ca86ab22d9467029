"""Compare the sandbox with the recordings, print tables, and write the page of the manual."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from fidelity import nuvla, slipstream
from fidelity.results import Result, reasons, share, table, unplayed

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "fidelity.md"
_INTRODUCTION = """\
# How well the sandbox agrees with real servers

Each request of a recording of a real server is sent to the sandbox, with the sandbox's own users
and ids. The two responses are compared: status, content type, the headers that clients read
(`Location`, `Set-Cookie`), the keys of the JSON or the elements and attributes of the XML with
their types, the offered operations, states, and the form of messages. Data (ids, timestamps,
numbers of documents) are not compared. If the recorder waited for a job, the clock of the sandbox
is moved forward.

An exchange *agrees*, *differs*, or is *not played*: the sandbox then responds with 501. The core
consists of the requests of the driver, and of those of Nuvla's and SlipStream's own clients that
read, deploy, wait and terminate. It does not include searches by place, aggregations, requests
with odd headers or bodies, and pages of a search without an order.

`make fidelity` makes this page. A test checks that no exchange differs, and that each one that is
not played has a reason below. If later requests need the resource of a request that is not played,
the sandbox gets that resource without a request.

One difference is intended and not compared: Nuvla's cookie is always `Secure`, the sandbox's only
with https, because most clients would not send it back over http.
"""


DATE = "2026-11-25"
"""When both servers were recorded."""
SERVERS = {
    "slipstream": "SlipStream 3.71, both halves run from unmodified source on loopback, with "
    "machines of its own Dummy connector and deployments driven through the API",
    "nuvla": "Nuvla's API server 6.19.0 and job engine 5.1.4, run from unmodified source on "
    "loopback with OpenSearch 2.19.1 in place of Elasticsearch and stub container tools",
}
"""How each of them was run."""
RESULTS: Mapping[str, Callable[[], list[Result]]] = {
    "slipstream": functools.cache(slipstream.results),
    "nuvla": functools.cache(nuvla.results),
}
"""What puts each recording to the sandbox."""


def _section(family: str, results: list[Result]) -> Iterator[str]:
    server, left_out = SERVERS[family], reasons(family)["left out"]
    number = len(results) + len(left_out)
    yield f"## {server.partition(',')[0]}"
    yield f"{server}. Recorded on {DATE}; {number} exchanges."
    yield (
        f"Of what is played, {share(results):.1f} % agree; "
        f"of the core, {share(results, core=True):.1f} %."
    )
    yield table(results)
    yield "What is not played, and why:"
    groups = unplayed(family, results)
    yield "\n".join(f"- {reason} ({len(group)} exchanges)" for reason, group in groups.items())
    if left_out:
        yield "What cannot be compared, and is left out:"
        yield "\n".join(f"- `{name}`: {reason.strip()}" for name, reason in left_out.items())


def main() -> None:
    """Compare, print and write."""
    sections = [_INTRODUCTION]
    for family, server in SERVERS.items():
        results = RESULTS[family]()
        sections += _section(family, results)
        print(f"\n{server.partition(',')[0]}\n\n{table(results)}\n")
        print(f"agree: {share(results):.2f} % of what is played", end=", ")
        print(f"{share(results, core=True):.2f} % of the core")
        for result in results:
            if result.differences:
                print(f"differs: {result.exchange.name}: {'; '.join(result.differences[:4])}")
    PAGE.write_text("\n\n".join(section.strip() for section in sections) + "\n", "utf-8")


if __name__ == "__main__":
    main()
