# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# common.sh - sourced by the scripts that make the images: how they speak, and that they leave no lists of packages
#
# The caller has set root, the folder of the project.

say() { printf '==> %s\n' "$*"; }
fail() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

logs=$(mktemp -d)
trap 'allow_services; rm -rf "$logs"' EXIT
# Lists of packages are read into a folder that goes away, so that they do not stay in a layer of the image.
mkdir -p "$logs/lists/partial"
printf 'Dir::State::Lists "%s";\nAPT::Sandbox::User "root";\n' "$logs/lists" >"$logs/apt.conf"
export APT_CONFIG=$logs/apt.conf
# shellcheck source=deployment/prepare.sh
source "$root/deployment/prepare.sh"
