import { s3Client } from '../../adapters/aws/aws-clients.ts';
import { s3HistoryLog } from '../../adapters/aws/s3-history-log.ts';
import { text } from '../../adapters/contracts/zod.ts';
import { readEnvironment } from '../../adapters/lambda/environment.ts';
import { tableStream } from '../../adapters/lambda/table-stream.ts';
import { recordHistory } from '../../core/record-history.ts';

const env = readEnvironment({ HISTORY_BUCKET: text });
const historyLog = s3HistoryLog({ client: s3Client(), bucket: env.HISTORY_BUCKET });

export const handler = tableStream((changes) => recordHistory(changes, { historyLog }));
