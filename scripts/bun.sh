#!/bin/sh
# Runs Bun of the version in .bun-version, and brings it and the packages of this project first where they are missing:
#   sh scripts/bun.sh src/main.ts serve
# It needs a bun of that version, or npm. With nothing to bring it writes nothing and asks no network.
set -eu

called_in=$PWD
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd -P)
cd -- "$root"
version=$(tr -d '[:space:]' <.bun-version)
tools=$root/.tools
own=$tools/bun-$version/bun
stamp=node_modules/.installed

fail() {
  printf 'sluice: %s\n' "$1" >&2
  exit 1
}

is_right() {
  [ "$("$1" --version 2>/dev/null </dev/null)" = "$version" ]
}

find_bun() {
  found=$(command -v bun 2>/dev/null || true)
  if [ -n "$found" ] && is_right "$found"; then
    bun=$found
  elif [ -x "$own" ] && is_right "$own"; then
    bun=$own
  else
    return 1
  fi
}

# What the packages were installed from: another lock, another Bun or another kind of machine installs them anew.
wanted() {
  printf '%s %s ' "$version" "$(uname -sm)"
  cksum <bun.lock
}

has_packages() {
  [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(wanted)" ]
}

require_writable() {
  if [ -e "$1" ] && [ ! -w "$1" ]; then
    fail "$1 does not belong to $(id -un), who starts this. Start it as its owner, or hand it over: chown -R $(id -un) '$root'"
  fi
}

# The binary is moved into place as the last step, in one go, so that an install that was killed is an install that never was.
bring_bun() {
  command -v npm >/dev/null 2>&1 || fail "Bun $version is needed, and neither it nor npm is here.
  Install Node.js (https://nodejs.org), which brings npm, or Bun $version (https://bun.com/docs/installation), and try again."
  printf 'sluice: installing Bun %s into .tools (once)\n' "$version" >&2
  attempt=$tools/attempt.$$
  rm -rf "$tools"/attempt.*
  mkdir -p "$attempt" "${own%/*}"
  printf '{"private":true}\n' >"$attempt/package.json"
  # Settings of the user's npm that would send the package elsewhere or leave half of it out are overruled one by one.
  # No install script runs: the binary is taken from the package of this platform.
  if ! (
    cd -- "$attempt"
    if [ ! -w "${HOME:-/nonexistent}" ]; then
      export HOME="$attempt"
    fi
    npm install --prefix "$attempt" --location=project --no-global --no-save --no-package-lock --ignore-scripts \
      --include=optional --no-dry-run --no-audit --no-fund --no-update-notifier --loglevel=error "bun@$version" >&2
  ); then
    rm -rf "$attempt"
    fail "npm could not install bun@$version (its words are above). Check the network, or install Bun $version yourself and try again."
  fi
  for candidate in "$attempt"/node_modules/@oven/bun-*/bin/bun "$attempt"/node_modules/@oven/bun-*/bin/bun.exe; do
    if [ -f "$candidate" ]; then
      chmod 755 "$candidate"
      if is_right "$candidate"; then
        mv -f "$candidate" "$own"
        break
      fi
    fi
  done
  rm -rf "$attempt"
  find_bun || fail "the package bun@$version holds no program that runs on $(uname -sm). Install Bun $version yourself (https://bun.com/docs/installation) and try again."
}

bring_packages() {
  require_writable node_modules
  printf 'sluice: installing the packages of bun.lock\n' >&2
  rm -f "$stamp"
  if [ ! -w "${HOME:-/nonexistent}" ]; then
    export BUN_INSTALL_CACHE_DIR="$tools/cache"
  fi
  "$bun" install --frozen-lockfile --ignore-scripts >&2 ||
    fail "the packages could not be installed (the reason is above). Check the network and try again."
  wanted >"$stamp.$$"
  mv -f "$stamp.$$" "$stamp"
}

if ! { find_bun && has_packages; }; then
  require_writable .
  mkdir -p "$tools"
  require_writable "$tools"
  # One at a time where the system has flock: the lock goes with the process that held it, however that ended.
  exec 9>"$tools/lock"
  if command -v flock >/dev/null 2>&1; then
    flock 9
  fi
  find_bun || bring_bun
  has_packages || bring_packages
  exec 9>&-
fi

if [ $# -eq 0 ]; then
  exit 0
fi
cd -- "$called_in"
PATH=${bun%/*}:$root/node_modules/.bin:$PATH
# Bun reads these before any code runs. The first is for tests that play many callers: its fetch would let no more than 256 calls out at once.
# The second keeps freed memory for ten seconds: to give it back at once, and to ask for it again, costs a call 4 to 7 % of its CPU.
: "${BUN_CONFIG_MAX_HTTP_REQUESTS:=16384}" "${MIMALLOC_PURGE_DELAY:=10000}"
export PATH BUN_CONFIG_MAX_HTTP_REQUESTS MIMALLOC_PURGE_DELAY
exec "$bun" "$@"
