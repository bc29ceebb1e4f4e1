#!/usr/bin/env bash
# Kills rely at a random moment of a sign-in or a renewal, 200 times over, and
# checks after each that the store can be read: the session is the old one or
# the new one, never neither. A killed renewal may cost the refresh token,
# which the provider has replaced by then: that is "sign in again" (4), and
# anything about the store (3) is a failure.
#
#   test/kill9.sh PATH_OF_RELY [ROUNDS]
set -euo pipefail
rely=$1 rounds=${2:-200}
work=$(mktemp -d)
export RELY_HOME=$work/home
trap 'kill "$op" 2>/dev/null || true; rm -rf "$work"' EXIT
printf 'wonderland-1865\n' >"$work/pw"
"$rely" op --listen 127.0.0.1:0 >"$work/issuer" 2>/dev/null &
op=$!
until [ -s "$work/issuer" ]; do kill -0 "$op"; done
issuer=$(cat "$work/issuer")
login=("$rely" login "$issuer" -p a --client-id demo --browser forms --username alice --password-file "$work/pw" --quiet)
"${login[@]}"
killed=0 again=0
for round in $(seq "$rounds"); do
  if [ $((round % 2)) = 0 ]; then "${login[@]}" & else "$rely" tokens -p a --force >/dev/null 2>&1 & fi
  victim=$!
  # From 0 to 39 ms: a sign-in takes about 40, a renewal about 15.
  read -rt "0.0$(printf '%02d' $((RANDOM % 40)))" <> <(:) || true
  kill -9 "$victim" 2>/dev/null && killed=$((killed + 1))
  wait "$victim" 2>/dev/null || true
  status=0
  "$rely" tokens -p a >/dev/null 2>"$work/err" || status=$?
  case $status in
    0) ;;
    4) again=$((again + 1)); "${login[@]}" ;;
    *) echo "round $round: exit $status"; cat "$work/err"; exit 1 ;;
  esac
  "$rely" profile list -o json >"$work/list"
  if grep -q trouble "$work/list"; then cat "$work/list"; exit 1; fi
done
left=$(find "$RELY_HOME" -name '*.tmp*' | wc -l)
echo "kill -9: $rounds rounds, $killed killed in the act, $again to sign in again, store readable after each, $left unfinished files left"
