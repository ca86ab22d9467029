"""The version of this package, and how it is installed; everything else reads both from here."""

VERSION = "1.0.0.dev0"


def install_hint(*extras: str) -> str:
    """A sentence on how to install this package with some of its extras."""
    # The package index still serves 0.1.3: until 1.0 is there, a checkout is what works.
    return f"Run pip install '.[{','.join(extras)}]' in a checkout of slipstream."
