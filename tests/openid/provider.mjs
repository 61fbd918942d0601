// A real OpenID provider on a port of this machine, for the tests: everybody who comes is signed in as the person of the hour.
//
// Prints {"issuer": …} when it listens. Its tests turn it by GET /test/…: who the person is, and which keys it has.
import { createServer } from 'node:http';
import { exportJWK, generateKeyPair } from 'jose';
import Provider from 'oidc-provider';

const people = {
  alice: { sub: 'id-alice', preferred_username: 'alice', groups: ['auditors'] },
  bob: { sub: 'id-bob', preferred_username: 'bob', groups: [] },
};
let person = 'alice';
let lifetime = 3600;
// A clock that is wrong, when a test says so.
let skew = 0;
// What the tokens of a job say, besides what all do.
let job = {};
const now = Date.now;
Date.now = () => now() + skew * 1000;
let keys = [];
let provider;

const server = createServer((request, response) => {
  const url = new URL(request.url, issuer());
  const route = url.pathname.startsWith('/test/') ? turn(url, response)
    : url.pathname.startsWith('/interaction/') ? signIn(request, response)
    : provider.callback()(request, response);
  Promise.resolve(route).catch((error) => { response.statusCode = 500; response.end(String(error)); });
});
// A browser may think for long between two requests on a machine that is busy.
server.keepAliveTimeout = 120_000;
server.listen(0, '127.0.0.1', async () => {
  keys = [await key()];
  provider = make();
  console.log(JSON.stringify({ issuer: issuer() }));
});
// It ends with the test that started it.
process.stdin.on('end', () => process.exit(0)).resume();

function issuer() {
  return `http://127.0.0.1:${server.address().port}`;
}

async function key() {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  return { ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: crypto.randomUUID() };
}

// What it issued lives on in its memory; only the keys are others.
function make() {
  const made = new Provider(issuer(), {
    clients: [{
      client_id: 'oam-cli',
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      redirect_uris: ['http://127.0.0.1/callback'],
      response_types: ['code'],
      grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
    }, {
      client_id: 'ci',
      client_secret: 'for tests',
      token_endpoint_auth_method: 'client_secret_post',
      redirect_uris: [],
      response_types: [],
      grant_types: ['client_credentials'],
    }],
    jwks: { keys },
    cookies: { keys: ['for tests'] },
    claims: { openid: ['sub'], profile: ['preferred_username', 'groups'] },
    conformIdTokenClaims: false,
    // A refresh token for whoever asks for offline access, and good once.
    rotateRefreshToken: true,
    ttl: { IdToken: () => lifetime, ClientCredentials: () => lifetime },
    findAccount: (_, id) => ({ accountId: id, claims: () => Object.values(people).find((one) => one.sub === id) }),
    extraTokenClaims: (_, token) => {
      if (token.kind === 'ClientCredentials') return job;
      const { preferred_username, groups } = Object.values(people).find((one) => one.sub === token.accountId);
      return { preferred_username, groups };
    },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => undefined,
        getResourceServerInfo: (_, resource) => ({
          scope: '', audience: resource, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
  });
  return made;
}

async function signIn(request, response) {
  const { params, grantId: known } = await provider.interactionDetails(request, response);
  const accountId = people[person].sub;
  const grant = (known && await provider.Grant.find(known)) || new provider.Grant({ accountId, clientId: params.client_id });
  grant.addOIDCScope('openid profile offline_access');
  grant.addOIDCClaims(['preferred_username', 'groups']);
  if (params.resource) grant.addResourceScope(params.resource, '');
  await provider.interactionFinished(request, response, { login: { accountId }, consent: { grantId: await grant.save() } });
}

async function turn(url, response) {
  const what = url.pathname.slice('/test/'.length);
  if (what === 'person') person = url.searchParams.get('name');
  else if (what === 'lifetime') lifetime = Number(url.searchParams.get('seconds'));
  else if (what === 'job') job = JSON.parse(url.searchParams.get('claims'));
  else if (what === 'clock') skew = Number(url.searchParams.get('seconds'));
  // A new key signs from now on; the old ones are still published, or dropped at once.
  else if (what === 'overlap') keys = [await key(), ...keys];
  else if (what === 'drop') keys = [await key()];
  else throw new Error(`no such turn: ${what}`);
  provider = make();
  response.end('done');
}
