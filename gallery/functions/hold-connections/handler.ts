import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { dynamoDbClient } from '../../../adapters/aws/aws-clients.ts';
import { text } from '../../../adapters/contracts/zod.ts';
import { readEnvironment } from '../../../adapters/lambda/environment.ts';
import { dynamoDbConnections } from '../../adapters/aws/dynamodb-connections.ts';
import { dynamoDbImages } from '../../adapters/aws/dynamodb-images.ts';
import { liveConnections } from '../../adapters/lambda/live-connections.ts';
import { greeting, openConnection } from '../../core/live.ts';

const env = readEnvironment({ IMAGE_TABLE: text, SESSION_TABLE: text });
const client = DynamoDBDocumentClient.from(dynamoDbClient());
const images = dynamoDbImages({ client, tableName: env.IMAGE_TABLE });
const connections = dynamoDbConnections({ client, tableName: env.SESSION_TABLE });

export const handler = liveConnections({
  open: (owner, connectionId) => openConnection(owner, connectionId, { connections }),
  close: connections.remove,
  hello: (owner, connectionId) => greeting(owner, connectionId, { connections, images }),
});
