"""Keep the list of sizes for an hour: it is long, and changes seldom."""

from collections.abc import Generator, Iterable
from time import monotonic
from weakref import WeakKeyDictionary

from slipstream import Answered, Session, hookimpl
from slipstream.values import ServiceOffer

HOUR = 3600
Offers = Iterable[ServiceOffer]
Lists = dict[tuple[str | None, bool], tuple[float, Offers]]
cache: WeakKeyDictionary[Session, Lists] = WeakKeyDictionary()


@hookimpl(wrapper=True)
def slipstream_list_service_offers(
    session: Session, connector: str | None, usable_only: bool
) -> Generator[None, Offers, Offers]:
    lists = cache.setdefault(session, {})
    key = (connector, usable_only)
    read, offers = lists.get(key, (0.0, ()))
    if key in lists and monotonic() < read + HOUR:
        raise Answered(offers)
    offers = tuple((yield))
    lists[key] = (monotonic(), offers)
    return offers
