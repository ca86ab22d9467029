"""
Deploy WordPress, open it, and take it down again.

The environment says where and as whom: SLIPSTREAM_USERNAME, SLIPSTREAM_PASSWORD and, for a server
of one's own, SLIPSTREAM_ENDPOINT. Without one the driver logs in on https://nuv.la.
"""

# [readme]
import os
from urllib.request import urlopen

import slipstream.libcloud.compute_driver
from libcloud.compute.providers import get_driver
from slipstream.libcloud.progress import ProgressLine

ss = get_driver("slipstream")(
    os.environ["SLIPSTREAM_USERNAME"],
    os.environ["SLIPSTREAM_PASSWORD"],
    ex_endpoint=os.environ.get("SLIPSTREAM_ENDPOINT"),
)
print("images:   ", ", ".join(image.name for image in ss.list_images()))
print("locations:", ", ".join(f"{place.name} ({place.country})" for place in ss.list_locations()))
print("sizes:    ", len(ss.list_sizes()))

image = ss.get_image("apps/WordPress/wordpress")
node = ss.create_node(
    name="my-blog", image=image, ex_parameters={"wordpress_title": "Hello from libcloud"}
)
try:
    with ProgressLine() as progress:
        ss.ex_wait_node_in_state(node, wait_period=1, progress=progress)
    for machine in ss.ex_list_virtual_machines(node=node):
        print("machine:  ", machine.name, machine.state, *machine.public_ips)
    url = ss.ex_get_node(node.id).extra["service_url"]
    print("service:  ", url)
    print("it says:  ", urlopen(url).read().decode().split("<title>")[1].split("</title>")[0])
finally:
    print("destroyed:", ss.destroy_node(node))
# [/readme]
