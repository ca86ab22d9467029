"""Service offers of the seeds: sizes and prices in three countries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from slipstream.sandbox.slipstream3.access import acl, role

if TYPE_CHECKING:
    from slipstream.sandbox.slipstream3.world import World

_URI = "http://sixsq.com/slipstream/1/ServiceOffer"


@attrs.frozen
class _Market:
    cloud: str
    country: str
    platform: str
    prefix: str
    factor: float
    sizes: tuple[tuple[str, int, int], ...]


_MARKETS = (
    _Market(
        "exoscale-ch-gva",
        "CH",
        "cloudstack",
        "exoscale",
        1.0,
        (
            ("Micro", 1, 512),
            ("Tiny", 1, 1024),
            ("Small", 2, 2048),
            ("Medium", 2, 4096),
            ("Large", 4, 8192),
            ("Extra-large", 4, 16384),
            ("Huge", 8, 32768),
        ),
    ),
    _Market(
        "ec2-eu-west",
        "IE",
        "ec2",
        "ec2",
        1.2,
        (
            ("t2.micro", 1, 1024),
            ("t2.small", 1, 2048),
            ("t2.medium", 2, 4096),
            ("t2.large", 2, 8192),
            ("m4.large", 2, 8192),
            ("m4.xlarge", 4, 16384),
            ("m4.2xlarge", 8, 32768),
            ("c4.xlarge", 4, 7680),
        ),
    ),
    _Market(
        "open-telekom-de1",
        "DE",
        "otc",
        "otc",
        0.9,
        (
            ("computev1-1", 1, 1024),
            ("computev1-2", 2, 4096),
            ("computev1-4", 4, 8192),
            ("normal1", 1, 4096),
            ("normal2", 2, 8192),
            ("normal4", 4, 16384),
            ("highmem2", 2, 16384),
            ("highmem4", 4, 32768),
        ),
    ),
)
_DISKS = (10, 50, 100, 200)


def plant(world: World) -> None:
    """
    Add the offers.

    :param world: The world.
    """
    for market in _MARKETS:
        for name, cpu, ram in market.sizes:
            for disk in _DISKS:
                _add(world, market, **_sized(market, name, cpu, ram, disk))
        _add(world, market, **_bucket(market))
    _plant_odd_ones(world)


def _sized(market: _Market, name: str, cpu: int, ram: int, disk: int) -> dict[str, Any]:
    price = market.factor * (0.008 * cpu + 0.000004 * ram + 0.0001 * disk)
    shown = f"{cpu} vCPU, {ram} MiB RAM, {disk} GiB root disk"
    return {
        "name": f"({cpu}/{ram}/{disk} {name}) [{market.country}]",
        "description": f"VM (standard) with {shown} [{market.country}] ({name})",
        "resource:type": "VM",
        "resource:class": "standard",
        "resource:vcpu": cpu,
        "resource:ram": ram,
        "resource:disk": disk,
        "resource:diskType": "SSD",
        "resource:instanceType": name,
        "resource:operatingSystem": "linux",
        "price:unitCost": round(price, 6),
        "price:unitCode": "C62",
        "price:billingUnitCode": "HUR",
        "price:billingPeriodCode": "MIN",
        "price:freeUnits": 0,
        f"{market.prefix}:instanceType": name,
    }


def _bucket(market: _Market) -> dict[str, Any]:
    return {
        "name": f"Object storage [{market.country}]",
        "description": f"Object storage [{market.country}]",
        "resource:type": "bucket",
        "resource:storage": "objectstore",
        "price:unitCost": 0.02,
        "price:unitCode": "E34",
        "price:billingUnitCode": "MON",
    }


def _plant_odd_ones(world: World) -> None:
    exoscale, ec2, otc = _MARKETS
    flexible = _sized(exoscale, "custom", 1, 1024, 10)
    for name in ("resource:vcpu", "resource:ram", "resource:disk", "resource:instanceType"):
        flexible.pop(name)
    flexible |= {"name": "(flexible) [CH]", "schema-org:flexible": "true"}
    _add(world, exoscale, **flexible)
    diskless = _sized(ec2, "m4.4xlarge", 16, 65536, 0)
    diskless.pop("resource:disk")
    _add(world, ec2, **diskless | {"name": "(16/65536 m4.4xlarge) [IE]"})
    unmeasured = _sized(otc, "baremetal", 32, 0, 0)
    unmeasured.pop("resource:disk")
    unmeasured.pop("resource:ram")
    unmeasured.pop("price:unitCost")
    _add(world, otc, **unmeasured | {"name": "(32 baremetal) [DE]"})


def _add(world: World, market: _Market, **fields: Any) -> None:
    common = {
        "connector": {"href": market.cloud},
        "resource:country": market.country,
        "resource:platform": market.platform,
        "price:currency": "EUR",
    }
    world.document(
        "service-offer",
        _URI,
        **common | fields,
        acl=acl(role("USER", "VIEW"), role("ADMIN", "ALL")),
    )
