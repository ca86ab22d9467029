"""A forked child goes on with its parent's login, and disturbs no other process."""

from __future__ import annotations

import os

import pytest

from slipstream.sandbox import Sandbox

from .support import logins, run

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

BEGINS = """
import os, signal, sys, threading, traceback, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver

url, key, secret = sys.argv[1:]
driver = SlipStreamNodeDriver(key, secret, ex_endpoint=url, ex_login_method="internal")
images = [image.id for image in driver.list_images()]


def live(number=0, rounds=3):
    for round_ in range(rounds):
        image = images[(number + round_) % len(images)]
        assert driver.get_image(image).id == image
        assert driver.list_nodes() == []


def child(task):
    pid = os.fork()
    if pid:
        return pid
    signal.alarm(15)  # ends a child that hangs
    try:
        task()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    sys.exit(0)


def ends_well(pid):
    assert os.waitpid(pid, 0)[1] == 0, "a child failed, or hung and was ended"
"""

WHILE_BUSY = """
done, failed = threading.Event(), []


def busy(number):
    try:
        while not done.is_set():
            live(number)
    except BaseException:
        failed.append(traceback.format_exc())


def in_child():
    others = [threading.Thread(target=live, args=(number,)) for number in range(3)]
    for other in others:
        other.start()
    live()
    for other in others:
        other.join()


threads = [threading.Thread(target=busy, args=(number,)) for number in range(6)]
for thread in threads:
    thread.start()
children = [child(in_child) for _ in range(6)]
for pid in children:
    ends_well(pid)
done.set()
for thread in threads:
    thread.join()
assert not failed, failed[0]
print("done")
"""

WHILE_LOCKED = """
session = driver._session
pools = session.transport._connections.get().poolmanager.pools
locks = [
    session._state.lock.get(), session.backend.key_lock,
    session.cookies._cookies_lock, pools.lock,
]
held, done = threading.Event(), threading.Event()


def hold():
    for lock in locks:
        lock.acquire()
    held.set()
    done.wait(30)
    for lock in locks:
        lock.release()


def in_child():
    session.log_in()
    driver.create_key_pair("made in a child")
    live()
    driver.close()


holder = threading.Thread(target=hold)
holder.start()
held.wait(10)
pid = child(in_child)
try:
    ends_well(pid)
finally:
    done.set()
    holder.join()
live()
print("done")
"""

PROGRAMS = {
    "many threads are busy": (WHILE_BUSY, 1),
    "a thread of the parent holds every lock": (WHILE_LOCKED, 2),
}
"""The programs, and how many logins they need."""


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("family", ["slipstream", "nuvla"])
def test_fork_while(family: str, program: str) -> None:
    code, number = PROGRAMS[program]
    with Sandbox(family=family, speed=0) as sandbox:
        login = (sandbox.url, sandbox.username, sandbox.password)
        assert run(BEGINS + code, *login) == ("done\n", "")
        assert logins(sandbox) == number
