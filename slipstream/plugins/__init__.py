"""Load plugins and their contributions, and call every hook."""

from __future__ import annotations

from slipstream.plugins.loading import PluginInfo, PluginWarning
from slipstream.plugins.registry import Plugins, default_plugins

__all__ = ["PluginInfo", "PluginWarning", "Plugins", "default_plugins"]
