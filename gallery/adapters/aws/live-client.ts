import { ApiGatewayManagementApiClient } from '@aws-sdk/client-apigatewaymanagementapi';

const emulator = process.env['AWS_ENDPOINT_URL'];

/** Sends to the connections of a WebSocket API. A browser that does not answer must not hold up the others. */
export function liveClient({
  apiId,
  stage,
  region,
  domainSuffix,
}: {
  readonly apiId: string;
  readonly stage: string;
  readonly region: string;
  readonly domainSuffix: string;
}): ApiGatewayManagementApiClient {
  const endpoint =
    emulator === undefined
      ? `https://${apiId}.execute-api.${region}.${domainSuffix}/${stage}`
      : `${emulator}/_aws/execute-api/${apiId}/${stage}`;
  const requestHandler = { connectionTimeout: 2_000, requestTimeout: 5_000, throwOnRequestTimeout: true };
  return new ApiGatewayManagementApiClient({ endpoint, requestHandler });
}
