# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# prepare.sh - sourced by the scripts that must run on a machine with nothing but Debian 12 and Python 3
#
# The caller defines say (a line of progress) and fail (a line of error, and exit), and a folder $logs.

is_installed() { [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

show_log() {
	printf '    the end of what %s said:\n' "$1" >&2
	tail -n 25 "$2" | sed 's/^/    | /' >&2
}

# The last line of a log, every $report_seconds: what takes minutes must not look as if it hung. A process of its own
# without children, so that nothing outlives it that has the caller's files open; the kernel ends it with the caller.
report_progress() {
	setpriv --pdeathsig TERM bash -c '
		begin=$SECONDS
		exec {never}<> <(:) # nothing comes: a pipe that it has open itself
		while ! read -rt "$2" -u "$never"; do
			line=$(tail -n 1 "$1" | LC_ALL=C tr -cd "\40-\176" | cut -c 1-75)
			name=${1##*/}
			printf "    ... %d s: %s\n" $((SECONDS - begin)) "${line:-${name%.log}}"
		done' report_progress "$1" "${report_seconds-15}" </dev/null &
}

# run_logged NAME COMMAND...: silent if it goes well and does not take long
run_logged() {
	local name=$1 status=0 reporter
	shift
	: >"$logs/$name.log"
	report_progress "$logs/$name.log"
	reporter=$!
	"$@" >"$logs/$name.log" 2>&1 </dev/null || status=$?
	kill "$reporter" 2>/dev/null || true
	wait "$reporter" 2>/dev/null || true
	if ((status)); then
		show_log "$name" "$logs/$name.log"
		fail "'$name' failed"
	fi
}

# A package's service must not start: whatever starts services in a package's installation asks this file.
policy=''
forbid_services() {
	[[ -e /usr/sbin/policy-rc.d ]] && return
	printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
	policy=/usr/sbin/policy-rc.d
	chmod 755 "$policy"
}
allow_services() {
	[[ -z $policy ]] || rm -f "$policy"
	policy=''
}

# install_packages NAME...: those of Debian's packages that are missing
install_packages() {
	local package missing=()

	if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
		say "No apt-get here: going on with what this system has"
		return
	fi
	for package in "$@"; do
		is_installed "$package" || missing+=("$package")
	done
	((${#missing[@]})) || return 0
	if ((EUID)); then
		fail "these Debian packages are missing; run this as root, or install them as root:" \
			"apt-get update && apt-get install --no-install-recommends ${missing[*]}"
	fi
	say "Installing by apt-get: ${missing[*]}"
	forbid_services
	export DEBIAN_FRONTEND=noninteractive
	run_logged apt-get-update apt-get -o DPkg::Lock::Timeout=300 update
	run_logged apt-get-install apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends \
		"${missing[@]}"
	# Nor at the next boot: nobody asked for it.
	for package in prometheus prometheus-alertmanager victoria-metrics redis-server postgresql nginx \
		haproxy; do
		if [[ " ${missing[*]} " == *" $package "* ]]; then
			deb-systemd-helper disable "$package.service" >/dev/null 2>&1 || true
		fi
	done
	allow_services
}

# The first Python that can make a virtual environment.
choose_python() {
	local candidate

	for candidate in /usr/bin/python3 python3; do
		if "$candidate" -c 'import venv, ensurepip, sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
			command -v "$candidate"
			return
		fi
	done
	fail "no Python 3.10 or later with venv; on Debian: apt-get install python3-venv python3-dev"
}

# make_environment FOLDER PROJECT REQUIREMENTS...: a virtual environment with these requirements files and the
# package of the project in the folder PROJECT; nothing is done where it was made from the same sources before.
make_environment() {
	local folder=$1 project=$2 python stamp file arguments=()
	shift 2
	python=$(choose_python)
	stamp=$({
		"$python" -VV
		cd "$project" || exit
		find pyproject.toml CMakeLists.txt README.md lib include deployment/*/*requirements.txt \
			tests/*requirements.txt tests/*/requirements.txt -type f -not -name '*.pyc' -print0 |
			sort -z | xargs -0 sha256sum
	} | sha256sum)
	if [[ $(cat "$folder/.made-from" 2>/dev/null) == "$stamp" ]]; then
		say "The Python package is up to date (${folder#"$project/"})"
		return
	fi
	say "Installing the Python package and what goes with it into ${folder#"$project/"} ($("$python" -V))"
	rm -f "$folder/.made-from"
	for file in "$@"; do
		arguments+=(-r "$file")
	done
	run_logged venv "$python" -m venv "$folder"
	run_logged pip-requirements "$folder/bin/pip" install --disable-pip-version-check "${arguments[@]}"
	run_logged pip-install "$folder/bin/pip" install --disable-pip-version-check \
		--force-reinstall --no-deps "$project"
	printf '%s' "$stamp" >"$folder/.made-from"
}
