"""The dialect of SlipStream 3: JSON collections and an XML service behind one cookie."""

from __future__ import annotations
