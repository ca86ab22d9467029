"""
Deploy WordPress, open it, and take it down again.

The environment says where and as whom: SLIPSTREAM_USERNAME, SLIPSTREAM_PASSWORD and, for another
server, SLIPSTREAM_ENDPOINT. Without one the driver logs in on https://nuv.la. The same lines serve
SlipStream and Nuvla.
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
print("locations:", ", ".join(location.name for location in ss.list_locations()))
print("sizes:    ", len(ss.list_sizes()))

node = ss.create_node(
    name="my-blog",
    image=ss.get_image("apps/WordPress/wordpress"),
    location=ss.list_locations()[-1],
    ex_parameters={"wordpress_title": "Hello from libcloud"},
)
try:
    with ProgressLine() as progress:
        ss.ex_wait_node_in_state(node, wait_period=1, progress=progress)
    for machine in ss.ex_list_virtual_machines(node=node):
        print("machine:  ", machine.name, machine.state, *machine.public_ips)
    node = ss.ex_get_node(node.id)
    url = node.extra["service_url"]
    print("addresses:", *node.public_ips, *node.private_ips)
    print("service:  ", url)
    print("it says:  ", urlopen(url).read().decode().split("<title>")[1].split("</title>")[0])
finally:
    print("destroyed:", ss.destroy_node(node))
# [/readme]
