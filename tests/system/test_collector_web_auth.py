# SPDX-License-Identifier: MIT
"""test_collector_web_auth - users and passwords: who is let in, what is counted; nobody waits for bcrypt

Attacks U1-U4 (collector/auth.h) and E1-E5 (collector/errand.h).
"""

from __future__ import annotations

import base64
import select
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Dict, Iterator, Optional

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from collector import Writer, wait_until  # noqa: E402
from secure import SecureCollector, authorization, bcrypt_hash  # noqa: E402

TOTAL = "shmetrics_collector_authentications_total"
FAILED = "shmetrics_collector_authentications_failed_total"
PATHS = [
    "/",
    "/metrics",
    "/api/v1/metrics",
    "/-/healthy",
    "/-/ready",
    "/health",
    "/nowhere",
    "/-/reload",
]
SLOW = 15  # bcrypt's cost: seconds


def users(path: Path, **passwords: str) -> Path:
    """A configuration file; the values are hashes."""
    path.write_text("basic_auth_users:\n" + "".join(f"  {u}: {h}\n" for u, h in passwords.items()))
    return path


@pytest.fixture(scope="module")
def slow_hash() -> str:
    return bcrypt_hash("patience", SLOW)


@pytest.fixture
def served(folder: Path, tmp_path: Path) -> Iterator[SecureCollector]:
    config = users(tmp_path / "web.yml", ann=bcrypt_hash("secret"), bob=bcrypt_hash("s:p ä"))
    headers = {"Authorization": authorization("ann", "secret")}
    with SecureCollector(folder, config, "--web.enable-lifecycle", headers=headers) as collector:
        yield collector


def status(collector: SecureCollector, value: Optional[str], path: str = "/-/healthy") -> int:
    headers: Dict[str, str] = {} if value is None else {"Authorization": value}
    connection = collector.open()
    try:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


def test_lets_in_who_has_the_password(served: SecureCollector) -> None:
    for _ in range(3):
        assert status(served, authorization("ann", "secret")) == 200
        assert status(served, authorization("bob", "s:p ä")) == 200
    assert status(served, "bAsIc  " + authorization("ann", "secret")[6:]) == 200


def test_takes_a_hash_as_htpasswd_makes_it(folder: Path, tmp_path: Path) -> None:
    config = users(
        tmp_path / "web.yml",
        y="$2y$04$RYgxVdhSkmj7F/BgQ5..oeXxh1GS4n6ojZgH0uwg3Zu2SCA1VsByK",
        a=bcrypt_hash("test").replace("$2b$", "$2a$"),
    )
    with SecureCollector(folder, config) as collector:
        assert status(collector, authorization("a", "test")) == 200
        assert status(collector, authorization("y", "test")) == 200


WRONG = {
    "nothing": None,
    "another_password": authorization("ann", "Secret"),
    "the_password_of_another": authorization("bob", "secret"),
    "a_user_unknown": authorization("eve", "secret"),
    "no_user": authorization("", "secret"),
    "no_password": authorization("ann", ""),
    "more_than_the_password": authorization("ann", "secret "),
    "a_nul_behind_the_password": authorization("ann", "secret\0"),
    "a_nul_behind_the_user": authorization("ann\0", "secret"),
    "no_colon": "Basic " + base64.b64encode(b"annsecret").decode(),
    "no_base64": "Basic !!!!",
    "empty": "",
    "only_the_scheme": "Basic",
    "only_the_scheme_and_a_space": "Basic ",
    "in_clear": "Basic ann:secret",
    "another_scheme": "Bearer " + authorization("ann", "secret")[6:],
    "digest": 'Digest username="ann"',
    "a_long_password": authorization("ann", "secret" * 1000),
    "a_long_user": authorization("ann" * 1000, "secret"),
    "no_utf8": "Basic " + base64.b64encode(b"ann:\xff\xfe").decode(),
}


@pytest.mark.parametrize("name", WRONG)
def test_refuses_all_others_and_counts_them(served: SecureCollector, name: str) -> None:
    before = served.samples()[(FAILED, frozenset())]
    assert [status(served, WRONG[name]) for _ in range(3)] == [401, 401, 401]
    assert served.samples()[(FAILED, frozenset())] == before + 3
    assert status(served, authorization("ann", "secret")) == 200


def test_counts_all_and_the_refused(served: SecureCollector) -> None:
    total, failed = served.value(TOTAL), served.value(FAILED)
    assert total is not None and total >= 1 and failed == 0
    served.wait_for_value(0, FAILED)
    status(served, None)
    served.wait_for_value(1, FAILED)
    now = served.value(TOTAL)
    assert now is not None and now > total


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "DELETE"])
def test_has_no_path_for_who_says_nothing(served: SecureCollector, method: str) -> None:
    for path in PATHS:
        connection = served.open()
        connection.request(method, path)
        response = connection.getresponse()
        assert response.status == 401, path
        assert response.headers["WWW-Authenticate"] == 'Basic realm="shmetrics", charset="UTF-8"'
        assert response.headers["Cache-Control"] == "no-store"
        body = response.read()
        assert body == (b"" if method == "HEAD" else b"a user and a password are needed\n")
        connection.close()


def test_asks_each_request_of_a_connection(served: SecureCollector) -> None:
    connection = served.open()
    for value, expected in ((authorization("ann", "secret"), 200), (None, 401)) * 3:
        connection.request("GET", "/-/healthy", headers={"Authorization": value} if value else {})
        response = connection.getresponse()
        response.read()
        assert response.status == expected
    connection.close()


def test_does_not_take_the_body_of_a_refused_request_for_a_request(served: SecureCollector) -> None:
    inner = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = served.exchange(
        b"POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(inner)
        + inner
        + b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    assert answer.count(b"HTTP/1.1 401") == answer.count(b"HTTP/1.1 ") <= 2


def send(
    collector: SecureCollector,
    user: str,
    password: str,
    timeout_seconds: float = 100,
    source: str = "127.0.0.1",
) -> socket.socket:
    """A request whose answer is not waited for."""
    connection = socket.create_connection(("127.0.0.1", collector.port), 60, (source, 0))
    connection.sendall(
        b"GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        + b"X-Prometheus-Scrape-Timeout-Seconds: %f\r\nAuthorization: " % timeout_seconds
        + authorization(user, password).encode()
        + b"\r\n\r\n"
    )
    return connection


def has_an_answer(connection: socket.socket) -> bool:
    return bool(select.select([connection], [], [], 0)[0])


def answer_of(connection: socket.socket) -> bytes:
    with connection:
        received = b""
        while piece := connection.recv(65536):
            received += piece
    return received


@pytest.mark.races
def test_a_password_being_checked_delays_nobody(
    folder: Path, tmp_path: Path, slow_hash: str
) -> None:
    """U1: behind one thread, the slow check is still running when others have been answered."""
    config = users(tmp_path / "web.yml", ann=bcrypt_hash("secret"), slow=slow_hash)
    headers = {"Authorization": authorization("ann", "secret")}
    with (
        Writer(folder, "app") as writer,
        SecureCollector(folder, config, headers=headers) as collector,
    ):
        writer.do("inc requests 1")
        collector.wait_for_value(1, "requests_total")
        waiting = send(collector, "slow", "patience")
        for _ in range(5):
            assert collector.request("/metrics").status == 200
        assert not has_an_answer(waiting)
        assert answer_of(waiting).startswith(b"HTTP/1.1 200 ")
        # Known now: two requests on one connection, answered in their order, need no thread.
        assert answer_of(send(collector, "slow", "patience")).startswith(b"HTTP/1.1 200 ")


def test_refuses_what_is_too_much_to_check_and_no_known_password(
    folder: Path, tmp_path: Path, slow_hash: str
) -> None:
    """E2: a bounded number waits. U3: who is known passes while strangers try."""
    config = users(tmp_path / "web.yml", ann=bcrypt_hash("secret"), slow=slow_hash)
    headers = {"Authorization": authorization("ann", "secret")}
    with SecureCollector(folder, config, headers=headers) as collector:
        assert collector.request("/-/healthy").status == 200
        strangers = [send(collector, "slow", f"guess {i}") for i in range(80)]
        wait_until(lambda: sum(map(has_an_answer, strangers)) >= 15, "some are refused at once")
        busy = [answer_of(s) for s in strangers if has_an_answer(s)]
        assert (
            sum(b"HTTP/1.1 503 " in answer and b"Retry-After: 1" in answer for answer in busy) >= 15
        )
        for _ in range(5):
            assert collector.request("/metrics").status == 200
        # E3: none of those that wait keeps it from ending.
        assert collector.stop() == 0
        for stranger in strangers:
            stranger.close()


def test_clients_take_turns(folder: Path, tmp_path: Path) -> None:
    """E5: behind 60 guesses of one client another waits for one or two of them."""
    config = users(tmp_path / "web.yml", ann=bcrypt_hash("secret", SLOW - 2))
    with SecureCollector(folder, config) as collector:
        guesses = [send(collector, "ann", f"guess {i}", source="127.0.0.2") for i in range(60)]
        right = [send(collector, "ann", "secret", source=f"127.0.0.{i}") for i in (3, 4)]
        for connection in right:
            assert answer_of(connection).startswith(b"HTTP/1.1 200 ")
        assert sum(map(has_an_answer, guesses)) < 30  # in the order of their coming it were all
        for connection in guesses:
            connection.close()


@pytest.mark.races
def test_who_fills_the_queue_gives_way_to_others(folder: Path, tmp_path: Path) -> None:
    """E2: the last of the greedy one's is refused instead of the first of another."""
    config = users(tmp_path / "web.yml", ann=bcrypt_hash("secret", SLOW - 2))
    with SecureCollector(folder, config) as collector:
        # More than can wait, however fast they are checked meanwhile.
        guesses = [send(collector, "ann", f"guess {i}", source="127.0.0.2") for i in range(90)]
        other = send(collector, "ann", "secret", source="127.0.0.3")
        assert answer_of(other).startswith(b"HTTP/1.1 200 ")
        refused = [guess for guess in guesses if has_an_answer(guess)]
        assert sum(b"HTTP/1.1 503 " in answer_of(guess) for guess in refused) >= 20
        for connection in guesses:
            connection.close()


def test_says_whose_request_is_refused(served: SecureCollector) -> None:
    connection = send(served, "ann", "guess", source="127.0.0.5")
    port = connection.getsockname()[1]
    assert answer_of(connection).startswith(b"HTTP/1.1 401 ")
    served.wait_for_line(f'msg="request refused" .* client=127.0.0.5:{port}$')


def test_an_unknown_user_is_as_much_work_as_a_known_one(
    folder: Path, tmp_path: Path, slow_hash: str
) -> None:
    """U4: the answer to neither comes before the answer to one who is known."""
    config = users(tmp_path / "web.yml", slow=slow_hash)
    with SecureCollector(folder, config) as collector:
        unknown = send(collector, "nobody", "x")
        for _ in range(20):
            assert status(collector, None) == 401
        assert not has_an_answer(unknown)
        assert answer_of(unknown).startswith(b"HTTP/1.1 401 ")


def test_many_wrong_passwords_do_not_push_out_the_right_one(
    folder: Path, tmp_path: Path, slow_hash: str
) -> None:
    """U3, seen by what comes first: the known one's answer, or the checking of a stranger's password."""
    config = users(tmp_path / "web.yml", fast=bcrypt_hash("x"), slow=slow_hash)
    with SecureCollector(folder, config) as collector:
        assert answer_of(send(collector, "slow", "patience")).startswith(b"HTTP/1.1 200 ")
        for i in range(200):  # more than are remembered
            assert status(collector, authorization("fast", f"guess {i}")) == 401
        stranger = send(collector, "slow", "guess")
        assert answer_of(send(collector, "slow", "patience")).startswith(b"HTTP/1.1 200 ")
        assert not has_an_answer(stranger)
        stranger.close()


@pytest.mark.races
def test_outlives_clients_that_leave_while_their_passwords_are_checked(
    folder: Path, tmp_path: Path, slow_hash: str
) -> None:
    """E1: one hangs up, one is too late for its own timeout; the third waits behind both."""
    config = users(tmp_path / "web.yml", ann=bcrypt_hash("secret"), slow=slow_hash)
    headers = {"Authorization": authorization("ann", "secret")}
    with SecureCollector(folder, config, headers=headers) as collector:
        assert collector.request("/-/healthy").status == 200
        send(collector, "slow", "guess 1").close()
        late = send(collector, "slow", "guess 2", timeout_seconds=0.1)
        third = send(collector, "slow", "patience")
        collector.wait_for_value(1, "shmetrics_collector_connections_reaped_total")
        assert answer_of(late) == b""
        assert answer_of(third).startswith(b"HTTP/1.1 200 ")
        assert collector.request("/-/healthy").status == 200


def test_does_not_check_the_passwords_of_those_who_have_left(folder: Path, tmp_path: Path) -> None:
    """E4: while the first is checked others try and leave; who comes last waits for the first alone."""
    config = users(tmp_path / "web.yml", ann=bcrypt_hash("secret", SLOW - 2))
    headers = {"Authorization": authorization("ann", "secret")}
    with SecureCollector(folder, config, headers=headers) as collector:
        first = send(collector, "ann", "guess")
        for i in range(20):
            send(collector, "ann", f"guess {i}").close()
        assert answer_of(send(collector, "ann", "secret")).startswith(b"HTTP/1.1 200 ")
        assert answer_of(first).startswith(b"HTTP/1.1 401 ")
        assert collector.value("shmetrics_collector_authentications_failed_total") == 1


@pytest.mark.races
def test_lets_many_in_at_once(served: SecureCollector) -> None:
    def ask(number: int) -> int:
        right = number % 3 != 0
        return status(served, authorization("ann", "secret" if right else f"no {number}"))

    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(ask, range(300)))
    assert set(found) <= {200, 401, 503}
    assert all(found[i] in (401, 503) for i in range(0, 300, 3))
    assert all(found[i] in (200, 503) for i in range(300) if i % 3)
    assert found.count(200) > 100
