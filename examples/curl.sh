#!/bin/sh
# Sluice with curl: an answer, the same as a stream, a ready task behind a sign-in, and a template.
#   SLUICE_URL=http://127.0.0.1:8000 SLUICE_PASSWORD=… sh examples/curl.sh
set -eu

url=${SLUICE_URL:-http://127.0.0.1:8000}
user=${SLUICE_USERNAME:-admin}
password=${SLUICE_PASSWORD:?is needed: the password of the first user, printed once by the first start, or your ADMIN_PASSWORD}

post() {
  path=$1
  body=$2
  shift 2
  curl --silent --show-error --fail-with-body --header 'Content-Type: application/json' "$@" --data "$body" "$url$path"
}

echo '# An answer'
post /generate '{"prompt": "Say hello in one sentence."}'
echo

echo '# The same, piece by piece (Server-Sent Events)'
post '/generate?stream=true' '{"prompt": "Count to five."}' --no-buffer

echo '# The same as raw text'
post '/generate?stream=true' '{"prompt": "Count to five."}' --no-buffer --header 'Accept: text/plain'
echo

echo '# Sign in, then a task'
token=$(post /auth/login "{\"username\": \"$user\", \"password\": \"$password\"}" | sed 's/.*"access_token": *"\([^"]*\)".*/\1/')
post /summarize '{"text": "Sluice is a service that a team runs itself. It stands between programs and language models, and keeps count.", "max_words": 12}' \
  --header "Authorization: Bearer $token"
echo

echo '# The templates that there are, and one of them at work'
curl --silent --show-error --fail-with-body "$url/api/v1/templates"
echo
post /api/v1/generate '{"template_id": "translate_v1", "input": "Good morning", "parameters": {"target_language": "French"}}' \
  --header "Authorization: Bearer $token"
echo
