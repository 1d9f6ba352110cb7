#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_expositions.py PRINT_EXPOSITION [SEEDS] - what is served parses, whatever it is of (I12)

Every scrape of every seed must satisfy the strict checker in all formats, in text promtool too, where
that is installed.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import expocheck  # noqa: E402

SCRAPES = 10
PARSERS = (expocheck.Text004, expocheck.OpenMetrics, expocheck.Protobuf, expocheck.OpenMetrics2)
FORMATS = len(PARSERS)
PARSE_ERROR = 1  # of promtool; 3 means that it does not like the names


def main(program: str, seed_count: int = 200) -> int:
    promtool = shutil.which("promtool")
    scrape_count = sample_count = 0
    for seed in range(seed_count):
        output = subprocess.run(
            [program, str(seed), str(SCRAPES)], stdout=subprocess.PIPE, check=True
        )
        scrapes = output.stdout.split(b"---\n")[:-1]
        assert len(scrapes) == FORMATS * SCRAPES
        for number, body in enumerate(scrapes):
            parser = PARSERS[number % FORMATS]
            if parser is expocheck.Protobuf:
                body = bytes.fromhex(body.decode())
            try:
                samples = expocheck.parse(body, parser)
            except expocheck.Violation as violation:
                print(f"seed {seed}, scrape {number // FORMATS}, {parser.__name__}: {violation}")
                sys.stdout.buffer.write(body)
                return 1
            scrape_count += 1
            sample_count += len(samples)
        if promtool and seed % 10 == 0:
            judged = subprocess.run(
                [promtool, "check", "metrics"], input=scrapes[-FORMATS], capture_output=True
            )
            if judged.returncode == PARSE_ERROR:
                print(f"seed {seed}: promtool: {judged.stderr.decode()}")
                return 1
    verdict = "agrees" if promtool else "is not here"
    print(f"{scrape_count} scrapes, {sample_count} samples; promtool {verdict}")
    return 0 if sample_count > 20 * scrape_count else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *map(int, sys.argv[2:])))
