// A full-featured OpenID Provider on loopback, built on the certified
// `oidc-provider` package, to try rely against code that we did not write.
//
// Everything is configured by environment variables; start.sh sets most of them.
//   OP_DIR            data directory: holds tls/ and jwks.json
//   OP_HOST, OP_PORT  host name in the issuer URL, and port (bound to loopback only)
//   OP_MTLS_PORT      second TLS port that asks for a client certificate
//   OP_TLS            1 (default) https, 0 plain http (no mTLS)
//   OP_PATH           issuer path, e.g. /tenant-a (default: none)
//   OP_IAT            when set: initial access token required to register
//   OP_USERS          extra users, "name:password,name:password"
//   OP_CLIENTS        file with a JSON array of further static clients
//   OP_RELAXED        1: let implicit clients register http and localhost redirect URIs
//   OP_PKCE_REQUIRED  1: refuse code requests without PKCE, for every client
//   OP_PAR_REQUIRED   1: only pushed authorization requests
//   OP_DPOP_NONCE     1: DPoP proofs must carry a server nonce
//   OP_ROTATE         1 (default) rotate every refresh token, 0 library policy
//   OP_ALWAYS_RT      1: issue a refresh token without offline_access
//   OP_TTL_AT, OP_TTL_ID, OP_TTL_RT, OP_TTL_CODE, OP_TTL_DEVICE   seconds
//   OP_TTL_FIRST      seconds, for the access token of a login only: what a refresh
//                     brings lives OP_TTL_AT, so one renewal is seen to be enough
//   OP_REQUESTS       1: a line for every answer on stdout (op.log): method, path,
//                     status, grant_type, client_id
//   OP_DEBUG          1: the reason of every refusal on stderr (op.log)
//   OP_CIBA_AUTO      seconds after which a CIBA request approves itself, or is denied where
//                     its binding_message is "deny" (default: never)
import * as crypto from 'node:crypto';
import * as fs from 'node:fs';
import * as http from 'node:http';
import * as https from 'node:https';
import * as path from 'node:path';
import * as qs from 'node:querystring';

import { Provider, errors } from 'oidc-provider';
import * as jwa from 'oidc-provider/lib/consts/jwa.js';

const env = process.env;
const on = (name, dflt = '0') => (env[name] ?? dflt) === '1';
const seconds = (name, dflt) => (env[name] ? Number(env[name]) : dflt);

const DIR = env.OP_DIR;
const HOST = env.OP_HOST || 'localhost';
const PORT = Number(env.OP_PORT || 9443);
const MTLS_PORT = Number(env.OP_MTLS_PORT || PORT + 1);
const TLS = on('OP_TLS', '1');
const PREFIX = (env.OP_PATH || '').replace(/\/+$/, '');
const ORIGIN = `${TLS ? 'https' : 'http'}://${HOST}:${PORT}`;
const MTLS_ORIGIN = `https://${HOST}:${MTLS_PORT}`;
const ISSUER = ORIGIN + PREFIX;

// ---------------------------------------------------------------- signing keys

const jwksFile = path.join(DIR, 'jwks.json');
if (!fs.existsSync(jwksFile)) {
  const make = (type, options, use, kid, alg) => ({
    ...crypto.generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }),
    use, kid, ...(alg ? { alg } : undefined),
  });
  const keys = [
    make('rsa', { modulusLength: 2048 }, 'sig', 'sig-rsa-1'),
    make('ec', { namedCurve: 'P-256' }, 'sig', 'sig-p256-1'),
    make('ec', { namedCurve: 'P-384' }, 'sig', 'sig-p384-1'),
    make('ec', { namedCurve: 'P-521' }, 'sig', 'sig-p521-1'),
    make('ed25519', {}, 'sig', 'sig-ed25519-1'),
    make('rsa', { modulusLength: 2048 }, 'enc', 'enc-rsa-1'),
    make('ec', { namedCurve: 'P-256' }, 'enc', 'enc-p256-1'),
    make('x25519', {}, 'enc', 'enc-x25519-1'),
  ];
  fs.writeFileSync(jwksFile, JSON.stringify({ keys }, null, 1), { mode: 0o600 });
}
const jwks = JSON.parse(fs.readFileSync(jwksFile, 'utf8'));

// --------------------------------------------------------------------- accounts

const users = new Map([['alice', 'password'], ['bob', 'password']]);
for (const pair of (env.OP_USERS || '').split(',').filter(Boolean)) {
  const [name, ...rest] = pair.split(':');
  users.set(name, rest.join(':'));
}

const profiles = {
  alice: {
    name: 'Alice \u00c5ngstr\u00f6m',
    given_name: 'Alice',
    family_name: '\u00c5ngstr\u00f6m',
    middle_name: 'B.',
    nickname: 'al',
    preferred_username: 'alice',
    profile: 'https://alice.example/profile',
    picture: 'https://alice.example/picture.png',
    website: 'https://alice.example/',
    gender: 'female',
    birthdate: '1987-10-16',
    zoneinfo: 'Europe/Stockholm',
    locale: 'sv-SE',
    updated_at: 1700000000,
    email: 'alice@example.com',
    email_verified: true,
    phone_number: '+46 8 123 456',
    phone_number_verified: false,
    address: {
      formatted: 'Storgatan 1\n111 11 Stockholm\nSverige',
      street_address: 'Storgatan 1',
      locality: 'Stockholm',
      postal_code: '111 11',
      country: 'SE',
    },
    groups: ['staff', 'testers'],
  },
  // deliberately sparse: most claims are absent
  bob: { name: 'Bob', preferred_username: 'bob', email: 'bob@example.com', email_verified: false },
};

function findAccount(_ctx, id) {
  if (!users.has(id)) return undefined;
  return {
    accountId: id,
    async claims() {
      return { sub: id, ...(profiles[id] || { preferred_username: id }) };
    },
  };
}

const BRONZE = 'urn:mace:incommon:iap:bronze'; // password
const SILVER = 'urn:mace:incommon:iap:silver'; // password and otp 123456

// ---------------------------------------------------------------------- clients

const redirectUris = [
  'https://127.0.0.1:8443/callback', 'https://127.0.0.1:8443/', 'https://rp.example/cb',
];
const codeUris = [...redirectUris, 'https://localhost:8443/callback', 'http://localhost:8080/callback'];
const GRANTS = {
  device: 'urn:ietf:params:oauth:grant-type:device_code',
  ciba: 'urn:openid:params:grant-type:ciba',
};
const clients = [
  {
    client_id: 'static-web',
    client_secret: 'static-web-secret',
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials', GRANTS.device, GRANTS.ciba],
    response_types: ['code'],
    redirect_uris: codeUris,
    post_logout_redirect_uris: codeUris,
    backchannel_token_delivery_mode: 'poll',
  },
  {
    client_id: 'static-post',
    client_secret: 'static-post-secret',
    token_endpoint_auth_method: 'client_secret_post',
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    redirect_uris: codeUris,
    post_logout_redirect_uris: codeUris,
  },
  {
    client_id: 'static-public',
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token', GRANTS.device],
    redirect_uris: ['http://127.0.0.1/callback', 'http://[::1]/callback', 'http://localhost/callback'],
    post_logout_redirect_uris: ['http://127.0.0.1/callback'],
  },
  {
    client_id: 'static-implicit',
    client_secret: 'static-implicit-secret',
    grant_types: ['implicit', 'authorization_code', 'refresh_token'],
    response_types: [
      'id_token', 'id_token token', 'code', 'code id_token', 'code token', 'code id_token token', 'none',
    ],
    redirect_uris: redirectUris,
    post_logout_redirect_uris: redirectUris,
  },
  {
    client_id: 'static-service',
    client_secret: 'static-service-secret',
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
  },
];
if (env.OP_CLIENTS) clients.push(...JSON.parse(fs.readFileSync(env.OP_CLIENTS, 'utf8')));

// ----------------------------------------------------------- resource servers

const encKey = crypto.createHash('sha256').update(`${ISSUER}/enc`).digest();
const resources = {
  // opaque, JWT (RS256 and ES256) and encrypted access tokens
  'urn:example:opaque': { scope: 'api:read api:write' },
  'urn:example:jwt': { scope: 'api:read api:write', accessTokenFormat: 'jwt' },
  'https://api.example/v1': {
    scope: 'api:read api:write', audience: 'api-v1', accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } },
  },
  'urn:example:enc': {
    scope: 'api:read api:write',
    accessTokenFormat: 'jwt',
    jwt: { sign: false, encrypt: { alg: 'dir', enc: 'A128CBC-HS256', key: encKey } },
  },
};

// ---------------------------------------------------------------- configuration

// every algorithm this node build can do, minus the post-quantum ones
const enabledJWA = Object.fromEntries(
  Object.entries(jwa).map(([k, v]) => [k, v.filter((a) => !a.startsWith('ML-DSA'))]),
);

const pendingCiba = new Map();

const configuration = {
  clients,
  findAccount,
  jwks,
  enabledJWA,
  acrValues: [BRONZE, SILVER],
  scopes: ['openid', 'offline_access', 'api:read', 'api:write'],
  claims: {
    amr: null,
    address: ['address'],
    email: ['email', 'email_verified'],
    phone: ['phone_number', 'phone_number_verified'],
    groups: ['groups'],
    profile: ['birthdate', 'family_name', 'gender', 'given_name', 'locale', 'middle_name', 'name',
      'nickname', 'picture', 'preferred_username', 'profile', 'updated_at', 'website', 'zoneinfo'],
  },
  clientAuthMethods: [
    'none', 'client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt',
    ...(TLS ? ['tls_client_auth', 'self_signed_tls_client_auth'] : []),
  ],
  responseTypes: [
    'code', 'id_token', 'id_token token', 'code id_token', 'code token', 'code id_token token', 'none',
  ],
  subjectTypes: ['public', 'pairwise'],
  pairwiseIdentifier: (_ctx, accountId, { sectorIdentifier }) => crypto.createHash('sha256')
    .update(sectorIdentifier).update(accountId).update('salt')
    .digest('hex'),
  pkce: { required: (_ctx, client) => on('OP_PKCE_REQUIRED') || client.clientAuthMethod === 'none' },
  clientBasedCORS: () => true,
  cookies: { keys: [crypto.randomBytes(16).toString('hex')] },
  discovery: {
    claims_locales_supported: ['en', 'sv'],
    ui_locales_supported: ['en'],
    display_values_supported: ['page'],
    service_documentation: `${ISSUER}/about`,
    op_policy_uri: `${ISSUER}/policy`,
    op_tos_uri: `${ISSUER}/tos`,
  },
  features: {
    devInteractions: { enabled: false },
    backchannelLogout: { enabled: true },
    claimsParameter: { enabled: true },
    clientCredentials: { enabled: true },
    ciba: {
      enabled: true,
      deliveryModes: ['poll', 'ping'],
      processLoginHint: (_ctx, hint) => (users.has(hint) ? hint : undefined),
      processLoginHintToken: (_ctx, hint) => (users.has(hint) ? hint : undefined),
      validateRequestContext() {},
      verifyUserCode() {},
      triggerAuthenticationDevice(_ctx, request, account, client) {
        pendingCiba.set(request.jti, {
          login: account.accountId, client_id: client.clientId, binding_message: request.params?.binding_message,
        });
        if (env.OP_CIBA_AUTO) {
          setTimeout(() => decideCiba(request.jti, request.params?.binding_message !== 'deny').catch(console.error), 1000 * env.OP_CIBA_AUTO);
        }
      },
    },
    deviceFlow: { enabled: true },
    dPoP: {
      enabled: true,
      nonceSecret: crypto.randomBytes(32),
      requireNonce: () => on('OP_DPOP_NONCE'),
    },
    encryption: { enabled: true },
    introspection: { enabled: true },
    jwtIntrospection: { enabled: true },
    jwtResponseModes: { enabled: true },
    jwtUserinfo: { enabled: true },
    ...(TLS && {
      mTLS: {
        enabled: true,
        certificateBoundAccessTokens: true,
        selfSignedTlsClientAuth: true,
        tlsClientAuth: true,
        getCertificate: (ctx) => ctx.socket.getPeerX509Certificate?.(),
        certificateAuthorized: (ctx) => ctx.socket.authorized,
        certificateSubjectMatches(ctx, property, expected) {
          const { subject, subjectAltName = '' } = ctx.socket.getPeerX509Certificate();
          if (property === 'tls_client_auth_subject_dn') {
            // RFC 4514 order: most specific first
            return subject.split('\n').reverse().join(',') === expected;
          }
          const prefix = { san_dns: 'DNS:', san_ip: 'IP Address:', san_email: 'email:', san_uri: 'URI:' }[
            property.replace('tls_client_auth_', '')];
          return subjectAltName.split(', ').includes(prefix + expected);
        },
      },
    }),
    pushedAuthorizationRequests: {
      enabled: true,
      requirePushedAuthorizationRequests: on('OP_PAR_REQUIRED'),
    },
    registration: {
      enabled: true,
      initialAccessToken: env.OP_IAT || false,
      issueRegistrationAccessToken: true,
    },
    registrationManagement: { enabled: true, rotateRegistrationAccessToken: true },
    requestObjects: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo(_ctx, indicator) {
        if (!Object.hasOwn(resources, indicator)) throw new errors.InvalidTarget();
        return resources[indicator];
      },
    },
    revocation: { enabled: true },
    richAuthorizationRequests: {
      enabled: true,
      types: {
        payment_initiation: {
          validate(_ctx, detail) {
            if (typeof detail.instructedAmount !== 'object') {
              throw new errors.InvalidAuthorizationDetails('instructedAmount is missing');
            }
          },
        },
        example: { validate() {} },
      },
      authorizationDetailsForGrantSource: (ctx) => ctx.oidc.grant.rar,
      authorizationDetailsForAccessToken: (_ctx, _token, source) => source?.rar,
      authorizationDetailsForIntrospection: (_ctx, token) => token.rar,
    },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource(ctx, form) {
        ctx.body = page('Sign out', `${form}
          <p>Sign out of ${escape(ctx.host)}?</p>
          <button type="submit" form="op.logoutForm" value="yes" name="logout">Yes, sign me out</button>
          <button type="submit" form="op.logoutForm">No, stay signed in</button>`);
      },
    },
    rpMetadataChoices: { enabled: true },
  },
  // library policy: offline_access (which needs prompt=consent) plus the refresh_token grant
  issueRefreshToken: (_ctx, client, source) => client.grantTypeAllowed('refresh_token')
    && (on('OP_ALWAYS_RT') || source.scopes.has('offline_access')),
  ...(on('OP_ROTATE', '1') && { rotateRefreshToken: () => true }),
  interactions: { url: (_ctx, interaction) => `${PREFIX}/interaction/${interaction.uid}` },
  // the library refuses to fetch jwks_uri and the like from loopback; here everything is loopback
  fetch(url, options) {
    delete options.dispatcher;
    return globalThis.fetch(url, options);
  },
  renderError(ctx, out) {
    ctx.type = 'html';
    ctx.body = page('Error', Object.entries(out)
      .map(([k, v]) => `<pre>${escape(k)}: ${escape(String(v))}</pre>`).join(''));
  },
  ttl: {
    AccessToken: (ctx, token) => token.resourceServer?.accessTokenTTL
      || (ctx?.oidc?.params?.grant_type === 'authorization_code' && seconds('OP_TTL_FIRST'))
      || seconds('OP_TTL_AT', 3600),
    AuthorizationCode: seconds('OP_TTL_CODE', 60),
    BackchannelAuthenticationRequest: 600,
    ClientCredentials: (_ctx, token) => token.resourceServer?.accessTokenTTL || seconds('OP_TTL_AT', 600),
    DeviceCode: seconds('OP_TTL_DEVICE', 600),
    Grant: 14 * 24 * 3600,
    IdToken: seconds('OP_TTL_ID', 3600),
    Interaction: 3600,
    RefreshToken: seconds('OP_TTL_RT', 14 * 24 * 3600),
    Session: 14 * 24 * 3600,
  },
};

const provider = new Provider(ISSUER, configuration);

if (on('OP_RELAXED')) {
  const { invalidate } = provider.Client.Schema.prototype;
  provider.Client.Schema.prototype.invalidate = function relaxed(message, code) {
    if (code === 'implicit-force-https' || code === 'implicit-forbid-localhost') return;
    invalidate.call(this, message, code);
  };
}

// -------------------------------------------------------------------- user pages

function escape(s) {
  return String(s).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

function page(title, body) {
  return `<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>${escape(title)}</title></head>`
    + `<body><h1>${escape(title)}</h1>\n${body}\n</body></html>\n`;
}

async function form(ctx) {
  const chunks = [];
  for await (const chunk of ctx.req) chunks.push(chunk);
  return qs.parse(Buffer.concat(chunks).toString());
}

function loginPage(ctx, uid, params, prompt, message) {
  const wantsSilver = (prompt.details.acr?.values || [prompt.details.acr?.value]).includes(SILVER)
    || (params.acr_values || '').split(' ').includes(SILVER);
  ctx.type = 'html';
  ctx.body = page('Sign in', `${message ? `<p id="error">${escape(message)}</p>` : ''}
<form method="post" action="${PREFIX}/interaction/${uid}/login">
<input name="login" autocomplete="username" value="${escape(params.login_hint || '')}">
<input name="password" type="password" autocomplete="current-password">
${wantsSilver ? '<input name="otp" placeholder="one-time code">' : ''}
<button type="submit">Sign in</button></form>
<a href="${PREFIX}/interaction/${uid}/abort">Cancel</a>`);
}

async function decideCiba(jti, approve) {
  const request = await provider.BackchannelAuthenticationRequest.find(jti, { ignoreExpiration: true });
  if (!request) throw new Error('no such request');
  pendingCiba.delete(jti);
  if (!approve) {
    await provider.backchannelResult(request, new errors.AccessDenied('user said no'));
    return;
  }
  const grant = new provider.Grant({ accountId: request.accountId, clientId: request.clientId });
  grant.addOIDCScope(request.scope);
  for (const indicator of [].concat(request.resource || [])) {
    grant.addResourceScope(indicator, resources[indicator].scope);
  }
  await grant.save();
  await provider.backchannelResult(request, grant, {
    acr: BRONZE, amr: ['pwd'], authTime: Math.floor(Date.now() / 1000),
  });
}

async function interaction(ctx, next) {
  const [, uid, action] = ctx.path.match(/^\/interaction\/([^/]+)(?:\/(login|confirm|abort))?$/) || [];
  if (!uid) return next();
  ctx.set('cache-control', 'no-store');
  let details;
  try {
    details = await provider.interactionDetails(ctx.req, ctx.res);
  } catch (err) {
    if (!(err instanceof errors.SessionNotFound)) throw err;
    ctx.status = 400;
    ctx.type = 'html';
    ctx.body = page('Error', `<pre>error: ${escape(err.message)}</pre><pre>${escape(err.error_description)}</pre>`);
    return undefined;
  }
  const { prompt, params, session } = details;

  if (action === 'abort') {
    return provider.interactionFinished(ctx.req, ctx.res, {
      error: 'access_denied', error_description: 'End-User aborted interaction',
    }, { mergeWithLastSubmission: false });
  }

  if (!action && ctx.method === 'GET') {
    if (prompt.name === 'login') return loginPage(ctx, uid, params, prompt);
    const client = await provider.Client.find(params.client_id);
    ctx.type = 'html';
    ctx.body = page('Authorize', `<p>${escape(client.clientName || client.clientId)} asks ${escape(session.accountId)} for:</p>
<pre>${escape(JSON.stringify(prompt.details, null, 1))}</pre>
<form method="post" action="${PREFIX}/interaction/${uid}/confirm">
<button type="submit">Allow</button></form>
<a href="${PREFIX}/interaction/${uid}/abort">Deny</a>`);
    return undefined;
  }

  if (ctx.method !== 'POST') return next();
  const body = await form(ctx);

  if (action === 'login' && prompt.name === 'login') {
    if (!users.has(body.login) || users.get(body.login) !== body.password) {
      ctx.status = 401;
      return loginPage(ctx, uid, params, prompt, 'Invalid user name or password');
    }
    if (body.otp && body.otp !== '123456') {
      ctx.status = 401;
      return loginPage(ctx, uid, params, prompt, 'Invalid one-time code');
    }
    return provider.interactionFinished(ctx.req, ctx.res, {
      login: {
        accountId: body.login,
        acr: body.otp ? SILVER : BRONZE,
        amr: body.otp ? ['pwd', 'otp'] : ['pwd'],
      },
    }, { mergeWithLastSubmission: false });
  }

  if (action === 'confirm' && prompt.name === 'consent') {
    let { grantId } = details;
    const grant = grantId
      ? await provider.Grant.find(grantId)
      : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    const { missingOIDCScope, missingOIDCClaims, missingResourceScopes, rar } = prompt.details;
    if (missingOIDCScope) grant.addOIDCScope(missingOIDCScope.join(' '));
    if (missingOIDCClaims) grant.addOIDCClaims(missingOIDCClaims);
    for (const [indicator, scope] of Object.entries(missingResourceScopes || {})) {
      grant.addResourceScope(indicator, scope.join(' '));
    }
    for (const detail of rar || []) grant.addRar(detail);
    const saved = await grant.save();
    return provider.interactionFinished(ctx.req, ctx.res, {
      consent: grantId ? {} : { grantId: saved },
    }, { mergeWithLastSubmission: true });
  }

  ctx.status = 409;
  ctx.body = `this interaction is at its ${prompt.name} step\n`;
  return undefined;
}

async function ciba(ctx, next) {
  if (ctx.path !== '/ciba') return next();
  if (ctx.method === 'GET') {
    ctx.body = [...pendingCiba].map(([auth_req_id, rest]) => ({ auth_req_id, ...rest }));
    return undefined;
  }
  const body = await form(ctx);
  if (users.get(body.login) !== body.password || pendingCiba.get(body.auth_req_id)?.login !== body.login) {
    ctx.status = 401;
    ctx.body = 'no\n';
    return undefined;
  }
  await decideCiba(body.auth_req_id, body.decision !== 'deny');
  ctx.body = 'ok\n';
  return undefined;
}

async function webfinger(ctx, next) {
  if (ctx.path !== '/.well-known/webfinger') return next();
  ctx.type = 'application/jrd+json';
  ctx.body = JSON.stringify({
    subject: ctx.query.resource,
    links: [{ rel: 'http://openid.net/specs/connect/1.0/issuer', href: ISSUER }],
  });
  return undefined;
}

async function mtlsAliases(ctx, next) {
  await next();
  if (!TLS || ctx.status !== 200) return;
  switch (ctx.oidc?.route) {
    case 'discovery': {
      const aliases = {};
      for (const name of ['token', 'introspection', 'revocation', 'userinfo', 'device_authorization',
        'pushed_authorization_request', 'backchannel_authentication']) {
        const endpoint = ctx.body[`${name}_endpoint`];
        if (endpoint) aliases[`${name}_endpoint`] = endpoint.replace(`:${PORT}/`, `:${MTLS_PORT}/`);
      }
      ctx.body.mtls_endpoint_aliases = aliases;
      break;
    }
    case 'device_authorization':
      for (const key of ['verification_uri', 'verification_uri_complete']) {
        ctx.body[key] = ctx.body[key].replace(`:${MTLS_PORT}/`, `:${PORT}/`);
      }
      break;
    default:
  }
}

async function requests(ctx, next) {
  try {
    await next();
  } finally {
    const { params, client } = ctx.oidc ?? {};
    console.log('request', ctx.method, ctx.path, ctx.status, params?.grant_type ?? '-', client?.clientId ?? '-');
  }
}

if (on('OP_REQUESTS')) provider.use(requests);
provider.use(webfinger);
provider.use(interaction);
provider.use(ciba);
provider.use(mtlsAliases);

if (on('OP_DEBUG')) {
  for (const event of ['server_error', 'authorization.error', 'grant.error', 'registration_create.error',
    'userinfo.error', 'end_session.error', 'pushed_authorization_request.error', 'introspection.error',
    'revocation.error', 'device_authorization.error', 'backchannel_authentication.error']) {
    provider.on(event, (ctx, err) => console.error(event, err.message, err.error_description, err.error_detail, err.cause ?? ''));
  }
}
provider.on('server_error', (ctx, err) => console.error('server_error', ctx.method, ctx.path, err));

// ------------------------------------------------------------------------ server

const inner = provider.callback();
function handler(req, res) {
  if (PREFIX) {
    // webfinger and the RFC 8414 form of discovery live at the root of the host
    if (req.url === `/.well-known/oauth-authorization-server${PREFIX}`) {
      req.url = `${PREFIX}/.well-known/oauth-authorization-server`;
    }
    if (!req.url.startsWith('/.well-known/webfinger')) {
      if (req.url !== PREFIX && !req.url.startsWith(`${PREFIX}/`)) {
        res.writeHead(404).end();
        return;
      }
      req.originalUrl = req.url;
      req.baseUrl = PREFIX;
      req.url = req.url.slice(PREFIX.length) || '/';
    }
  }
  inner(req, res);
}

function listen(port, extra = {}) {
  const read = (name) => fs.readFileSync(path.join(DIR, 'tls', name));
  const server = TLS
    ? https.createServer({ cert: read('server.crt'), key: read('server.key'), ...extra }, handler)
    : http.createServer(handler);
  server.listen(port, '127.0.0.1');
  // the same on IPv6 loopback where the machine has it
  const v6 = TLS
    ? https.createServer({ cert: read('server.crt'), key: read('server.key'), ...extra }, handler)
    : http.createServer(handler);
  v6.on('error', () => {});
  v6.listen({ port, host: '::1', ipv6Only: true });
  server.on('error', (err) => {
    console.error(String(err));
    process.exit(1);
  });
}

listen(PORT);
if (TLS) {
  listen(MTLS_PORT, {
    requestCert: true,
    rejectUnauthorized: false,
    ca: fs.readFileSync(path.join(DIR, 'tls', 'ca.crt')),
  });
}
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
console.log(`issuer ${ISSUER}`);
