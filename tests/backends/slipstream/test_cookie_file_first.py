"""A cookie file is used instead of whatever key is given beside it."""

from __future__ import annotations

import pytest

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver


@pytest.mark.parametrize("key", ["alice", "credential/ce02ef40-1342-4e68-838d-e1b2a75adb1e", None])
def test_a_cookie_file_goes_before_any_key(sandbox, tmp_path, key):
    first = SlipStreamNodeDriver(sandbox.username, sandbox.password, ex_endpoint=sandbox.url)
    first.ex_save_cookies(tmp_path / "session.txt")
    sandbox.journal.clear()
    driver = SlipStreamNodeDriver(
        key, "wrong", ex_endpoint=sandbox.url, ex_cookie_file=tmp_path / "session.txt"
    )
    assert driver.list_locations()
    assert not sandbox.journal.entries("POST", "/api/session")
