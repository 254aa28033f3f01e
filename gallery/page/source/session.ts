/**
 * Who is signed in. Locally, people choose who to be; in an account, Cognito asks them (authorization code with PKCE, RFC 7636).
 * Tokens stay in this window: sessionStorage is not shared with others, and ends with it.
 */
import * as z from 'zod/mini';

const demo = z.object({ kind: z.literal('demo'), people: z.array(z.string()) });
const cognito = z.object({
  kind: z.literal('cognito'),
  authorizeUrl: z.string(),
  tokenUrl: z.string(),
  logoutUrl: z.string(),
  clientId: z.string(),
});
const configuration = z.object({
  signIn: z.discriminatedUnion('kind', [demo, cognito]),
  /** Addresses of photographs to try the page with; only locally. */
  samples: z.optional(z.array(z.string())),
  /** Whether `/inside` answers; only locally. */
  inside: z.optional(z.boolean()),
});
export type Configuration = z.infer<typeof configuration>;
export type SignIn = Configuration['signIn'];
type Cognito = z.infer<typeof cognito>;

const session = z.object({
  person: z.string(),
  accessToken: z.string(),
  refreshToken: z.optional(z.string()),
});
export type Session = z.infer<typeof session>;

const answer = z.object({
  access_token: z.string(),
  refresh_token: z.optional(z.string()),
  id_token: z.optional(z.string()),
});
const claims = z.object({ email: z.optional(z.string()) });
const attempt = z.object({ verifier: z.string(), state: z.string() });

const SESSION = 'gallery.session';
const ATTEMPT = 'gallery.sign-in';

export async function readConfiguration(): Promise<Configuration> {
  const response = await fetch('/config.json');
  expectOk(response);
  return configuration.parse(await response.json());
}

export function storedSession(): Session | undefined {
  return stored(SESSION, session);
}

export function storeSession(value: Session | undefined): void {
  if (value === undefined) sessionStorage.removeItem(SESSION);
  else sessionStorage.setItem(SESSION, JSON.stringify(value));
}

function stored<Schema extends z.ZodMiniType>(name: string, schema: Schema): z.infer<Schema> | undefined {
  const text = sessionStorage.getItem(name);
  if (text === null) return undefined;
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    // Then the person signs in again, which writes it anew.
    return undefined;
  }
}

export async function signInAs(person: string): Promise<Session> {
  const response = await fetch('/demo/token', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ person }),
  });
  expectOk(response);
  const { access_token } = answer.parse(await response.json());
  return { person, accessToken: access_token };
}

/** Leaves the page for Cognito's. It comes back with `?code=`. */
export async function goToSignIn({ authorizeUrl, clientId }: Cognito): Promise<void> {
  const verifier = randomText();
  const state = randomText();
  sessionStorage.setItem(ATTEMPT, JSON.stringify({ verifier, state }));
  const challenge = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier));
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri(),
    scope: 'openid gallery/images',
    state,
    code_challenge: base64Url(new Uint8Array(challenge)),
    code_challenge_method: 'S256',
  });
  location.assign(`${authorizeUrl}?${query}`);
}

/** Undefined if this is not the way back from Cognito, or not the way back that this window waits for. */
export async function completeSignIn({ tokenUrl, clientId }: Cognito): Promise<Session | undefined> {
  const query = new URLSearchParams(location.search);
  const code = query.get('code');
  if (code === null) return undefined;
  const waiting = stored(ATTEMPT, attempt);
  sessionStorage.removeItem(ATTEMPT);
  // The code works once: it has no place in the history.
  history.replaceState(null, '', `/${location.hash}`);
  if (waiting === undefined || waiting.state !== query.get('state')) return undefined;
  return requestTokens(tokenUrl, {
    grant_type: 'authorization_code',
    client_id: clientId,
    code,
    redirect_uri: redirectUri(),
    code_verifier: waiting.verifier,
  });
}

/**
 * @returns a session that goes on, or undefined if the person has to sign in again
 * @throws if there is no answer
 */
export async function renewSession(signIn: SignIn, session: Session): Promise<Session | undefined> {
  try {
    return await renewed(signIn, session);
  } catch (error) {
    if (error instanceof Refused) return undefined;
    throw error;
  }
}

async function renewed(signIn: SignIn, { person, refreshToken }: Session): Promise<Session | undefined> {
  switch (signIn.kind) {
    case 'demo':
      return signInAs(person);
    case 'cognito': {
      if (refreshToken === undefined) return undefined;
      const { tokenUrl, clientId } = signIn;
      const form = { grant_type: 'refresh_token', client_id: clientId, refresh_token: refreshToken };
      return { refreshToken, ...(await requestTokens(tokenUrl, form)), person };
    }
  }
}

/** An answer that trying again does not change. */
class Refused extends Error {}

function expectOk({ ok, status, url }: Response): void {
  if (ok) return;
  const message = `${url} answered ${status}.`;
  throw status < 500 ? new Refused(message) : new Error(message);
}

export function leave(signIn: SignIn): void {
  storeSession(undefined);
  if (signIn.kind !== 'cognito') return;
  const query = new URLSearchParams({ client_id: signIn.clientId, logout_uri: redirectUri() });
  location.assign(`${signIn.logoutUrl}?${query}`);
}

async function requestTokens(tokenUrl: string, form: Readonly<Record<string, string>>): Promise<Session> {
  const response = await fetch(tokenUrl, { method: 'POST', body: new URLSearchParams(form) });
  expectOk(response);
  const { access_token, refresh_token, id_token } = answer.parse(await response.json());
  return {
    person: emailOf(id_token) ?? 'You',
    accessToken: access_token,
    ...(refresh_token !== undefined && { refreshToken: refresh_token }),
  };
}

/** To show it, if the id token has it. Nothing depends on it, so the signature is not verified here; the API verifies the access token. */
function emailOf(idToken: string | undefined): string | undefined {
  const payload = idToken?.split('.')[1];
  if (payload === undefined) return undefined;
  const bytes = Uint8Array.from(atob(payload.replaceAll('-', '+').replaceAll('_', '/')), (one) => one.charCodeAt(0));
  return claims.parse(JSON.parse(new TextDecoder().decode(bytes))).email;
}

const redirectUri = () => `${location.origin}/`;
const randomText = () => base64Url(crypto.getRandomValues(new Uint8Array(32)));

function base64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}
