#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# runtime.sh collector|backend - installs the Debian packages that what was built needs to run
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
readonly root
# shellcheck source=deployment/containers/common.sh
source "$root/deployment/containers/common.sh"

case ${1-} in
collector) install_packages libmicrohttpd12 liburcu8 libdeflate0 libgnutls30 libyaml-0-2 libcrypt1 ;;
backend) install_packages python3 ca-certificates ;;
*) fail "usage: runtime.sh collector|backend" ;;
esac
