"""Keep the list of sizes for an hour: it is long, and changes seldom."""

from collections.abc import Generator, Iterable
from time import monotonic
from weakref import WeakKeyDictionary

from slipstream import Answered, Session, hookimpl
from slipstream.values import ServiceOffer

HOUR = 3600
Offers = Iterable[ServiceOffer]
cache: WeakKeyDictionary[Session, dict[str | None, tuple[float, Offers]]] = WeakKeyDictionary()


@hookimpl(wrapper=True)
def slipstream_list_service_offers(
    session: Session, connector: str | None
) -> Generator[None, Offers, Offers]:
    lists = cache.setdefault(session, {})
    read, offers = lists.get(connector, (0.0, ()))
    if connector in lists and monotonic() < read + HOUR:
        raise Answered(offers)
    offers = tuple((yield))
    lists[connector] = (monotonic(), offers)
    return offers
