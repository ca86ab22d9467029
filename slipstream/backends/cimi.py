"""
What the backends of SlipStream 3 and of Nuvla have in common, and reading ahead.

The JSON resources of both descend from CIMI: session templates to log in with, messages in
errors, and searches in collections, page after page. A family gives the names and the order.
Sources: SlipStreamServer, resources/session.clj, middleware/cimi_params, db/es/pagination.clj;
nuvla api-server, the same.
"""

from __future__ import annotations

import json
import re
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from contextvars import copy_context
from datetime import timedelta
from http.cookiejar import CookieJar
from itertools import chain, islice, repeat
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar, cast
from urllib.parse import urlencode

import attrs

from slipstream.backends import documents
from slipstream.errors import (
    AnswerLost,
    BadInput,
    DriverError,
    InvalidCredentials,
    KeyPairConflict,
    KeyPairMissing,
    MalformedAnswer,
    RedirectRefused,
    shorten,
)
from slipstream.filters import Filter, Or, UnwritableValue, attr
from slipstream.hookspecs import Backend
from slipstream.session import Session
from slipstream.session.login import Client, Login, LoginAttempt
from slipstream.transport import calls
from slipstream.transport.calls import PerProcess, get_logger
from slipstream.transport.messages import Request, Response
from slipstream.values import Module
from slipstream.values.ssh_key import SSHKey

MAX_ENTRIES = 1_000_000  # entries that a list may count; no account has as many
MAX_PAGES = 2_000  # pages of a list whose entries the server does not count
IDLE_PAGES = 20  # pages more than it needs after which a list that changes is given up
MOST_DELETED = 10  # entries that others may delete while a page is read; else it is not whole
PAGES_AHEAD = 2  # pages that are held beside the one that is used
MAX_LEVELS = 50  # how deep projects may nest, and components may be built one on the other

JSON = {"Accept": "application/json"}
SEND_JSON = {**JSON, "Content-Type": "application/json"}
_LIST = "resources"
_OURS = "com.sixsq."
_ANOTHER = "The response may not be the server's: check the address, and proxies."
_SESSION = Request(method="GET", path="/api/session", headers=JSON, repeatable=True)
_TEMPLATES = Request(method="GET", path="/api/session-template", headers=JSON, repeatable=True)
_ID = re.compile(r"([a-z]+(?:-[a-z]+)*)/(\w[\w.:-]*)", re.ASCII)
UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

log = get_logger(__name__)

_KEY_LOCKS: dict[str, PerProcess[threading.Lock]] = {}

Entry = dict[str, Any]
T = TypeVar("T")
R = TypeVar("R")


class CimiBackend(Backend):
    """A backend of a server with CIMI resources below ``/api``."""

    search_prefix: ClassVar[str] = ""  # what the names of the parameters of a search begin with
    search_order: ClassVar[str] = "id"  # how the entries of a search are sorted
    page_size: ClassVar[int]  # entries of a page; the servers give 10,000 at most
    most_counted: ClassVar[int]  # the number of hits up to which the server counts them
    template_key: ClassVar[str]  # names the template in the document that creates a session
    user_key: ClassVar[str] = "username"  # names the user in the document of a session
    template_aliases: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """What the other family calls a session template, and what it is called here."""
    list_keys: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """The names of the lists in responses to searches, by collection; usually "resources"."""
    with_uuids: ClassVar[frozenset[str]] = frozenset()
    """The collections whose entries users name by their ids, which are UUIDs."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.locations: set[str] = set()  # ids and names of those that the server has
        self.components: dict[str, Module] = {}  # read last, so that deploying reads none again

    @property
    def key_lock(self) -> threading.Lock:
        """The lock for changes of SSH keys on the endpoint, one for all drivers."""
        return _KEY_LOCKS.setdefault(self.session.endpoint.url, PerProcess(threading.Lock)).get()

    @staticmethod
    def behind(entry: Entry) -> Filter:
        """A filter for the entries after one, in the order of a search."""
        return attr("id").gt(entry["id"])

    @staticmethod
    def is_ordered(last: Entry | None, entries: list[Entry]) -> bool:
        """Whether a page is in order, after the last entry of the page before."""
        ids = [entry["id"] for entry in ([last] if last else []) + entries]
        return ids == sorted(ids)

    def log_in(self, attempt: LoginAttempt, template: str, fields: Mapping[str, object]) -> Login:
        """Create a session; success is a 201 that sets a cookie, nothing less."""
        template = self.template_aliases.get(template, template)
        try:
            response = self.create_session(attempt, template, fields)
        except RedirectRefused as error:
            if error.hint:  # the address is wrong
                raise
            raise InvalidCredentials(
                f"Cannot log in by {template!r}: it needs a browser. {error.summary}",
                endpoint=attempt.endpoint.url,
                hint="Create an API key on the server's web page and log in with that.",
            ) from error
        names_session = documents.text(json_object(response), "resource-id")
        has_cookie = any(cookie.value for cookie in attempt.cookies)
        if not (response.status == 201 and names_session and has_cookie):
            raise self._login_refused(attempt, template, response)
        return attempt.finish(expires=lifetime(attempt.cookies))

    def create_session(
        self, attempt: LoginAttempt, template: str, fields: Mapping[str, object]
    ) -> Response:
        """Send the fields of a session template."""
        document = {self.template_key: {**fields, "href": f"session-template/{template}"}}
        try:
            body = json.dumps(document, allow_nan=False).encode()
        except (TypeError, ValueError, RecursionError):
            raise BadInput("ex_login_parameters holds what JSON cannot hold.") from None
        return attempt.exchange(
            attrs.evolve(_SESSION, method="POST", headers=SEND_JSON, body=body)
        )

    def accepts_session(self, client: Client) -> bool:
        """Whether the server's list of one's own sessions has one."""
        return self.session_document(client) is not None

    def read_user_name(self, client: Client) -> str | None:
        """Read it in the session's document."""
        return documents.text(self.session_document(client) or {}, self.user_key)

    def session_document(self, client: Client) -> dict[str, Any] | None:
        """Read the session of the cookies, ``None`` if the server has none."""
        response = client.exchange(_SESSION)
        document = response.json() if response.status == 200 else None
        if not isinstance(document, dict):
            return None
        return next(iter(documents.mappings(document, self.list_keys.get("session", _LIST))), None)

    def error_detail(self, response: Response) -> str | None:
        """Read the message of an error; the pages of a proxy have none."""
        if response.kind == "text/plain":
            return response.text.strip() or None
        return documents.text(json_object(response), "message")

    def _login_refused(
        self, attempt: LoginAttempt, template: str, response: Response
    ) -> DriverError:
        doing, status = f"log in by {attempt.method or template!r}", response.status
        if status < 400:
            return MalformedAnswer(
                f"Cannot {doing}: the response has no session (HTTP {status}, {response.kind}).",
                endpoint=attempt.endpoint.url,
                hint=_ANOTHER,
            )
        hint: str | None = None
        error: type[InvalidCredentials] | None = None
        if "html" in response.kind and status < 500:
            hint = _ANOTHER
        elif status in {401, 403}:
            hint, error = "Check the user name or key and the secret.", InvalidCredentials
        elif status in {400, 404}:
            error = InvalidCredentials
            hint = (
                f"The server's session templates: {self._template_names(attempt)}. Pass one as"
                " ex_login_method and its fields as ex_login_parameters."
            )
        return attempt.refusal(response, doing=doing, hint=hint, error=error)

    def _template_names(self, attempt: LoginAttempt) -> str:
        try:
            templates = json_object(attempt.exchange(_TEMPLATES))
        except DriverError:
            return "unknown"
        key = self.list_keys.get("session-template", _LIST)
        ids = [documents.text(entry, "id") for entry in documents.mappings(templates, key)]
        names = sorted(name.removeprefix("session-template/") for name in ids if name)
        return ", ".join(names) or ("none" if key in templates else "unknown")


def json_object(response: Response) -> dict[str, Any]:
    """The JSON object of a response, empty if it holds none."""
    try:
        document = response.json()
    except MalformedAnswer:
        return {}
    return document if isinstance(document, dict) else {}


def lifetime(cookies: CookieJar) -> timedelta | None:
    """
    The lifetime of the cookies of a login; ``None`` if they have none.

    Load balancers set cookies of their own, which may be shorter-lived.
    """
    ours = [cookie for cookie in cookies if _OURS in cookie.name] or list(cookies)
    expiries = [cookie.expires for cookie in ours]
    latest = max((expires or 0 for expires in expiries), default=0)
    # The jar has moved these times to the local clock.
    left = latest - calls.now()
    return timedelta(seconds=left) if left > 0 and all(expiries) else None


def either(path: str, *values: str) -> Filter:
    """Filter for one of some values; BadInput for a value that cannot be written in a filter."""
    attribute = attr(path)
    try:
        comparisons = [attribute.eq(value) for value in values]
    except UnwritableValue:
        raise BadInput(f"{shorten(values[0])!r} cannot be the value of {path}.") from None
    return comparisons[0] if len(comparisons) == 1 else Or(tuple(comparisons))


def unconfirmed(response: Response, *, doing: str, hint: str) -> AnswerLost:
    """Make the exception for a response that leaves open whether a change was made."""
    error = AnswerLost(
        f"Cannot {doing}: HTTP {response.status} with {len(response.body)} bytes"
        f" ({response.kind}) does not say whether it was done.",
        hint=hint,
    )
    error.code = response.status
    return error


@contextmanager
def of_server(doing: str) -> Iterator[None]:
    """Report an unusable value of a server as a malformed response, not as bad input."""
    try:
        yield
    except BadInput as error:
        what = f"the response has an unusable value: {error.summary.rstrip('.')}"
        raise malformed(doing, what) from None


def refusals(check: Callable[[T], object], subjects: Iterable[T]) -> Iterator[BadInput]:
    """Collect the refusals of a check, called with each of some subjects."""
    for subject in subjects:
        try:
            check(subject)
        except BadInput as error:
            yield error


def existing_key(keys: Iterable[SSHKey], key: SSHKey) -> SSHKey | None:
    """Find a key under its name, which no other key may have."""
    namesakes = [other for other in keys if other.name == key.name]
    existing = next((other for other in namesakes if other.blob == key.blob), None)
    if namesakes and existing is None:
        raise KeyPairConflict(
            f"There is another SSH key named {key.name!r}.",
            name=key.name,
            hint="Delete it first, or choose another name.",
        )
    return existing


def read_key(text: str, where: str) -> SSHKey | None:
    """Read an SSH key of the server, ``None`` if the text is no key."""
    try:
        return SSHKey.parse(text)
    except BadInput:
        log.warning("%s is called an SSH key and is none; it is left alone", where)
        return None


def key_missing(key: SSHKey) -> KeyPairMissing:
    """Make the exception for a key that the user does not have."""
    return KeyPairMissing(
        f"There is no SSH key {key.name!r} ({key.fingerprint_sha256}).", name=key.name
    )


def is_id(value: Any, collection: str | None = None, name: str = "") -> bool:
    """
    Whether a value of a server is an id that is safe in the path of a URL.

    :param name: A pattern for what follows the collection in the id.
    """
    match = _ID.fullmatch(value) if isinstance(value, str) else None
    if match is None or collection not in {None, match[1]}:
        return False
    return not name or re.fullmatch(name, match[2]) is not None


def search(session: Session, collection: str, **options: Any) -> Iterator[Entry]:
    """Every entry of a collection that matches a filter; see :func:`search_pages`."""
    return chain.from_iterable(search_pages(session, collection, **options))


def search_pages(
    session: Session,
    collection: str,
    *,
    doing: str,
    select: str | None = None,
    where: Filter | None = None,
    page: int | None = None,
) -> Iterator[list[Entry]]:
    """
    The pages of a collection, filtered, in the order of the family.

    Each page starts behind the last entry of the one before, not at a number: entries that come
    or go meanwhile move nothing, and there is no limit of 10,000.

    :param select: The top-level attributes to read, with those that the order is by.
    :param page: Entries of a page, where not as many as usual.
    """
    backend = cast(CimiBackend, session.backend)
    size = page or backend.page_size
    here, last = where, None
    ids: set[str] = set()
    pages = most = rest = lost = 0
    while True:
        entries, counted = _read_page(session, collection, doing, select, here, size)
        count = counted if counted < backend.most_counted else None
        previous, ids, pages = ids, {entry["id"] for entry in entries}, pages + 1
        most = most or (MAX_PAGES if count is None else most_pages(count, size))
        lost += max(0, rest - counted)
        if lost > MOST_DELETED * (pages - 1) or (rest and not entries):
            what = f"{rest} entries of {collection} were to come, and then {counted}"
            raise malformed(doing, what)
        is_whole = pages == 1 and count == len(entries)
        if len(ids) < len(entries) or ids & previous:
            raise malformed(doing, f"the server returned entries of {collection} twice")
        if not (is_whole or backend.is_ordered(last, entries)):
            # Behind such a page entries would be repeated, or missed.
            raise malformed(doing, f"the server did not order {collection}")
        if pages > most:
            raise malformed(doing, f"the list of {collection} has no end")
        yield entries
        if len(entries) < size or count == len(entries):
            return
        last, rest = entries[-1], 0 if count is None else count - len(entries)
        try:
            behind = backend.behind(last)
        except UnwritableValue:
            what = f"{shorten(last['id'])!r} is no id, or has no time of creation"
            raise malformed(doing, what) from None
        here = behind if where is None else where & behind


def first(session: Session, collection: str, **options: Any) -> Entry | None:
    """The first entry that matches a filter; the options are those of a search."""
    return next(search(session, collection, page=1, **options), None)


def _read_page(
    session: Session,
    collection: str,
    doing: str,
    select: str | None,
    where: Filter | None,
    size: int,
) -> tuple[list[Entry], int]:
    """The first page of the matches of a filter, and how many entries the server counts."""
    backend = cast(CimiBackend, session.backend)
    form = {"orderby": backend.search_order, "first": "1", "last": str(size), "select": select}
    # An empty filter is an error on the server.
    form["filter"] = None if where is None else str(where)
    fields = {backend.search_prefix + name: value for name, value in form.items() if value}
    request = Request(
        method="PUT",
        path=f"/api/{collection}",
        headers={**JSON, "Content-Type": "application/x-www-form-urlencoded"},
        body=urlencode(fields).encode(),
        repeatable=True,
        reads=True,
    )
    document = session.send(request, doing=doing).json()
    key = backend.list_keys.get(collection, _LIST)
    name = UUID if collection in backend.with_uuids else ""
    entries = document.get(key) if isinstance(document, dict) else None
    if not isinstance(entries, list) or not all(
        isinstance(entry, dict) and is_id(entry.get("id"), collection, name) for entry in entries
    ):
        raise malformed(doing, f"the response holds no list of {collection} with ids")
    count = document.get("count")
    if not isinstance(count, int) or isinstance(count, bool):
        # The response to a search that fails inside is 200 with a count of null.
        raise malformed(doing, f"the server does not count the entries of {collection}")
    if count > MAX_ENTRIES or len(entries) != min(count, size):
        what = f"the server counts {count} entries of {collection} and returned {len(entries)}"
        raise malformed(doing, what)
    return entries, count


def most_pages(count: int, size: int) -> int:
    """The number of pages of a size after which a list of some entries is given up."""
    return IDLE_PAGES + 2 * (count // size)


def malformed(doing: str, what: str) -> MalformedAnswer:
    """Make the exception for a list, or a part of one, that cannot be used."""
    return MalformedAnswer(f"Cannot {doing}: {what}.", hint="Try again; it may be changing.")


def read_ahead(
    read: Callable[[T], R], things: Iterable[T], *, at_once: int, threads: int | None = None
) -> Generator[R]:
    """
    Read things by several threads, and yield the results in the order of the things.

    Each thread works in a copy of the caller's context. When the caller wants no more, nothing
    more is begun, and what is under way is not waited for.

    :param at_once: How many are read, or wait to be returned, at a time.
    :param threads: By how many threads, if not by as many.
    """
    pool = ThreadPoolExecutor(threads or at_once, thread_name_prefix="slipstream-ahead")
    try:
        begun = (pool.submit(copy_context().run, read, thing) for thing in things)
        under_way = deque(islice(begun, at_once))
        while under_way:
            result = under_way.popleft().result()
            under_way.extend(islice(begun, 1))
            yield result
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def convert_pages(
    convert: Callable[[Sequence[T]], R],
    pages: Iterator[Sequence[T]],
    *,
    size: int | None = None,
    at_once: int = 8,
) -> Generator[R]:
    """
    Convert the pages of a list, side by side with reading the next ones.

    :param size: How many entries a conversion is for, where it sends requests of its own; those
        of a page, if left out.
    :param at_once: How many conversions run at a time.
    :returns: The results, in the order of the entries.
    """
    pool = ThreadPoolExecutor(at_once, thread_name_prefix="slipstream-beside")

    def begin(_: None) -> list[Future[R]] | None:
        if (page := next(pages, None)) is None:
            return None
        step = size or len(page) or 1
        parts = [page[start : start + step] for start in range(0, len(page), step)]
        return [pool.submit(copy_context().run, convert, part) for part in parts]

    # One thread reads the pages; with one in hand it goes on, and sends before that is used.
    begun = read_ahead(begin, repeat(None), at_once=PAGES_AHEAD, threads=1)
    try:
        with closing(begun):
            while (futures := next(begun)) is not None:
                for future in futures:
                    yield future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
