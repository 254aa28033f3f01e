/** What a run will cost, before it is started. One place: a price list of the project goes here. */

// Dollars a million, us-east-1: S3 requests that write, and the rest as the pipeline's bench and bills have them.
const dollarsAMillion = {
  'the upload’s PUT': 5,
  'PUTs of six renditions': 30,
  'reads of the upload by three workers': 1.2,
  'Lambda: 4 GB-seconds on arm64': 54,
  'Step Functions EXPRESS': 4,
  'DynamoDB: memory of the dispatcher, record, announcement': 4,
  'EventBridge, SQS, logs': 5,
  'its removal afterwards': 15,
  'watching it: the records are read until it is decided': 4,
} as const;

/** US dollars, rounded up to the cent. */
export function estimatedCost(changes: number): number {
  const each = Object.values(dollarsAMillion).reduce((sum, dollars) => sum + dollars, 0) / 1_000_000;
  return Math.ceil(changes * each * 100) / 100;
}
