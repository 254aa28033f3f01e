import { JwtVerifier } from 'aws-jwt-verify';
import { FetchError, JwksValidationError, JwtBaseError } from 'aws-jwt-verify/error';
import { SimpleJwksCache } from 'aws-jwt-verify/jwk';
import * as z from '../../../adapters/contracts/zod.ts';
import type { TokenVerifier } from '../../core/ports.ts';
import { ownerPattern } from '../../core/upload-key.ts';

/** Checks signature, issuer, scope and time. The keys are fetched once and kept: an unknown key id fetches them again. */
export function jwtTokens({
  issuer,
  jwksUri,
  scope,
}: {
  readonly issuer: string;
  readonly jwksUri: string;
  /** Which only clients get that may act for people here. */
  readonly scope: string;
}): TokenVerifier {
  // The library's own fetcher knows no http://, which the demo sign-in on this machine has.
  const jwksCache = new SimpleJwksCache({ fetcher: { fetch: fetchKeys } });
  // Cognito's access tokens have a scope, and no audience. The demo sign-in issues the same.
  const verifier = JwtVerifier.create({ issuer, jwksUri, audience: null }, { jwksCache });
  const claims = z.object({
    sub: z.string().check(z.regex(ownerPattern)),
    token_use: z.literal('access'),
    scope: z.string().check(z.refine((scopes) => scopes.split(' ').includes(scope))),
  });
  return {
    async ownerOf(token) {
      try {
        return claims.safeParse(await verifier.verify(token)).data?.sub;
      } catch (error) {
        if (error instanceof JwtBaseError && !isAboutKeys(error)) return undefined;
        throw error;
      }
    },
  };
}

/** Without keys, nothing is known about a token: that is an error, and not a refusal. */
function isAboutKeys(error: Error): boolean {
  return error instanceof FetchError || error instanceof JwksValidationError;
}

async function fetchKeys(uri: string): Promise<ArrayBuffer> {
  const response = await fetch(uri, { signal: AbortSignal.timeout(3_000) }).catch((error: unknown) => {
    throw new FetchError(uri, error);
  });
  if (!response.ok) throw new FetchError(uri, `HTTP ${response.status}`);
  return await response.arrayBuffer();
}
