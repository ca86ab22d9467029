"""The suite for backends, put to both families and to the example of a third."""

from __future__ import annotations

from importlib import import_module

import pytest

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.sandbox import Sandbox
from slipstream.testing.plugins import BackendSuite, Subject

BLOG = "apps/WordPress/wordpress"
LOCATIONS = ("swarm-lausanne", "exoscale-ch-gva")
WEEK = 7 * 24 * 3600


def on_sandbox(family):
    with Sandbox(family=family, speed=1000) as sandbox:

        def connect(secret=sandbox.password):
            return SlipStreamNodeDriver(
                sandbox.username,
                secret,
                ex_endpoint=sandbox.url,
                ex_login_method="internal",
                retry_delay=0.001,
            )

        driver = connect()
        image = driver.get_image(BLOG).id
        names = [place.name for place in driver.list_locations()]
        driver.close()
        yield Subject(
            connect=connect,
            image=image,
            options={"ex_cloud": next(name for name in LOCATIONS if name in names)},
            expire=lambda: sandbox.clock.advance(WEEK),
            secrets=(sandbox.password,),
        )


class TestSlipStream(BackendSuite):
    @pytest.fixture
    def subject(self):
        yield from on_sandbox("slipstream")


class TestNuvla(BackendSuite):
    @pytest.fixture
    def subject(self):
        yield from on_sandbox("nuvla")


class TestMiniCloud(BackendSuite):
    @pytest.fixture
    def subject(self, installed):
        service = import_module("minicloud_service")
        with service.running({"ada": "lovelace"}) as (server, url):

            def connect(secret="lovelace"):
                return SlipStreamNodeDriver(
                    "ada", secret, ex_endpoint=url, ex_disable_plugins=["policy", "size-cache"]
                )

            connect().close()
            yield Subject(
                connect=connect,
                image="wordpress",
                expire=server.expire_tickets,
                secrets=("lovelace", *server.tickets),
            )
