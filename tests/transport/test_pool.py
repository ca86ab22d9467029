from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from endpoints_under_test import LiveEndpoint

THREADS = 32


@pytest.mark.filterwarnings("ignore:1 of the projects below")
def test_many_threads_find_connections_enough(
    endpoint: LiveEndpoint, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="urllib3")
    driver = endpoint.login()
    together = threading.Barrier(THREADS)

    def ask(_: int) -> list[int]:
        together.wait()
        return [len(driver.list_images(ex_path="", ex_recurse=True)), len(driver.list_sizes())]

    with ThreadPoolExecutor(THREADS) as threads:
        answers = list(threads.map(ask, range(THREADS)))
    assert answers == [answers[0]] * THREADS
    said = caplog.text
    assert "Connection pool is full" not in said
    assert said.count("Starting new HTTP connection") <= 256


def test_connections_are_used_again(
    endpoint: LiveEndpoint, caplog: pytest.LogCaptureFixture
) -> None:
    driver = endpoint.login()
    caplog.set_level(logging.DEBUG, logger="urllib3")
    for _ in range(5):
        driver.list_nodes()
    assert "Starting new HTTP connection" not in caplog.text


def test_each_driver_has_connections_of_its_own(endpoint: LiveEndpoint) -> None:
    first, second = endpoint.login(), endpoint.login()
    first.close()
    assert second.list_nodes() == []
