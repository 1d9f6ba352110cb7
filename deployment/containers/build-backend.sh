#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# build-backend.sh PREFIX - installs the reference backend there, in a virtual environment; Debian 12
#
# What is in PREFIX knows the path: it is to be copied to the same.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
readonly root prefix=${1:?usage: build-backend.sh PREFIX}
# shellcheck source=deployment/containers/common.sh
source "$root/deployment/containers/common.sh"

install_packages build-essential pkg-config cmake ninja-build python3 python3-dev python3-venv ca-certificates \
	libxxhash-dev
say "Installing shmetrics and the backend"
run_logged venv "$(choose_python)" -m venv "$prefix"
run_logged pip "$prefix/bin/pip" install --disable-pip-version-check \
	--config-settings cmake.define.SMX_BUILD_COLLECTOR=OFF \
	-r "$root/deployment/demo/requirements.txt" "$root"
cp -r "$root/deployment/demo/src" "$root/deployment/demo/standins" "$prefix"
