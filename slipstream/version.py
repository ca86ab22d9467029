"""The version of this package; everything else reads it from here."""

VERSION = "1.0.0.dev0"
