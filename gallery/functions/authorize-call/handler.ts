import { text, url } from '../../../adapters/contracts/zod.ts';
import { readEnvironment } from '../../../adapters/lambda/environment.ts';
import { jwtTokens } from '../../adapters/aws/jwt-tokens.ts';
import { authorizer } from '../../adapters/lambda/authorizer.ts';

const env = readEnvironment({ ISSUER: url(), JWKS_URI: url(), SCOPE: text });

export const handler = authorizer(jwtTokens({ issuer: env.ISSUER, jwksUri: env.JWKS_URI, scope: env.SCOPE }));
