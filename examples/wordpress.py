"""
Deploy WordPress, open it, and take it down again.

Endpoint and credentials are those of the environment, which the sandbox prints as lines to paste,
or of a profile. The same lines serve SlipStream and Nuvla.
"""

# [readme]
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.libcloud.progress import ProgressLine
from urllib.request import urlopen

ss = SlipStreamNodeDriver.ex_from_profile()
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
    with ProgressLine(machines=lambda: ss.ex_list_virtual_machines(node=node)) as progress:
        ss.ex_wait_node_in_state(node, wait_period=1, progress=progress)
    print("addresses:", *node.public_ips, *node.private_ips)
    url = node.extra["service_url"]
    print("service:  ", url)
    print("title:    ", urlopen(url).read().decode().split("<title>")[1].split("</title>")[0])
finally:
    print("destroyed:", ss.destroy_node(node))
# [/readme]
