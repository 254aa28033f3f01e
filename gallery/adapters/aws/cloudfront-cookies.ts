import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { getSignedCookies } from '@aws-sdk/cloudfront-signer';
import * as z from '../../../adapters/contracts/zod.ts';

/** As long as a page may show renditions without asking the API for anything. */
export const COOKIE_SECONDS = 3600;
/** How long after a rotation the old key still signs. It must stay in the key group longer than this and a cookie last: gallery/deploy. */
export const KEY_SECONDS = 300;

/** What the secret holds. */
export const signingKey = z.object({ keyPairId: z.text, privateKey: z.text });
type SigningKey = z.infer<typeof signingKey>;

/** Makes the cookies with which CloudFront lets a browser load renditions. */
export type RenditionCookies = () => Promise<readonly string[]>;

/** Where nothing checks cookies: on the emulator. */
export const noCookies: RenditionCookies = async () => [];

/**
 * The key is read before the first request, and again every five minutes: a rotation needs no new deployment. If it cannot be read
 * again, the last one goes on; if there is none yet, each request tries again.
 */
export function cloudFrontCookies({
  client,
  secretId,
  now = Date.now,
}: {
  readonly client: SecretsManagerClient;
  readonly secretId: string;
  readonly now?: () => number;
}): RenditionCookies {
  const read = async (): Promise<SigningKey> => {
    const { SecretString = '' } = await client.send(new GetSecretValueCommand({ SecretId: secretId }));
    return signingKey.parse(JSON.parse(SecretString));
  };
  let reading = read();
  // The request that needs it fails and says why, and not the loading of the module.
  reading.catch(() => undefined);
  let readAt = now();
  return async () => {
    if (now() - readAt > 1000 * KEY_SECONDS) {
      readAt = now();
      const before = reading;
      reading = read().catch(() => before);
    }
    const key = await reading.catch(() => {
      reading = read();
      return reading;
    });
    const expires = Math.floor(now() / 1000) + COOKIE_SECONDS;
    const policy = JSON.stringify({
      Statement: [{ Resource: 'https://*/renditions/*', Condition: { DateLessThan: { 'AWS:EpochTime': expires } } }],
    });
    const cookies = getSignedCookies({ policy, keyPairId: key.keyPairId, privateKey: key.privateKey });
    return Object.entries(cookies).map(
      ([name, value]) =>
        `${name}=${value}; Path=/renditions/; Max-Age=${COOKIE_SECONDS}; Secure; HttpOnly; SameSite=Strict`,
    );
  };
}
