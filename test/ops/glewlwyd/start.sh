#!/usr/bin/env bash
# Starts glewlwyd (Debian's package) on loopback, over HTTPS and with a database of
# its own, and waits until its discovery document answers.
#
#   start.sh [--foreground]
#   start.sh --fetch          only fetches the packages, and fails when it cannot
#
# Prints KEY=value lines (OP_ISSUER, OP_CA, OP_PID, OP_DIR, ...) and also writes
# them to $OP_DIR/env.  Stop it with: stop.sh "$OP_DIR"   (or kill "$OP_PID").
#
# Nothing is installed: the packages are unpacked into $OP_CACHE, together with the
# libraries that the machine lacks. That needs a Debian or Ubuntu, but not root.
#
# OP_PORT   TLS port (default 9453; 0 picks a free one)
# OP_DIR    data directory (default: a new one under $TMPDIR)
# OP_CACHE  where unpacked packages are kept between runs (default: $TMPDIR/ops-cache-<uid>)
# OP_WAIT   seconds to wait for readiness (default 30)
# OP_USERS  "name:password,name:password": other passwords for alice and bob, and
#           more users
# OP_REDIRECT_URIS   further redirect URIs of static-web and static-public, by blanks
# OP_IAT=1  registration asks for an access token with the scope g_admin, and the
#           env file names a file that holds one: OP_IAT_FILE
# OP_ROTATE=never|always|client-driven  one-time use of refresh tokens (default always)
# OP_SUBJECT=public|pairwise            (default public)
# OP_PKCE_REQUIRED=1, OP_PAR_REQUIRED=1, OP_DPOP_NONCE=1   turn those policies on
# OP_SLASH=1 gives every endpoint URL the double slash that the packaged sample
#            configuration leads to
# OP_TTL_AT, OP_TTL_RT, OP_TTL_CODE, OP_TTL_DEVICE, OP_DEVICE_INTERVAL   seconds
set -euo pipefail
tmp=${TMPDIR:-/tmp}
foreground='' fetch=''
case ${1:-} in --foreground) foreground=1 ;; --fetch) fetch=1 ;; esac

say() { printf '%s\n' "$*" >&2; }
die() { say "start.sh: $*"; exit 1; }

busy() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
free_port() {
  local p
  for _ in $(seq 50); do p=$((20000 + RANDOM % 12000)); busy "$p" || { echo "$p"; return; }; done
  die 'no free port found'
}
cache=${OP_CACHE:-$tmp/ops-cache-$(id -u)}/glewlwyd
mkdir -p "$cache"; [ -O "$cache" ] || die "$cache belongs to somebody else"

# --- packages (once per cache)
for tool in apt-get dpkg openssl curl jq; do
  command -v "$tool" >/dev/null || die "$tool is missing"
done
root=$cache/unpacked
# where the unpacked libraries are, for LD_LIBRARY_PATH
libraries() {
  local IFS=: folders=("$root"/usr/lib/*-linux-gnu "$root"/lib/*-linux-gnu)
  echo "${folders[*]}"
}
lacking() {
  LD_LIBRARY_PATH=$(libraries) ldd "$root/usr/bin/glewlwyd" "$root/usr/bin/rnbyc" "$root/usr/bin/sqlite3" "$root"/usr/lib/glewlwyd/*/*.so |
    awk '/not found/ { print $1 }' | sort -u
}
depends() {
  apt-cache depends --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances "$@"
}
update() {
  if [ "$(id -u)" = 0 ]; then apt-get update -q; else sudo -n apt-get update -q; fi
}
download() {
  # the last four are what its login page, a script application, loads
  local names=(glewlwyd glewlwyd-common rnbyc sqlite3 libjs-jquery libjs-bootstrap4 libjs-popper.js fonts-fork-awesome) direct lib
  mapfile -t direct < <(depends glewlwyd rnbyc sqlite3 | awk '$1 == "Depends:" && $2 ~ /^(lib|zlib)/ { print $2 }' | sort -u)
  for lib in $(depends --recurse "${direct[@]}" | grep -E '^(lib|zlib)' | sort -u); do
    dpkg-query -W -f='${db:Status-Status}' "$lib" 2>/dev/null | grep -qx installed || names+=("$lib")
  done
  (cd debs && apt-get download -q "${names[@]}")
}
(
  flock 9
  # kept by an earlier run, and the machine still has what it had then
  if [ ! -e "$root/.done" ] || [ ! -e "$root/usr/share/javascript/jquery/jquery.min.js" ] || [ -n "$(lacking)" ]; then
    # their maintainer scripts would want a service manager and a database
    cd "$cache"
    rm -rf unpacked debs; mkdir unpacked debs
    chmod 777 debs # apt-get, as root, gives up its rights to download
    { download || { update && download; }; } >apt.log 2>&1 || { cat apt.log >&2; die 'cannot fetch glewlwyd'; }
    for deb in debs/*.deb; do dpkg -x "$deb" "$root"; done
    rm -rf debs
    [ -z "$(lacking)" ] || die "glewlwyd lacks $(lacking | tr '\n' ' ')"
    touch "$root/.done"
  fi
) 9>"$cache/lock"
[ -z "$fetch" ] || exit 0

# --- data directory and port
[ -n "${OP_DIR:-}" ] || OP_DIR=$(mktemp -d "$tmp/op-glewlwyd.XXXXXX")
mkdir -p "$OP_DIR"; OP_DIR=$(cd "$OP_DIR" && pwd); chmod 700 "$OP_DIR"
case $OP_DIR in *[[:space:]]*) die 'OP_DIR may not contain blanks' ;; esac
# the issuer is in the database: a second start on the same data keeps the port
if [ -e "$OP_DIR/port" ]; then port=$(cat "$OP_DIR/port"); else port=${OP_PORT:-9453}; fi
[ "$port" = 0 ] && port=$(free_port)
busy "$port" && die "port $port is in use"
echo "$port" >"$OP_DIR/port"

# --- throwaway CA, server and client certificates
tls=$OP_DIR/tls
if [ ! -e "$tls/server.crt" ]; then
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
    sign server '/CN=localhost' "subjectAltName=DNS:localhost,IP:127.0.0.1
extendedKeyUsage=serverAuth
keyUsage=digitalSignature"
    sign client '/O=Test/CN=rely' "subjectAltName=DNS:rely.example
extendedKeyUsage=clientAuth
keyUsage=digitalSignature"
    # a self-signed one, whose key also signs
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=self-signed \
      -keyout selfsigned.key -out selfsigned.crt 2>/dev/null
    # it hears of no certificate that does not verify against this file
    cat ca.crt selfsigned.crt >trusted.crt
  )
fi

# --- signing keys, database, configuration file
issuer=https://localhost:$port/api/oidc
jwks=$OP_DIR/jwks.json
[ -e "$jwks" ] || LD_LIBRARY_PATH=$(libraries) "$root/usr/bin/rnbyc" -j -g rsa2048 -k rsa-1 -a RS256 -g ec256 -k ec-1 -a ES256 \
  -g rsa2048 -k pss-1 -a PS256 -g ed25519 -k ed-1 -a EdDSA -n 0 -o "$jwks" -p /dev/null >/dev/null
db=$OP_DIR/glewlwyd.db
fresh=
if [ ! -e "$db" ]; then
  fresh=1
  { echo 'PRAGMA synchronous=OFF; BEGIN;'; cat "$root/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3"; echo 'COMMIT;'; } |
    LD_LIBRARY_PATH=$(libraries) "$root/usr/bin/sqlite3" "$db"
fi
log=$OP_DIR/op.log
# its pages; Debian's link to their configuration leads to a folder
rm -rf "$OP_DIR/webapp"
cp -rL "$root/usr/share/glewlwyd/webapp" "$OP_DIR/webapp" 2>/dev/null || true
rm -rf "$OP_DIR/webapp/config.json"
cp "$root/usr/share/glewlwyd/templates/config.json" "$OP_DIR/webapp/config.json"
cat >"$OP_DIR/glewlwyd.conf" <<CONF
port=$port
bind_address="127.0.0.1"
external_url="https://localhost:$port${OP_SLASH:+/}"
login_url="login.html"
api_prefix="api"
static_files_path="$OP_DIR/webapp/"
allow_origin="*"
allow_methods="GET, POST, PUT, DELETE, OPTIONS"
allow_headers="Origin, X-Requested-With, Content-Type, Accept, Bearer, Authorization, DPoP"
expose_headers="Content-Encoding, Authorization"
log_mode="file"
log_level="INFO"
log_file="$log"
cookie_secure=1
cookie_same_site="lax"
session_expiration=2419200
session_key="GLEWLWYD2_SESSION_ID"
admin_scope="g_admin"
profile_scope="g_profile"
user_module_path="$root/usr/lib/glewlwyd/user"
client_module_path="$root/usr/lib/glewlwyd/client"
user_auth_scheme_module_path="$root/usr/lib/glewlwyd/scheme"
plugin_module_path="$root/usr/lib/glewlwyd/plugin"
use_secure_connection=true
secure_connection_key_file="$tls/server.key"
secure_connection_pem_file="$tls/server.crt"
secure_connection_ca_file="$tls/trusted.crt"
hash_algorithm="SHA512"
database = { type = "sqlite3"; path = "$db"; };
static_files_mime_types = (
  { extension = ".html"; mime_type = "text/html"; }, { extension = ".css"; mime_type = "text/css"; },
  { extension = ".js"; mime_type = "application/javascript"; }, { extension = ".json"; mime_type = "application/json"; },
  { extension = ".png"; mime_type = "image/png"; }, { extension = ".ico"; mime_type = "image/x-icon"; }
)
CONF

# --- run
LD_LIBRARY_PATH=$(libraries) setsid "$root/usr/bin/glewlwyd" --config-file="$OP_DIR/glewlwyd.conf" </dev/null >>"$log" 2>&1 &
pid=$!
echo "$pid" >"$OP_DIR/pid"
stop() { kill "$pid" 2>/dev/null || true; }
trap 'stop; exit 130' INT TERM
api=https://localhost:$port/api
http() { curl -sS --cacert "$tls/ca.crt" "$@"; }
tries=$((${OP_WAIT:-120} * 10))
until http -f -o /dev/null "https://localhost:$port/config/" 2>/dev/null; do
  kill -0 "$pid" 2>/dev/null || { tail -n 20 "$log" >&2; die 'it did not start'; }
  tries=$((tries - 1)); [ "$tries" -gt 0 ] || { stop; tail -n 20 "$log" >&2; die 'it did not answer in time'; }
  sleep 0.1
done

# --- configure through the admin API (admin / password is the packaged default)
if [ -n "$fresh" ]; then
  jar=$OP_DIR/admin.jar
  call() { # METHOD PATH [JSON]
    local code
    code=$(http -b "$jar" -c "$jar" -o "$OP_DIR/answer" -w '%{http_code}' -X "$1" -H 'Content-Type: application/json' \
      ${3:+--data-binary "$3"} "$api/$2")
    [ "$code" = 200 ] || { cat "$OP_DIR/answer" >&2; tail -n 20 "$log" >&2; stop; die "$1 $2 answered $code"; }
  }
  call POST auth/ '{"username":"admin","password":"password"}'

  # user properties that become claims; client properties that registration uses
  props() { jq -n --args '[$ARGS.positional[] | {(.): {multiple: false, read: true, write: true, "profile-read": true, "profile-write": true}}] | add' -- "$@"; }
  call GET mod/user/database
  call PUT mod/user/database "$(jq --argjson p "$(props given_name family_name nickname preferred_username locale zoneinfo \
    phone_number phone_number_verified email_verified birthdate street locality postal_code country)" \
    '.parameters["data-format"] += $p' "$OP_DIR/answer")"
  call GET mod/client/database
  # (the packaged format has post_logout_redirect_uri, but the plugin reads post_logout_redirect_uris)
  call PUT mod/client/database "$(jq --argjson p "$(props dpop_bound_access_tokens refresh-token-one-use sign_kid \
    application_type contacts logo_uri client_uri policy_uri tos_uri post_logout_redirect_uris tls_client_auth_subject_dn)" \
    '.parameters["data-format"] += $p | .parameters["data-format"] |=
      (.post_logout_redirect_uris.multiple = true | .contacts.multiple = true)' "$OP_DIR/answer")"
  # modules read their parameters only when (re)started
  call PUT mod/user/database/reset; call PUT mod/client/database/reset

  for scope in profile email phone address offline_access api:read api:write; do
    call POST scope/ "{\"name\":\"$scope\",\"display_name\":\"$scope\",\"password_required\":false}"
  done
  scopes='["g_profile","openid","profile","email","phone","address","offline_access","api:read","api:write"]'
  # the passwords come from a list, so they are written by jq and not by hand
  declare -A words=([alice]=password [bob]=password)
  IFS=, read -ra pairs <<<"${OP_USERS:-}"
  for pair in "${pairs[@]}"; do words[${pair%%:*}]=${pair#*:}; done
  for name in "${!words[@]}"; do
    more='{}'
    [ "$name" != alice ] || more='{"name":"Alice \u00c5ngstr\u00f6m","given_name":"Alice","family_name":"\u00c5ngstr\u00f6m","nickname":"al",
      "preferred_username":"alice","locale":"sv-SE","zoneinfo":"Europe/Stockholm","phone_number":"+46 8 123 456",
      "phone_number_verified":"0","email_verified":"1","birthdate":"1987-10-16","street":"Storgatan 1",
      "locality":"Stockholm","postal_code":"111 11","country":"SE","user-code":"1234"}'
    call POST user/ "$(jq -n --arg name "$name" --arg password "${words[$name]}" --argjson scope "$scopes" --argjson more "$more" \
      '{username: $name, password: $password, name: $name, email: "\($name)@example.com", enabled: true, scope: $scope} + $more')"
  done
  call PUT user/admin "{\"username\":\"admin\",\"name\":\"The Administrator\",\"enabled\":true,\"scope\":[\"g_admin\",\"g_profile\",\"openid\"]}"

  if [ "${OP_IAT:-0}" = 0 ]; then regscope='[]'; else regscope='["g_admin"]'; fi
  flag() { if [ "${!1:-0}" = 1 ]; then echo true; else echo false; fi; }
  claim() { printf '{"name":"%s","user-property":"%s","type":"%s","boolean-value-true":"1","boolean-value-false":"0","mandatory":false,"on-demand":true,"scope":["%s"]}' "$1" "$2" "$3" "$4"; }
  claims="[$(claim given_name given_name string profile),$(claim family_name family_name string profile),$(claim nickname nickname string profile),
   $(claim preferred_username preferred_username string profile),$(claim locale locale string profile),$(claim zoneinfo zoneinfo string profile),
   $(claim birthdate birthdate string profile),$(claim email_verified email_verified boolean email),
   $(claim phone_number phone_number string phone),$(claim phone_number_verified phone_number_verified boolean phone)]"
  plugin=$(jq -n --arg iss "$issuer" --rawfile jwks "$jwks" --argjson claims "$claims" --argjson regscope "$regscope" \
    --argjson pkce "$(flag OP_PKCE_REQUIRED)" --argjson par "$(flag OP_PAR_REQUIRED)" --argjson nonce "$(flag OP_DPOP_NONCE)" \
    --arg rotate "${OP_ROTATE:-always}" --arg subject "${OP_SUBJECT:-public}" \
    --argjson at "${OP_TTL_AT:-3600}" --argjson rt "${OP_TTL_RT:-1209600}" --argjson code "${OP_TTL_CODE:-600}" \
    --argjson dev "${OP_TTL_DEVICE:-600}" --argjson interval "${OP_DEVICE_INTERVAL:-1}" '
    {module: "oidc", name: "oidc", display_name: "OpenID Connect", enabled: true, parameters: {
      "iss": $iss, "oauth-as-iss-id": true, "subject-type": $subject,
      "jwks-private": $jwks, "default-kid": "rsa-1", "client-sign_kid-parameter": "sign_kid", "jwks-show": true,
      "access-token-duration": $at, "refresh-token-duration": $rt, "code-duration": $code,
      "refresh-token-rolling": true, "refresh-token-one-use": $rotate,
      "client-refresh-token-one-use-parameter": "refresh-token-one-use",
      "allow-non-oidc": true,
      "auth-type-code-enabled": true, "auth-type-code-revoke-replayed": true, "auth-type-token-enabled": true,
      "auth-type-id-token-enabled": true, "auth-type-none-enabled": true, "auth-type-password-enabled": true,
      "auth-type-client-enabled": true, "auth-type-device-enabled": true, "auth-type-refresh-enabled": true,
      "request-parameter-allow": true, "request-uri-allow-https-non-secure": true,
      "request-parameter-allow-encrypted": true, "request-parameter-ietf-strict": false, "request-maximum-exp": 3600,
      "client-pubkey-parameter": "pubkey", "client-jwks-parameter": "jwks", "client-jwks_uri-parameter": "jwks_uri",
      "encrypt-out-token-allow": true, "client-enc-parameter": "enc", "client-alg-parameter": "alg",
      "client-alg_kid-parameter": "alg_kid", "client-encrypt_code-parameter": "encrypt_code",
      "client-encrypt_at-parameter": "encrypt_at", "client-encrypt_userinfo-parameter": "encrypt_userinfo",
      "client-encrypt_id_token-parameter": "encrypt_id_token",
      "client-encrypt_refresh_token-parameter": "encrypt_refresh_token",
      "client-encrypt_introspection-parameter": "encrypt_introspection",
      "claims": $claims, "name-claim": "on-demand", "name-claim-scope": ["profile"],
      "email-claim": "on-demand", "email-claim-scope": ["email"],
      "scope-claim": "no",
      "address-claim": {type: "on-demand", formatted: "", street_address: "street", locality: "locality", region: "",
        postal_code: "postal_code", country: "country", scope: ["address"]},
      "allowed-scope": ["openid", "profile", "email", "phone", "address", "offline_access", "api:read", "api:write"],
      "pkce-allowed": true, "pkce-method-plain-allowed": true, "pkce-required": $pkce,
      "introspection-revocation-allowed": true, "introspection-revocation-allow-target-client": true,
      "introspection-revocation-auth-scope": ["g_admin"],
      "register-client-allowed": true, "register-client-auth-scope": $regscope,
      "register-client-credentials-scope": ["api:read", "api:write"],
      "register-client-management-allowed": true, "register-resource-specify-allowed": true,
      "session-management-allowed": true, "session-cookie-name": "GLEWLWYD2_OIDC_SID",
      "session-cookie-expiration": 2419200, "front-channel-logout-allowed": true, "back-channel-logout-allowed": true,
      "device-authorization-expiration": $dev, "device-authorization-interval": $interval,
      "client-cert-source": "TLS", "client-cert-use-endpoint-aliases": true, "client-cert-self-signed-allowed": true,
      "oauth-dpop-allowed": true, "oauth-dpop-iat-duration": 60, "oauth-dpop-iat-gap-duration": 10,
      "oauth-dpop-dpop_bound_access_tokens-property": "dpop_bound_access_tokens",
      "oauth-dpop-nonce-mandatory": $nonce, "oauth-dpop-nonce-counter": 10,
      "resource-allowed": true, "resource-scope": {"api:read": ["https://api.example/v1"], "api:write": ["https://api.example/v1"]},
      "resource-client-property": "resource", "resource-scope-and-client-property": false,
      "oauth-rar-allowed": true, "rar-types-client-property": "authorization_details_types",
      "rar-allow-auth-unsigned": true, "rar-allow-auth-unencrypted": true,
      "rar-types": {example: {scopes: ["openid"], locations: [], actions: [], datatypes: [], enriched: [], description: "Example"}},
      "oauth-par-allowed": true, "oauth-par-required": $par, "oauth-par-duration": 90,
      "oauth-par-request_uri-prefix": "urn:ietf:params:oauth:request_uri:",
      "oauth-ciba-allowed": true, "oauth-ciba-default-expiry": 600, "oauth-ciba-maximum-expiry": 1200,
      "oauth-ciba-mode-poll-allowed": true, "oauth-ciba-mode-ping-allowed": true, "oauth-ciba-mode-push-allowed": true,
      "oauth-ciba-allow-https-non-secure": true, "oauth-ciba-user-code-allowed": true,
      "oauth-ciba-user-code-property": "user-code", "oauth-ciba-email-allowed": false,
      "oauth-fapi-allow-jarm": true, "oauth-fapi-add-s_hash": false, "oauth-fapi-verify-nbf": false
    }}')
  call POST mod/plugin/ "$plugin"

  # shellcheck disable=SC2086
  uris=$(jq -nc '$ARGS.positional' --args https://127.0.0.1:8443/callback https://localhost:8443/callback \
    http://127.0.0.1:8080/callback http://localhost:8080/callback ${OP_REDIRECT_URIS:-})
  client() { call POST client/ "$1"; }
  client "{\"client_id\":\"static-web\",\"name\":\"static-web\",\"confidential\":true,\"client_secret\":\"static-web-secret\",\"enabled\":true,
    \"redirect_uri\":$uris,\"post_logout_redirect_uris\":$uris,
    \"authorization_type\":[\"code\",\"token\",\"id_token\",\"none\",\"password\",\"client_credentials\",\"refresh_token\",\"device_authorization\",\"urn:openid:params:grant-type:ciba\"],
    \"token_endpoint_auth_method\":[\"client_secret_basic\",\"client_secret_post\"],\"scope\":[\"api:read\",\"api:write\"],
    \"backchannel_token_delivery_mode\":\"poll\"}"
  client "{\"client_id\":\"static-public\",\"name\":\"static-public\",\"confidential\":false,\"enabled\":true,\"redirect_uri\":$uris,
    \"authorization_type\":[\"code\",\"token\",\"id_token\",\"refresh_token\",\"device_authorization\"],\"token_endpoint_auth_method\":[\"none\"],\"scope\":[]}"
  client "{\"client_id\":\"static-service\",\"name\":\"static-service\",\"confidential\":true,\"client_secret\":\"static-service-secret\",\"enabled\":true,
    \"authorization_type\":[\"client_credentials\"],\"token_endpoint_auth_method\":[\"client_secret_basic\"],\"scope\":[\"api:read\",\"api:write\"],\"redirect_uri\":[]}"
  if [ "${OP_IAT:-0}" = 1 ]; then
    # an administrator's token, by the way of every other sign-in
    call PUT auth/grant/static-web/ '{"scope":"g_admin openid"}'
    back=http://127.0.0.1:8080/callback
    code=$(http -b "$jar" -o /dev/null -w '%{redirect_url}' -G "$issuer/auth" -d client_id=static-web -d response_type=code \
      -d scope=openid+g_admin -d state=state -d nonce=nonce -d g_continue= --data-urlencode "redirect_uri=$back" |
      sed -n 's/.*[?&]code=\([^&]*\).*/\1/p')
    (umask 077; http -u static-web:static-web-secret -d grant_type=authorization_code -d "code=$code" \
      --data-urlencode "redirect_uri=$back" "$issuer/token" | jq -er .access_token >"$OP_DIR/iat") ||
      { stop; die 'no token for registration'; }
  fi
  rm -f "$jar" "$OP_DIR/answer"
fi
http -f -o /dev/null "$issuer/.well-known/openid-configuration" || { stop; tail -n 20 "$log" >&2; die 'no discovery document'; }

{
  echo "OP_NAME=glewlwyd"
  echo "OP_ISSUER=$issuer"
  echo "OP_DISCOVERY=$issuer/.well-known/openid-configuration"
  echo "OP_API=$api"
  echo "OP_CA=$tls/ca.crt"
  echo "OP_CLIENT_CERT=$tls/client.crt"
  echo "OP_CLIENT_KEY=$tls/client.key"
  [ ! -e "$OP_DIR/iat" ] || echo "OP_IAT_FILE=$OP_DIR/iat"
  echo "OP_PID=$pid"
  echo "OP_DIR=$OP_DIR"
  echo "OP_LOG=$log"
} | tee "$OP_DIR/env"

if [ -n "$foreground" ]; then
  trap 'stop; wait "$pid" 2>/dev/null || true; exit 0' INT TERM
  wait "$pid"
fi
