#!/usr/bin/env bash
# Starts OpenLDAP's slapd (Debian's package) on loopback, ldap with StartTLS and ldaps,
# with people who may change their own password and a password policy, and waits until
# it answers.
#
#   start.sh [--foreground]   prints KEY=value lines (LDAP_URI, LDAPS_URI, OP_CA, OP_PID ...)
#                             and writes them to $OP_DIR/env; stop it with stop.sh "$OP_DIR"
#   start.sh --fetch          only fetches the packages, and fails when it cannot
#
# Nothing is installed: the packages are unpacked into $OP_CACHE, together with the
# libraries that the machine lacks. That needs a Debian or Ubuntu, but not root.
#
# OP_PORT   ldap port (default 9389; 0 picks a free pair); ldaps is the next one
# OP_DIR    data directory (default: a new one under $TMPDIR)
# OP_CACHE  where unpacked packages are kept between runs
# OP_USERS  "name:password,name:password"
set -euo pipefail
tmp=${TMPDIR:-/tmp}
foreground='' fetch=''
case ${1:-} in --foreground) foreground=1 ;; --fetch) fetch=1 ;; esac

say() { printf '%s\n' "$*" >&2; }
die() { say "start.sh: $*"; exit 1; }
busy() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
free_pair() {
  local p
  for _ in $(seq 50); do
    p=$((20000 + RANDOM % 12000))
    busy "$p" || busy $((p + 1)) || { echo "$p"; return; }
  done
  die 'no free port found'
}
cache=${OP_CACHE:-$tmp/ops-cache-$(id -u)}/slapd
mkdir -p "$cache"; [ -O "$cache" ] || die "$cache belongs to somebody else"

# --- packages (once per cache)
for tool in apt-get dpkg openssl; do
  command -v "$tool" >/dev/null || die "$tool is missing"
done
root=$cache/unpacked
# where the unpacked libraries are, for LD_LIBRARY_PATH
libraries() {
  local IFS=: folders=("$root"/usr/lib/*-linux-gnu "$root"/lib/*-linux-gnu)
  echo "${folders[*]}"
}
lacking() {
  LD_LIBRARY_PATH=$(libraries) ldd "$root/usr/sbin/slapd" "$root/usr/bin/ldapsearch" |
    awk '/not found/ { print $1 }' | sort -u
}
depends() {
  apt-cache depends --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances "$@"
}
update() {
  if [ "$(id -u)" = 0 ]; then apt-get update -q; else sudo -n apt-get update -q; fi
}
download() {
  local names=(slapd ldap-utils) direct lib
  mapfile -t direct < <(depends slapd ldap-utils | awk '$1 == "Depends:" && $2 ~ /^(lib|zlib)/ { print $2 }' | sort -u)
  for lib in $(depends --recurse "${direct[@]}" | grep -E '^(lib|zlib)' | sort -u); do
    dpkg-query -W -f='${db:Status-Status}' "$lib" 2>/dev/null | grep -qx installed || names+=("$lib")
  done
  (cd debs && apt-get download -q "${names[@]}")
}
(
  flock 9
  # kept by an earlier run, and the machine still has what it had then
  if [ ! -e "$root/.done" ] || [ -n "$(lacking)" ]; then
    # their maintainer scripts would want a service manager and a database
    cd "$cache"
    rm -rf unpacked debs; mkdir unpacked debs
    chmod 777 debs # apt-get, as root, gives up its rights to download
    { download || { update && download; }; } >apt.log 2>&1 || { cat apt.log >&2; die 'cannot fetch slapd'; }
    for deb in debs/*.deb; do dpkg -x "$deb" "$root"; done
    rm -rf debs
    [ -z "$(lacking)" ] || die "slapd lacks $(lacking | tr '\n' ' ')"
    touch "$root/.done"
  fi
) 9>"$cache/lock"
[ -z "$fetch" ] || exit 0
export LD_LIBRARY_PATH=$(libraries)${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}

# --- data directory and ports
port=${OP_PORT:-9389}; [ "$port" = 0 ] && port=$(free_pair)
tlsport=$((port + 1))
for p in "$port" "$tlsport"; do busy "$p" && die "port $p is in use"; done
[ -n "${OP_DIR:-}" ] || OP_DIR=$(mktemp -d "$tmp/op-slapd.XXXXXX")
mkdir -p "$OP_DIR"; OP_DIR=$(cd "$OP_DIR" && pwd); chmod 700 "$OP_DIR"
case $OP_DIR in *[[:space:]]*) die 'OP_DIR may not contain blanks' ;; esac

# --- throwaway CA and server certificate
tls=$OP_DIR/tls
if [ ! -e "$tls/server.crt" ]; then
  mkdir -p "$tls"; chmod 700 "$tls"
  (
    cd "$tls"
    key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null; }
    key ca.key; key server.key
    openssl req -x509 -new -key ca.key -days 30 -sha256 -subj '/CN=Throwaway test CA' \
      -addext keyUsage=critical,keyCertSign,cRLSign -out ca.crt 2>/dev/null
    openssl req -new -key server.key -subj /CN=localhost -out server.csr 2>/dev/null
    printf '%s\n' subjectAltName=DNS:localhost,IP:127.0.0.1 extendedKeyUsage=serverAuth basicConstraints=CA:FALSE >ext
    openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -sha256 -extfile ext -out server.crt 2>/dev/null
    rm -f server.csr ext
  )
fi

base=dc=example,dc=com
conf=$OP_DIR/slapd.conf
if [ ! -e "$OP_DIR/db" ]; then
  mkdir -p "$OP_DIR/db"
  {
    for s in core cosine inetorgperson nis; do echo "include $root/etc/ldap/schema/$s.schema"; done
    cat <<CONF
modulepath $root/usr/lib/ldap
moduleload back_mdb
moduleload ppolicy
pidfile $OP_DIR/slapd.pid
TLSCACertificateFile $tls/ca.crt
TLSCertificateFile $tls/server.crt
TLSCertificateKeyFile $tls/server.key
security simple_bind=128 update_tls=128
database mdb
maxsize 67108864
suffix "$base"
rootdn "cn=admin,$base"
rootpw admin
directory $OP_DIR/db
index objectClass,uid eq
access to attrs=userPassword by self =xw by anonymous auth by * none
access to * by self write by * read
CONF
    echo 'overlay ppolicy'
    echo "ppolicy_default \"cn=default,ou=policies,$base\""
    echo 'ppolicy_hash_cleartext'
  } >"$conf"
  {
    printf 'dn: %s\nobjectClass: dcObject\nobjectClass: organization\no: Example\ndc: example\n\n' "$base"
    printf 'dn: ou=people,%s\nobjectClass: organizationalUnit\nou: people\n\n' "$base"
    printf 'dn: ou=policies,%s\nobjectClass: organizationalUnit\nou: policies\n\n' "$base"
    cat <<LDIF
dn: cn=default,ou=policies,$base
objectClass: device
objectClass: pwdPolicy
cn: default
pwdAttribute: userPassword
pwdMinLength: 8
pwdCheckQuality: 2
pwdInHistory: 3
pwdMaxFailure: 3
pwdLockout: TRUE
pwdLockoutDuration: 60
pwdAllowUserChange: TRUE
pwdSafeModify: FALSE
pwdMustChange: FALSE

LDIF
    user() { # uid password given family
      cat <<LDIF
dn: uid=$1,ou=people,$base
objectClass: inetOrgPerson
uid: $1
cn: $3 $4
givenName: $3
sn: $4
mail: $1@example.com
userPassword: $2

LDIF
    }
    IFS=, read -ra people <<<"${OP_USERS:-alice:password}"
    for person in "${people[@]}"; do user "${person%%:*}" "${person#*:}" "${person%%:*}" Example; done
  } >"$OP_DIR/base.ldif"
  "$root/usr/sbin/slapd" -T add -f "$conf" -l "$OP_DIR/base.ldif" >&2
fi

log=$OP_DIR/op.log
setsid "$root/usr/sbin/slapd" -f "$conf" -h "ldap://127.0.0.1:$port ldaps://127.0.0.1:$tlsport" -d 256 </dev/null >"$log" 2>&1 &
pid=$!
echo "$pid" >"$OP_DIR/pid"
stop() { kill "$pid" 2>/dev/null || true; }
trap 'stop; exit 130' INT TERM
tries=$((${OP_WAIT:-120} * 10))
until LDAPTLS_CACERT=$tls/ca.crt "$root/usr/bin/ldapsearch" -x -H "ldaps://127.0.0.1:$tlsport" -s base -b '' supportedExtension >/dev/null 2>&1; do
  kill -0 "$pid" 2>/dev/null || { tail -n 20 "$log" >&2; die 'it did not start'; }
  tries=$((tries - 1)); [ "$tries" -gt 0 ] || { stop; tail -n 20 "$log" >&2; die 'it did not answer in time'; }
  sleep 0.1
done

{
  echo "OP_NAME=slapd"
  echo "LDAP_URI=ldap://127.0.0.1:$port"
  echo "LDAPS_URI=ldaps://127.0.0.1:$tlsport"
  echo "LDAP_BASE=$base"
  echo "LDAP_PEOPLE=ou=people,$base"
  echo "LDAP_ADMIN=cn=admin,$base"
  echo "LDAP_ADMIN_PASSWORD=admin"
  echo "OP_CA=$tls/ca.crt"
  echo "OP_PID=$pid"
  echo "OP_DIR=$OP_DIR"
  echo "OP_LOG=$log"
} | tee "$OP_DIR/env"

if [ -n "$foreground" ]; then
  trap 'stop; wait "$pid" 2>/dev/null || true; exit 0' INT TERM
  wait "$pid"
fi
