"""The exceptions of the driver, which are those of :mod:`slipstream.errors`."""

from slipstream.errors import *  # noqa: F403 - this is its other name
