#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# build-collector.sh PREFIX - installs the collector, the command and the library there; Debian 12
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
readonly root prefix=${1:?usage: build-collector.sh PREFIX}
# shellcheck source=deployment/containers/common.sh
source "$root/deployment/containers/common.sh"

install_packages build-essential cmake ninja-build pkg-config libmicrohttpd-dev liburcu-dev libdeflate-dev \
	libgnutls28-dev libyaml-dev libcrypt-dev libxxhash-dev
say "Building the collector"
run_logged cmake cmake -S "$root" -B "$root/build/container" -G Ninja -DCMAKE_BUILD_TYPE=Release \
	-DSMX_BUILD_TESTS=OFF -DSMX_BUILD_BENCH=OFF -DSMX_BUILD_COLLECTOR=ON
run_logged ninja cmake --build "$root/build/container"
run_logged install cmake --install "$root/build/container" --prefix "$prefix" --strip
