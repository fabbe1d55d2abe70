#!/bin/sh
# Installs the services that `make bench` can compare with, by package name, into a folder of their own outside the project:
# SLUICE_BENCH_PEERS, by default ~/.cache/sluice-peers. What is there already is left alone; what cannot be had is named and left out.
# It takes some minutes and 2 GB; needs python3 with venv, and npm.
set -u
PEERS=${SLUICE_BENCH_PEERS:-$HOME/.cache/sluice-peers}
mkdir -p "$PEERS" && cd "$PEERS" || exit 1
missing=''

bring() { # name, file that shows it is there, command …
  name=$1 file=$2
  shift 2
  [ -e "$PEERS/$file" ] && return
  echo "== $name"
  "$@" >"$PEERS/$name.log" 2>&1 && [ -e "$PEERS/$file" ] && return
  echo "   it could not be installed; $PEERS/$name.log says why"
  missing="$missing $name"
}

python_packages() { # folder, packages …
  folder=$1
  shift
  { [ -x "$PEERS/$folder/bin/pip" ] || python3 -m venv "$PEERS/$folder"; } && "$PEERS/$folder/bin/pip" install --quiet "$@"
}

portkey() (
  mkdir -p "$PEERS/portkey" && cd "$PEERS/portkey" || return
  # The newest server package that it allows answers every streamed request with 500; the oldest works.
  printf '{ "private": true, "overrides": { "@hono/node-server": "1.3.3" } }\n' >package.json
  npm install --no-audit --no-fund @portkey-ai/gateway
)

bring rolter compiled/bin/rolter python_packages compiled rolter
bring ferrogw compiled/bin/ferrogw python_packages compiled ferrogw
bring portkey portkey/node_modules/@portkey-ai/gateway portkey
bring fastapi fastapi/bin/uvicorn python_packages fastapi fastapi 'uvicorn[standard]' openai pydantic
bring litellm litellm/bin/litellm python_packages litellm 'litellm[proxy]'

[ -z "$missing" ] && echo "All of them are in $PEERS" || echo "Left out:$missing"
