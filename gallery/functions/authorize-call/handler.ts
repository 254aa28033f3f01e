import { text, url } from '../../../adapters/contracts/zod.ts';
import { readEnvironment } from '../../../adapters/lambda/environment.ts';
import { jwtTokens } from '../../adapters/aws/jwt-tokens.ts';
import { authorizer } from '../../adapters/lambda/authorizer.ts';

const env = readEnvironment({ ISSUER: url(), CLIENT_ID: text, JWKS_URI: url() });

export const handler = authorizer(jwtTokens({ issuer: env.ISSUER, clientId: env.CLIENT_ID, jwksUri: env.JWKS_URI }));
