/**
 * The demo sign-in: anyone may be one of a few made-up people. Only for this machine: template.yaml trusts it in stage local
 * only, and its key exists in this process only, and ends with it.
 */
import { exportJWK, generateKeyPair, type JSONWebKeySet, SignJWT } from 'jose';

export const demoPeople = ['ann', 'ben'] as const;
/** Of which the API asks for, and the client in template.yaml gets, in an account. */
export const scope = 'gallery/images';
const TOKEN_SECONDS = 3600;

export interface DemoIssuer {
  readonly jwks: JSONWebKeySet;
  /** Undefined for people who do not exist. */
  issue(person: string): Promise<{ readonly access_token: string; readonly expires_in: number } | undefined>;
  /** An access token like Cognito's. */
  sign(person: string): Promise<string>;
}

export async function demoIssuer(issuer: string): Promise<DemoIssuer> {
  const { publicKey, privateKey } = await generateKeyPair('RS256');
  const kid = crypto.randomUUID();
  const sign = (person: string) =>
    new SignJWT({ token_use: 'access', scope })
      .setProtectedHeader({ alg: 'RS256', kid })
      .setIssuer(issuer)
      .setSubject(person)
      .setIssuedAt()
      .setExpirationTime(`${TOKEN_SECONDS}s`)
      .sign(privateKey);
  return {
    jwks: { keys: [{ ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' }] },
    sign,
    async issue(person) {
      if (!demoPeople.some((name) => name === person)) return undefined;
      return { access_token: await sign(person), expires_in: TOKEN_SECONDS };
    },
  };
}
