"""
Test plugins: load one without installing it, and test a backend by a suite.

Load the fixture in ``conftest.py``::

    pytest_plugins = ["slipstream.testing.plugins"]

and subclass the suite in a module of tests::

    from slipstream.testing.plugins import BackendSuite, Subject


    class TestMyBackend(BackendSuite):
        @pytest.fixture
        def subject(self):
            with running_service() as service:
                yield Subject(connect=..., image="wordpress", expire=service.expire_tickets)
"""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import attrs
import pytest

from slipstream import conformance
from slipstream.errors import DriverError, PluginFailed
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.plugins import default_plugins
from slipstream.plugins.loading import NOT_INSTALLED, PluginWarning
from slipstream.session.session import PLACEHOLDER
from slipstream.testing.backend_checks import BACKEND_CHECKS

WRONG_SECRET = "a-wrong-secret-of-the-suite"  # noqa: S105 - that is what it is
"""What the suite logs in with to see that it is refused and not quoted."""

Driver = SlipStreamNodeDriver


@contextmanager
def using_plugin(plugin: object, name: str = "under-test") -> Iterator[object]:
    """
    Load a plugin object, or a module, that is not installed; every driver made within has it.

    :param plugin: The module or object with the hooks.
    :param name: What the plugin is called.
    :raises PluginFailed: If it cannot be loaded.
    """
    NOT_INSTALLED.append((name, plugin))
    default_plugins.cache_clear()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PluginWarning)  # a broken one is an error here
            plugins = default_plugins()
        for info in plugins.list_plugins():
            if info.name == name and info.status == "broken":
                raise PluginFailed(f"The plugin {name!r} is broken: {info.reason}.")
        yield plugin
    finally:
        NOT_INSTALLED.remove((name, plugin))
        default_plugins.cache_clear()


@pytest.fixture
def load_plugin() -> Iterator[Callable[..., object]]:
    """Load a plugin without installing it, for one test: ``load_plugin(plugin, name=...)``."""
    with ExitStack() as stack:

        def load(plugin: object, name: str = "under-test") -> object:
            return stack.enter_context(using_plugin(plugin, name))

        yield load


@attrs.frozen(kw_only=True)
class Subject:
    """
    The arguments of the suite: a backend and its service.

    :param connect: Makes a driver that is logged in; it is called with ``secret`` to log in with
        another one.
    :param image: The id of something that can be deployed.
    :param options: Further arguments of ``create_node``.
    :param expire: Makes the service forget all logins; ``None`` if it cannot.
    :param secrets: Texts that must not show in any log or error.
    :param missing_id: An id that no node has.
    :param wait: Arguments of the driver's waits.
    """

    connect: Callable[..., Driver]
    image: str
    options: Mapping[str, Any] = attrs.field(factory=dict)
    expire: Callable[[], object] | None = None
    secrets: tuple[str, ...] = attrs.field(default=(), repr=False)
    missing_id: str = PLACEHOLDER
    wait: Mapping[str, Any] = attrs.field(factory=lambda: {"wait_period": 0.02, "timeout": 30})


class BackendSuite:
    """
    The test suite of backends; derive a class and override :meth:`subject`.

    A test of what the backend does not have is skipped.
    """

    @pytest.fixture
    def subject(self) -> Subject:
        """The backend to test."""
        raise NotImplementedError("Override the fixture 'subject'.")

    @pytest.fixture
    def checked(self, subject: Subject) -> Iterator[conformance.Subject]:
        """The backend, as the checks of ``slipstream conformance`` take it."""
        driver = subject.connect()
        image = driver.get_image(subject.image)
        checked = conformance.Subject(
            driver=driver,
            choice=conformance.Choice(image=subject.image),
            secrets=subject.secrets,
            shared={
                "node arguments": {"image": image, **subject.options},
                "wait": subject.wait,
                "missing id": subject.missing_id,
                "may create": True,
            },
        )
        yield checked
        assert list(checked.clean_up()) == []
        driver.close()

    @pytest.mark.parametrize("check", BACKEND_CHECKS, ids=lambda check: check.name)
    def test_backend(self, checked: conformance.Subject, check: conformance.Check) -> None:
        """Each check of ``slipstream conformance`` for a backend."""
        reasons, failures = [], []
        for name, arguments in check.cases:
            try:
                check.function(checked, *arguments)
            except conformance.NotApplicable as reason:
                reasons.append(f"{name}: {reason}")
            except conformance.Failed as failure:
                failures.append(f"{name}: {failure}")
        if failures:
            pytest.fail("\n".join(failures), pytrace=False)
        if len(reasons) == len(check.cases):
            pytest.skip("; ".join(reasons))

    def test_a_login_is_renewed_when_the_service_has_forgotten_it(self, subject: Subject) -> None:
        """As in ``backend.renewal``, by the service itself."""
        if subject.expire is None:
            pytest.skip("The service cannot forget its logins.")
        driver = subject.connect()
        before = driver._session.login
        subject.expire()
        assert driver.list_nodes() is not None
        assert driver._session.login is not before
        driver.close()

    def test_a_refused_login_is_an_error_that_quotes_no_secret(self, subject: Subject) -> None:
        """A wrong secret is refused, and not in the traceback."""
        with pytest.raises(DriverError) as caught:
            subject.connect(secret=WRONG_SECRET)
        assert not isinstance(caught.value, PluginFailed)
        causes = [caught.value, caught.value.__cause__, caught.value.__context__]
        lines = [traceback.format_exception_only(error) for error in causes if error is not None]
        assert WRONG_SECRET not in str(lines)
