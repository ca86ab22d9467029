"""The plugins in use, their contributions, and the operations of a session."""

from slipstream.plugins.loading import PluginInfo, PluginWarning
from slipstream.plugins.operations import Plugins, default_plugins

__all__ = ["PluginInfo", "PluginWarning", "Plugins", "default_plugins"]
