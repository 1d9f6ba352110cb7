# SPDX-License-Identifier: MIT
"""test_collector_web_config - the web configuration file: what is taken, and what is refused with which words

Each refusal names the file, the line and the rule; the process does not start.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Dict, Iterator, Tuple

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from certificates import Authority, make_key, write_key  # noqa: E402
from collector import COLLECTOR, segment_folder  # noqa: E402
from secure import SecureCollector, bcrypt_hash, check_config  # noqa: E402

HASH = "$2y$10$abcdefghijklmnopqrstuuAyWb0o0bB9ZCXRHYJ0o4XWq3Kk5s5mC"
TLS = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"
NAMES = (
    "NoClientCert, RequestClientCert, RequireAnyClientCert, VerifyClientCertIfGiven or "
    "RequireAndVerifyClientCert"
)
HEADERS = (
    "Content-Security-Policy, Strict-Transport-Security, X-Content-Type-Options, X-Frame-Options, "
    "X-XSS-Protection"
)
NOT_BCRYPT = 'the password of "a" must be a bcrypt hash, as made by: htpasswd -nBC 10 ""'

# What the file says, and the message without the file's name; {folder} is where it is.
BAD: Dict[str, Tuple[str, str]] = {
    "no_yaml": ("a: [", "2: is no YAML: did not find expected node content"),
    "a_tab": (
        "tls_server_config:\n\tcert_file: x\n",
        "2: is no YAML: found character that cannot start any token",
    ),
    "a_list": ("- a\n", "1: the file: must be a mapping"),
    "a_text": ("tls\n", "1: the file: must be a mapping"),
    "two_documents": (
        "---\nbasic_auth_users: {a: '" + HASH + "'}\n---\na: b\n",
        "4: there is a second document",
    ),
    "unknown_section": ("tls_config:\n  cert_file: x\n", '1: the file: unknown key "tls_config"'),
    "unknown_key": (TLS + "  cert: x\n", '4: tls_server_config: unknown key "cert"'),
    "unknown_http_key": (
        "http_server_config:\n  http3: true\n",
        '2: http_server_config: unknown key "http3"',
    ),
    "a_section_twice": ("\n" + TLS + TLS, '5: the file: "tls_server_config" is there twice'),
    "a_key_twice": (
        TLS + "  key_file: server.key\n",
        '4: tls_server_config: "key_file" is there twice',
    ),
    "a_key_that_is_a_list": ("? [a, b]\n: c\n", "1: the file: has a key that is not a text"),
    "section_is_a_text": ("tls_server_config: on\n", "1: tls_server_config: must be a mapping"),
    "section_is_empty": ("basic_auth_users:\n", "1: basic_auth_users: must be a mapping"),
    "no_users": ("basic_auth_users: {}\n", "1: basic_auth_users: must not be an empty mapping"),
    "no_certificate": (
        "tls_server_config:\n  key_file: server.key\n",
        "2: tls_server_config: cert_file is missing",
    ),
    "no_key": (
        "tls_server_config:\n  cert_file: server.pem\n",
        "2: tls_server_config: key_file is missing",
    ),
    "text_is_a_list": (
        "tls_server_config:\n  cert_file: [a]\n",
        "2: cert_file: must be a text that is not empty",
    ),
    "text_is_nothing": (
        "tls_server_config:\n  cert_file:\n",
        "2: cert_file: must be a text that is not empty",
    ),
    "text_with_a_nul": (
        'tls_server_config:\n  cert_file: "a\\0b"\n',
        "2: cert_file: must be a text that is not empty",
    ),
    "list_is_a_text": (TLS + "  cipher_suites: all\n", "4: cipher_suites: must be a list of texts"),
    "list_is_empty": (TLS + "  cipher_suites: []\n", "4: cipher_suites: must not be an empty list"),
    "list_of_lists": (
        TLS + "  curve_preferences:\n    - [X25519]\n",
        "5: curve_preferences: must be a text that is not empty",
    ),
    "bool_is_a_number": ("http_server_config:\n  http2: 1\n", "2: http2: must be true or false"),
    "bool_is_quoted": (
        TLS + "  prefer_server_cipher_suites: 'true'\n",
        "4: prefer_server_cipher_suites: must be true or false",
    ),
    "certificate_not_there": (
        "tls_server_config:\n  cert_file: absent.pem\n  key_file: server.key\n",
        '2: cert_file: cannot read "{folder}/absent.pem": No such file or directory',
    ),
    "key_not_there": (
        "tls_server_config:\n  cert_file: server.pem\n  key_file: /absent.key\n",
        '3: key_file: cannot read "/absent.key": No such file or directory',
    ),
    "certificate_is_a_folder": (
        "tls_server_config:\n  cert_file: .\n  key_file: server.key\n",
        '2: cert_file: "{folder}/." is not a file',
    ),
    "certificate_is_a_pipe": (
        "tls_server_config:\n  cert_file: pipe\n  key_file: server.key\n",
        '2: cert_file: "{folder}/pipe" is not a file',
    ),
    "certificate_too_large": (
        "tls_server_config:\n  cert_file: large\n  key_file: server.key\n",
        '2: cert_file: "{folder}/large" is larger than 1 MiB',
    ),
    "certificate_is_empty": (
        "tls_server_config:\n  cert_file: empty\n  key_file: server.key\n",
        '2: cert_file: "{folder}/empty" is no certificate in PEM: No certificate was found.',
    ),
    "certificate_is_a_key": (
        "tls_server_config:\n  cert_file: server.key\n  key_file: server.key\n",
        '2: cert_file: "{folder}/server.key" is no certificate in PEM: No certificate was found.',
    ),
    "key_is_a_certificate": (
        "tls_server_config:\n  cert_file: server.pem\n  key_file: server.pem\n",
        '3: key_file: "{folder}/server.pem" is no private key in PEM without a password: ',
    ),
    "key_with_a_password": (
        "tls_server_config:\n  cert_file: server.pem\n  key_file: locked.key\n",
        '3: key_file: "{folder}/locked.key" is no private key in PEM without a password: ',
    ),
    "key_of_another": (
        "tls_server_config:\n  cert_file: server.pem\n  key_file: other.key\n",
        '3: key_file: "{folder}/other.key" is not the key of the certificate "{folder}/server.pem"',
    ),
    "client_auth_unknown": (
        TLS + "  client_auth_type: Always\n",
        f'4: client_auth_type: must be {NAMES}, not "Always"',
    ),
    "client_auth_without_ca": (
        TLS + "  client_auth_type: RequireAndVerifyClientCert\n",
        "4: client_auth_type: RequireAndVerifyClientCert needs a client_ca_file",
    ),
    "ca_without_client_auth": (
        TLS + "  client_ca_file: ca.pem\n",
        "4: client_ca_file: has no effect with the client_auth_type NoClientCert",
    ),
    "ca_not_there": (
        TLS + "  client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: absent.pem\n",
        '5: client_ca_file: cannot read "{folder}/absent.pem": No such file or directory',
    ),
    "ca_is_empty": (
        TLS + "  client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: empty\n",
        '5: client_ca_file: "{folder}/empty" has no certificate in PEM',
    ),
    "sans_without_ca": (
        TLS + "  client_auth_type: RequireAnyClientCert\n  client_allowed_sans: [a]\n",
        "5: client_allowed_sans: has no effect with the client_auth_type RequireAnyClientCert",
    ),
    "min_version": (
        TLS + "  min_version: TLS14\n",
        '4: min_version: must be TLS10, TLS11, TLS12 or TLS13, not "TLS14"',
    ),
    "max_version": (
        TLS + "  max_version: 1.3\n",
        '4: max_version: must be TLS10, TLS11, TLS12 or TLS13, not "1.3"',
    ),
    "versions_crossed": (
        TLS + "  min_version: TLS13\n  max_version: TLS12\n",
        "5: max_version: TLS12 is below min_version, TLS13",
    ),
    "suite_unknown": (
        TLS + "  cipher_suites:\n    - TLS_AES_128_GCM_SHA256\n    - TLS_RSA_WITH_RC4_128_SHA\n",
        '6: cipher_suites: unknown or insecure suite "TLS_RSA_WITH_RC4_128_SHA"',
    ),
    "suite_of_another_key": (
        TLS + "  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]\n",
        "4: cipher_suites: none fits the key of the certificate, which is ECDSA",
    ),
    "curve_unknown": (
        TLS + "  curve_preferences: [CurveP224]\n",
        '4: curve_preferences: must be CurveP256, CurveP384, CurveP521 or X25519, not "CurveP224"',
    ),
    "header_unknown": (
        "http_server_config:\n  headers:\n    X-Mine: a\n",
        f'3: headers: "X-Mine" cannot be set; these can: {HEADERS}',
    ),
    "header_value": (
        "http_server_config:\n  headers:\n    X-Frame-Options: maybe\n",
        "3: X-Frame-Options: must be deny or sameorigin",
    ),
    "header_with_a_line_break": (
        'http_server_config:\n  headers:\n    Content-Security-Policy: "a\\r\\nSet-Cookie: b"\n',
        "3: Content-Security-Policy: must be printable ASCII",
    ),
    "password_in_clear": ("basic_auth_users:\n  a: secret\n", "2: basic_auth_users: " + NOT_BCRYPT),
    "password_in_md5": (
        "basic_auth_users:\n  a: $apr1$xyz$\n",
        "2: basic_auth_users: " + NOT_BCRYPT,
    ),
    "password_cut_short": (
        f"basic_auth_users:\n  a: {HASH[:-1]}\n",
        "2: basic_auth_users: " + NOT_BCRYPT,
    ),
    "password_of_2x": (
        f"basic_auth_users:\n  a: {HASH.replace('2y', '2x')}\n",
        "2: basic_auth_users: " + NOT_BCRYPT,
    ),
    "cost_too_high": (
        f"basic_auth_users:\n  a: {HASH.replace('$10$', '$16$')}\n",
        '2: basic_auth_users: the bcrypt cost of "a" must be from 4 to 15',
    ),
    "cost_too_low": (
        f"basic_auth_users:\n  a: {HASH.replace('$10$', '$03$')}\n",
        '2: basic_auth_users: the bcrypt cost of "a" must be from 4 to 15',
    ),
    "user_with_a_colon": (
        f"basic_auth_users:\n  'a:b': {HASH}\n",
        '2: basic_auth_users: "a:b" must not be empty nor have a colon',
    ),
    "user_without_a_name": (
        f"basic_auth_users:\n  '': {HASH}\n",
        '2: basic_auth_users: "" must not be empty nor have a colon',
    ),
    "user_twice": (
        f"basic_auth_users:\n  a: {HASH}\n  a: {HASH}\n",
        '3: basic_auth_users: "a" is there twice',
    ),
    "brackets": ("\ntls_server_config: " + "[" * 500_000, "2: is nested more than 16 deep"),
    "dashes": ("- " * 500_000, "1: is nested more than 16 deep"),
    "password_is_a_list": (
        f"basic_auth_users:\n  a: [{HASH}]\n",
        "2: a: must be a text that is not empty",
    ),
}

GOOD: Dict[str, str] = {
    "nothing": "",
    "only_comments": "# nothing yet\n",
    "tls": TLS,
    "absolute_paths": "tls_server_config:\n  cert_file: {folder}/server.pem\n"
    + "  key_file: {folder}/server.key\n",
    "everything": TLS
    + "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n"
    + "  client_allowed_sans: [prometheus.example, 10.0.0.1]\n  min_version: TLS12\n  max_version: TLS13\n"
    + "  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_AES_256_GCM_SHA384]\n"
    + "  curve_preferences: [X25519, CurveP256]\n  prefer_server_cipher_suites: no\n"
    + "http_server_config:\n  http2: false\n  headers:\n    X-Frame-Options: deny\n"
    + f"basic_auth_users:\n  a: {HASH}\n  'b c': '{HASH.replace('2y', '2b')}'\n",
    "an_rsa_key": "tls_server_config:\n  cert_file: rsa.pem\n  key_file: rsa.key\n  min_version: TLS10\n"
    + "  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]\n",
    "flow_style": '{"basic_auth_users": {"a": "' + HASH + '"}}',
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("web")
    authority = Authority(path, "ca")
    authority.issue("server")
    authority.issue("other")
    authority.issue("rsa", kind="rsa")
    authority.issue("expired", from_day=-2, to_day=-1)
    authority.issue("early", from_day=1, to_day=2)
    write_key(make_key(), path / "locked.key", b"password")
    (path / "empty").write_bytes(b"")
    (path / "large").write_bytes(b"\n" * ((1 << 20) + 1))
    os.mkfifo(path / "pipe")
    return path


@pytest.fixture
def segments() -> Iterator[Path]:
    with segment_folder() as path:
        yield path


@pytest.mark.parametrize("name", BAD)
def test_names_the_file_the_line_and_the_rule(folder: Path, name: str) -> None:
    text, message = BAD[name]
    path = folder / f"bad-{name}.yml"
    path.write_text(text)
    result = check_config(path)
    expected = f"shmetrics-collector: {path}:{message.format(folder=folder)}"
    assert (result.returncode, result.stdout) == (2, "")
    if expected.endswith(": "):  # GnuTLS goes on
        assert result.stderr.startswith(expected)
        assert result.stderr.count("\n") == 1
    else:
        assert result.stderr == expected + "\n"


@pytest.mark.parametrize("name", GOOD)
def test_takes_a_good_file(folder: Path, name: str) -> None:
    path = folder / f"good-{name}.yml"
    path.write_text(GOOD[name].replace("{folder}", str(folder)))
    result = check_config(path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "the configuration is good\n"


def test_does_not_start_with_a_bad_file(folder: Path, segments: Path) -> None:
    path = folder / "start.yml"
    path.write_text("a: b\n")
    result = subprocess.run(
        [
            str(COLLECTOR),
            f"--segment.dir={segments}",
            "--web.listen-address=127.0.0.1:0",
            f"--web.config.file={path}",
        ],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert result.returncode == 2
    assert result.stderr == f'shmetrics-collector: {path}:1: the file: unknown key "a"\n'


def test_names_a_file_that_is_not_there(folder: Path) -> None:
    result = check_config(folder / "absent.yml")
    assert result.returncode == 2
    assert result.stderr == (
        f'shmetrics-collector: {folder}/absent.yml: cannot read "{folder}/absent.yml": '
        "No such file or directory\n"
    )


def test_survives_any_cut_of_a_good_file(folder: Path) -> None:
    """No prefix of it makes the reader crash; what is no configuration is refused in one line."""
    whole = GOOD["everything"]
    path = folder / "cut.yml"
    for size in range(0, len(whole), 23):
        path.write_text(whole[:size])
        result = check_config(path)
        assert result.returncode in (0, 2), (size, result.stderr)
        assert result.stderr.count("\n") == (1 if result.returncode else 0), result.stderr


def test_follows_an_alias_and_no_circle(folder: Path) -> None:
    path = folder / "alias.yml"
    path.write_text(f"basic_auth_users:\n  a: &h {HASH}\n  b: *h\n")
    assert check_config(path).returncode == 0
    path.write_text("basic_auth_users: &x\n  a: *x\n")
    result = check_config(path)
    assert result.returncode == 2
    assert result.stderr.endswith("alias.yml:1: a: must be a text that is not empty\n")


@pytest.mark.parametrize(
    "name, said", [("expired", "the certificate has expired"), ("early", "the certificate is not valid yet")]
)
def test_warns_of_a_certificate_at_the_wrong_time(folder: Path, name: str, said: str) -> None:
    path = folder / "when.yml"
    path.write_text(f"tls_server_config:\n  cert_file: {name}.pem\n  key_file: {name}.key\n")
    result = check_config(path)
    assert result.returncode == 0
    assert f'msg="{said}"' in result.stderr


def test_says_that_http2_is_ignored(folder: Path) -> None:
    path = folder / "http2.yml"
    path.write_text("http_server_config:\n  http2: true\n")
    result = check_config(path)
    assert result.returncode == 0
    assert 'msg="http2 is ignored: HTTP/1.1 is served"' in result.stderr


def test_checks_addresses_without_taking_the_port(folder: Path, segments: Path) -> None:
    path = folder / "address.yml"
    path.write_text("")
    with SecureCollector(segments, path) as collector:
        assert (
            check_config(path, f"--web.listen-address=127.0.0.1:{collector.port}").returncode == 0
        )
    result = check_config(path, "--web.listen-address=192.0.2.1:9798")
    assert result.returncode == 2
    assert result.stderr == (
        'shmetrics-collector: --web.listen-address "192.0.2.1:9798": cannot be listened on: '
        "Cannot assign requested address\n"
    )


def test_sets_headers(folder: Path, segments: Path) -> None:
    path = folder / "headers.yml"
    path.write_text(
        "http_server_config:\n  headers:\n    X-Frame-Options: sameorigin\n"
        "    Content-Security-Policy: default-src 'self'\n    Strict-Transport-Security: max-age=60\n"
        f"basic_auth_users:\n  a: {bcrypt_hash('b')}\n"
    )
    with SecureCollector(segments, path) as collector:
        for target in ("/", "/metrics", "/nowhere"):
            headers = collector.request(target).headers
            assert headers.get_all("X-Frame-Options") == ["sameorigin"]
            assert headers.get_all("Content-Security-Policy") == ["default-src 'self'"]
            assert headers.get_all("Strict-Transport-Security") == ["max-age=60"]
            assert headers.get_all("X-Content-Type-Options") == ["nosniff"]
