# SPDX-License-Identifier: MIT
"""test_collector_web_tls - TLS and client certificates: who is let in, and what is counted"""

from __future__ import annotations

import re
import socket
import ssl
import sys
from pathlib import Path
from typing import List, Optional

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from certificates import Authority, Pair  # noqa: E402
from collector import Writer, wait_until  # noqa: E402
from secure import SecureCollector, authorization, bcrypt_hash, client_context  # noqa: E402

BEGUN = "shmetrics_collector_tls_handshakes_total"
FAILED = "shmetrics_collector_tls_handshakes_failed_total"
REFUSED = "shmetrics_collector_client_certificates_refused_total"
TLS = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"
MUTUAL = TLS + "  client_ca_file: ca.pem\n  client_auth_type: "


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    authority = Authority(tmp_path_factory.mktemp("tls"), "ca")
    authority.issue("server")
    authority.issue("rsa", kind="rsa")
    return authority


@pytest.fixture(scope="module")
def client(ca: Authority) -> Pair:
    return ca.issue("client", client=True)


def config_of(ca: Authority, name: str, text: str) -> Path:
    path = ca.folder / f"{name}.yml"
    path.write_text(text)
    return path


def value(collector: SecureCollector, name: str) -> float:
    found = collector.value(name)
    assert found is not None
    return found


# ---- TLS ----


def test_serves_tls_and_nothing_else(folder: Path, ca: Authority) -> None:
    config = config_of(ca, "plain", TLS)
    context = client_context(ca.certificate)
    with (
        Writer(folder, "app", "--counters", "20000", "--series-max", "40000") as writer,
        SecureCollector(folder, config, context=context) as collector,
    ):
        writer.do("inc requests 5")
        collector.wait_for_value(5, "requests_total")
        assert len(collector.request("/metrics").body) > 500_000
        wait_until(lambda: bool(collector.log_lines("msg=listening .*tls=true")), "the log says so")
        before = value(collector, FAILED)
        assert b"HTTP/1." not in collector.exchange(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        collector.wait_for_value(before + 1, FAILED)
        assert value(collector, BEGUN) > before + 1


def test_tells_when_its_certificate_expires(folder: Path, ca: Authority) -> None:
    context = client_context(ca.certificate)
    with SecureCollector(folder, config_of(ca, "expiry", TLS), context=context) as collector:
        connection = collector.open()
        connection.connect()
        assert isinstance(connection.sock, ssl.SSLSocket)
        shown = connection.sock.getpeercert()
        connection.close()
        assert shown
        assert value(
            collector, "shmetrics_collector_certificate_expiry_timestamp_seconds"
        ) == ssl.cert_time_to_seconds(str(shown["notAfter"]))
    with SecureCollector(folder, config_of(ca, "none", "")) as collector:
        assert collector.value("shmetrics_collector_certificate_expiry_timestamp_seconds") is None


def agree(collector: SecureCollector, context: ssl.SSLContext) -> Optional[ssl.SSLSocket]:
    """A TLS connection, or None where the two cannot agree."""
    connection = collector.connect()
    try:
        return context.wrap_socket(connection, server_hostname="127.0.0.1")
    except OSError:  # SSLError is one
        connection.close()
        return None


def bounded(ca: Authority, least: ssl.TLSVersion, most: ssl.TLSVersion) -> ssl.SSLContext:
    context = client_context(ca.certificate)
    context.minimum_version = least
    context.maximum_version = most
    return context


@pytest.mark.parametrize(
    ("text", "version", "expected"),
    [
        ("", ssl.TLSVersion.TLSv1_3, "TLSv1.3"),
        ("", ssl.TLSVersion.TLSv1_2, "TLSv1.2"),
        ("  min_version: TLS13\n", ssl.TLSVersion.TLSv1_3, "TLSv1.3"),
        ("  min_version: TLS13\n", ssl.TLSVersion.TLSv1_2, None),
        ("  max_version: TLS12\n", ssl.TLSVersion.TLSv1_2, "TLSv1.2"),
        ("  max_version: TLS12\n", ssl.TLSVersion.TLSv1_3, None),
    ],
)
def test_speaks_the_versions_that_it_is_told_to(
    folder: Path, ca: Authority, text: str, version: ssl.TLSVersion, expected: Optional[str]
) -> None:
    context = client_context(ca.certificate)
    with SecureCollector(
        folder, config_of(ca, "version", TLS + text), context=context
    ) as collector:
        agreed = agree(collector, bounded(ca, version, version))
        assert (agreed.version() if agreed else None) == expected
        if agreed:
            agreed.close()


@pytest.mark.parametrize("key", ["server", "rsa"])
def test_uses_the_suites_that_are_listed(folder: Path, ca: Authority, key: str) -> None:
    """Of TLS 1.2 exactly those; openssl is asked for each that is left out."""
    kind = "ECDSA" if key == "server" else "RSA"
    listed = f"TLS_ECDHE_{kind}_WITH_AES_256_GCM_SHA384"
    text = (
        f"tls_server_config:\n  cert_file: {key}.pem\n  key_file: {key}.key\n"
        f"  max_version: TLS12\n  cipher_suites: [{listed}]\n"
    )
    context = client_context(ca.certificate)
    with SecureCollector(
        folder, config_of(ca, f"suites-{key}", text), context=context
    ) as collector:
        for suite, works in {
            f"ECDHE-{kind}-AES256-GCM-SHA384": True,
            f"ECDHE-{kind}-AES128-GCM-SHA256": False,
            f"ECDHE-{kind}-CHACHA20-POLY1305": False,
            f"ECDHE-{kind}-AES256-SHA": False,
        }.items():
            asking = client_context(ca.certificate)
            asking.set_ciphers(suite + ":@SECLEVEL=0")
            agreed = agree(collector, asking)
            assert (agreed is not None) == works, suite
            if agreed:
                assert agreed.cipher()[0] == suite  # type: ignore[index]
                agreed.close()


def test_offers_no_suite_without_forward_secrecy(folder: Path, ca: Authority) -> None:
    text = "tls_server_config:\n  cert_file: rsa.pem\n  key_file: rsa.key\n"
    context = client_context(ca.certificate)
    with SecureCollector(folder, config_of(ca, "secrecy", text), context=context) as collector:
        asking = bounded(ca, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2)
        asking.set_ciphers("kRSA:kDHE:@SECLEVEL=0")
        assert agree(collector, asking) is None


def test_uses_the_curves_that_are_listed(folder: Path, ca: Authority) -> None:
    text = TLS + "  curve_preferences: [CurveP384]\n"
    context = client_context(ca.certificate)
    with SecureCollector(folder, config_of(ca, "curves", text), context=context) as collector:
        for curve, works in {"secp384r1": True, "prime256v1": False}.items():
            asking = client_context(ca.certificate)
            asking.set_ecdh_curve(curve)
            agreed = agree(collector, asking)
            assert (agreed is not None) == works, curve
            if agreed:
                agreed.close()


def test_hangs_up_on_a_handshake_that_dribbles(folder: Path, ca: Authority) -> None:
    """The deadline of the reaper is one for handshake and header together."""
    context = client_context(ca.certificate)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    with pytest.raises(ssl.SSLWantReadError):
        session.do_handshake()
    hello = outgoing.read()
    with SecureCollector(folder, config_of(ca, "dribble", TLS), context=context) as collector:
        silent, dribbling = collector.connect(), collector.connect()
        open_still = {silent, dribbling}
        sent = 0

        def all_closed() -> bool:
            nonlocal sent
            if sent < len(hello) - 1 and dribbling in open_still:
                try:
                    dribbling.send(hello[sent : sent + 1])
                    sent += 1
                except OSError:
                    open_still.discard(dribbling)
            for connection in list(open_still):
                connection.settimeout(0.02)
                try:
                    if connection.recv(1) == b"":
                        open_still.discard(connection)
                except socket.timeout:
                    pass
                except OSError:
                    open_still.discard(connection)
            return not open_still

        wait_until(all_closed, "both are hung up on", 60)
        assert collector.request("/-/healthy").status == 200
        assert value(collector, "shmetrics_collector_connections_reaped_total") == 2
        collector.wait_for_value(2, FAILED)
        silent.close()
        dribbling.close()


def test_200_unfinished_handshakes_do_not_keep_others_out(folder: Path, ca: Authority) -> None:
    context = client_context(ca.certificate)
    with SecureCollector(folder, config_of(ca, "many", TLS), context=context) as collector:
        waiting = [collector.connect() for _ in range(200)]
        try:
            for connection in waiting:
                connection.sendall(b"\x16\x03\x01\x02\x00\x01")
            assert collector.request("/metrics").status == 200
            collector.wait_for_value(200, FAILED)
            assert value(collector, REFUSED) == 0
        finally:
            for connection in waiting:
                connection.close()


# ---- client certificates ----


def reason(collector: SecureCollector) -> List[str]:
    return collector.log_lines('msg="client certificate refused"')


def asks(ca: Authority, pair: Optional[Pair], version: ssl.TLSVersion) -> ssl.SSLContext:
    context = client_context(ca.certificate, pair)
    context.minimum_version = context.maximum_version = version
    return context


def get(collector: SecureCollector, context: ssl.SSLContext) -> Optional[int]:
    """The status, or None where the connection fails; in TLS 1.3 a client learns of it when it reads."""
    connection = collector.open(context)
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().status
    except (OSError, ssl.SSLError):
        return None
    finally:
        connection.close()


@pytest.fixture(scope="module")
def strangers(
    ca: Authority, tmp_path_factory: pytest.TempPathFactory
) -> "dict[str, Optional[Pair]]":
    other = Authority(tmp_path_factory.mktemp("other"), "other")
    return {
        "none": None,
        "another_authority": other.issue("client", client=True),
        "expired": ca.issue("expired-client", client=True, from_day=-10, to_day=-1),
        "not_yet": ca.issue("future-client", client=True, from_day=1, to_day=10),
        "of_a_server": ca.issue("server-as-client"),
    }


@pytest.mark.parametrize(
    "version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"]
)
@pytest.mark.parametrize("who", ["none", "another_authority", "expired", "not_yet", "of_a_server"])
def test_refuses_and_counts_who_has_no_good_certificate(
    folder: Path,
    ca: Authority,
    client: Pair,
    strangers: "dict[str, Optional[Pair]]",
    who: str,
    version: ssl.TLSVersion,
) -> None:
    config = config_of(ca, "mutual", MUTUAL + "RequireAndVerifyClientCert\n")
    with SecureCollector(folder, config, context=asks(ca, client, version)) as collector:
        assert collector.request("/metrics").status == 200
        assert (value(collector, FAILED), value(collector, REFUSED)) == (0, 0)
        assert get(collector, asks(ca, strangers[who], version)) is None
        collector.wait_for_value(1, REFUSED)
        assert value(collector, FAILED) == 1
        (line,) = reason(collector)
        assert re.search(r" client=127\.0\.0\.1:\d+$", line)


def test_tells_the_client_what_is_wrong_with_its_certificate(
    folder: Path, ca: Authority, client: Pair, strangers: "dict[str, Optional[Pair]]"
) -> None:
    config = config_of(ca, "alerts", MUTUAL + "RequireAndVerifyClientCert\n")
    with SecureCollector(
        folder, config, context=client_context(ca.certificate, client)
    ) as collector:
        for who, alert in {
            "none": "CERTIFICATE_REQUIRED",
            "expired": "CERTIFICATE_EXPIRED",
            "another_authority": "UNKNOWN_CA",
        }.items():
            connection = collector.open(asks(ca, strangers[who], ssl.TLSVersion.TLSv1_3))
            with pytest.raises(ssl.SSLError, match=alert):
                connection.request("GET", "/metrics")
                connection.getresponse()
            connection.close()


POLICIES = {  # who is let in: without a certificate, with one of another authority, with a good one
    "NoClientCert": (True, True, True),
    "RequestClientCert": (True, True, True),
    "RequireAnyClientCert": (False, True, True),
    "RequireClientCert": (False, True, True),
    "VerifyClientCertIfGiven": (True, False, True),
    "RequireAndVerifyClientCert": (False, False, True),
}


@pytest.mark.parametrize("policy", POLICIES)
def test_has_the_policies_of_go(
    folder: Path, ca: Authority, client: Pair, strangers: "dict[str, Optional[Pair]]", policy: str
) -> None:
    text = TLS + f"  client_auth_type: {policy}\n"
    text += "  client_ca_file: ca.pem\n" if "Verify" in policy else ""
    context = client_context(ca.certificate, client)
    with SecureCollector(folder, config_of(ca, policy, text), context=context) as collector:
        pairs = (None, strangers["another_authority"], client)
        let_in = tuple(get(collector, client_context(ca.certificate, p)) == 200 for p in pairs)
        assert let_in == POLICIES[policy]


def test_lets_in_only_the_names_that_are_listed(folder: Path, ca: Authority) -> None:
    names = [
        "scraper.example",
        "10.1.2.3",
        "ops@example.org",
        "spiffe://example.org/scraper",
        "2001:db8::1",
    ]
    text = MUTUAL + "RequireAndVerifyClientCert\n  client_allowed_sans:\n"
    text += "".join(f"    - '{name}'\n" for name in names)
    good = [
        ca.issue(f"named-{i}", ["other.example", name], client=True) for i, name in enumerate(names)
    ]
    bad = [
        ca.issue(f"unnamed-{i}", found, client=True)
        for i, found in enumerate(
            [
                None,
                ["scraper.example.org"],
                ["10.1.2.4"],
                ["Scraper.example"],
                ["x.scraper.example"],
            ]
        )
    ]
    context = client_context(ca.certificate, good[0])
    with SecureCollector(folder, config_of(ca, "names", text), context=context) as collector:
        for pair in good:
            assert get(collector, client_context(ca.certificate, pair)) == 200, pair.certificate
        for pair in bad:
            assert get(collector, client_context(ca.certificate, pair)) is None, pair.certificate
        collector.wait_for_value(len(bad), REFUSED)


def test_a_certificate_and_a_password_are_both_needed_where_both_are_asked_for(
    folder: Path, ca: Authority, client: Pair
) -> None:
    text = (
        MUTUAL + f"RequireAndVerifyClientCert\nbasic_auth_users:\n  ann: {bcrypt_hash('secret')}\n"
    )
    context = client_context(ca.certificate, client)
    with SecureCollector(folder, config_of(ca, "both", text), context=context) as collector:
        assert collector.request("/metrics").status == 401
        assert (
            collector.request(
                "/metrics", headers={"Authorization": authorization("ann", "secret")}
            ).status
            == 200
        )
        assert get(collector, client_context(ca.certificate)) is None
