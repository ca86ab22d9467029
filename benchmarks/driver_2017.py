"""
Time one call of the driver of 2017, run by the interpreter of its environment.

Its files stay as they were published. What Python has dropped since is put back: ``basestring``,
and ``Element.getiterator``, which its client looks up and does not need.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from typing import Any

warnings.filterwarnings("ignore")

from libcloud.compute.providers import get_driver  # noqa: E402
from slipstream.api import api  # type: ignore[import-not-found]  # noqa: E402

from slipstream.libcloud import compute_driver  # noqa: E402

api.element_tree__iter = lambda root: root.iter
compute_driver.basestring = str


def main(url: str, user: str, password: str, call: str) -> None:
    cls: Any = get_driver("slipstream")
    driver = cls(user, password, secure=False, ex_endpoint=url)
    calls = {
        "nodes": driver.list_nodes,
        "tree": lambda: driver.list_images(ex_path="tree", ex_recurse=True),
        "create": lambda: driver.create_node(image=image),
    }
    image = driver.get_image("apps/WordPress/wordpress")
    print("ready", flush=True)
    input()
    wall, cpu = time.perf_counter(), time.process_time()
    result = calls[call]()
    print(
        json.dumps(
            {
                "wall": time.perf_counter() - wall,
                "cpu": time.process_time() - cpu,
                "size": len(result) if isinstance(result, list) else 1,
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
