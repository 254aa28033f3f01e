/** The keys for cookies in CloudFront and Secrets Manager. */
import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import {
  type CloudFrontClient,
  CreateKeyGroupCommand,
  CreatePublicKeyCommand,
  DeletePublicKeyCommand,
  GetKeyGroupCommand,
  GetPublicKeyCommand,
  ListKeyGroupsCommand,
  ListPublicKeysCommand,
  UpdateKeyGroupCommand,
} from '@aws-sdk/client-cloudfront';
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  type SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import * as z from 'zod';
import { Failure } from '../../scripts/terminal/failure.ts';
import { signingKey } from '../adapters/aws/cloudfront-cookies.ts';
import { type CookieKeys, isChange, nextStep, type Step } from './cookie-key-steps.ts';

/** As AWS's own rotations call the version that is not yet in use. */
const NEXT = 'AWSPENDING';
const CURRENT = 'AWSCURRENT';

export interface KeyStore {
  readonly cloudFront: CloudFrontClient;
  readonly secrets: SecretsManagerClient;
  /** Of the group. The name of each key begins with it. */
  readonly name: string;
  readonly secretId: string;
}

interface StoredKeys {
  readonly keys: CookieKeys;
  readonly group: { readonly id: string; readonly eTag: string } | undefined;
  readonly versions: { readonly current: string | undefined; readonly next: string | undefined };
}

/** Does what is due. @returns the id of the key group, and what remains to be done later */
export async function advance(
  store: KeyStore,
  { now = Date.now, report = () => undefined }: Timing = {},
): Promise<{ readonly group: string; readonly step: Exclude<Step, Change> }> {
  for (;;) {
    const stored = await readKeys(store);
    const step = nextStep(stored.keys, now());
    if (!isChange(step)) {
      if (stored.group === undefined) throw new Failure(`CloudFront has no key group ${store.name}: run this again.`);
      return { group: stored.group.id, step };
    }
    report(step);
    await perform(store, stored, step);
  }
}

interface Timing {
  readonly now?: () => number;
  readonly report?: (step: Change) => void;
}

type Change = Extract<Step, { readonly step: 'make-first-key' | 'make-group' | 'accept' | 'sign-with' | 'remove' }>;

/** Registers a key that {@link advance} lets sign later. */
export async function registerNextKey(store: KeyStore): Promise<void> {
  await register(store, NEXT);
}

async function perform(store: KeyStore, { group, keys, versions }: StoredKeys, step: Change): Promise<void> {
  const { cloudFront, secrets, name, secretId } = store;
  switch (step.step) {
    case 'make-first-key':
      return await register(store, CURRENT);
    case 'make-group':
      await cloudFront.send(new CreateKeyGroupCommand({ KeyGroupConfig: groupOf(name, [step.key]) }));
      return;
    case 'accept':
      return await setKeys(store, group, [...(keys.group?.keys ?? []), step.key]);
    case 'sign-with':
      await secrets.send(
        new UpdateSecretVersionStageCommand({
          SecretId: secretId,
          VersionStage: CURRENT,
          MoveToVersionId: versions.next,
          RemoveFromVersionId: versions.current,
        }),
      );
      return;
    case 'remove': {
      const kept = (keys.group?.keys ?? []).filter((key) => !step.keys.includes(key));
      if (kept.length < (keys.group?.keys.length ?? 0)) await setKeys(store, group, kept);
      for (const Id of step.keys) {
        const { ETag: IfMatch } = await cloudFront.send(new GetPublicKeyCommand({ Id }));
        await cloudFront.send(new DeletePublicKeyCommand({ Id, IfMatch }));
      }
      return;
    }
  }
}

async function setKeys({ cloudFront, name }: KeyStore, group: StoredKeys['group'], Items: string[]): Promise<void> {
  const KeyGroupConfig = groupOf(name, Items);
  // Fails if someone else has changed the group since it was read.
  await cloudFront.send(new UpdateKeyGroupCommand({ Id: group?.id, IfMatch: group?.eTag, KeyGroupConfig }));
}

function groupOf(Name: string, Items: string[]) {
  return { Name, Comment: 'Signs the cookies for renditions', Items };
}

async function register(store: KeyStore, stage: typeof CURRENT | typeof NEXT): Promise<void> {
  const { cloudFront, secrets, name, secretId } = store;
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', {
    // The only size that CloudFront accepts for RSA.
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const Name = `${name}-cookies-${Date.now()}`;
  const PublicKeyConfig = { Name, CallerReference: Name, EncodedKey: publicKey };
  const { PublicKey } = await cloudFront.send(new CreatePublicKeyCommand({ PublicKeyConfig }));
  const SecretString = JSON.stringify(signingKey.parse({ keyPairId: PublicKey?.Id, privateKey }));
  await secrets.send(new PutSecretValueCommand({ SecretId: secretId, SecretString, VersionStages: [stage] }));
}

export async function readKeys(store: KeyStore): Promise<StoredKeys> {
  const { secrets, secretId } = store;
  const { VersionIdsToStages = {}, LastChangedDate } = await secrets.send(
    new DescribeSecretCommand({ SecretId: secretId }),
  );
  const versionOf = (wanted: string, other = '') =>
    Object.entries(VersionIdsToStages).find(([, stages]) => stages.includes(wanted) && !stages.includes(other))?.[0];
  const versions = { current: versionOf(CURRENT), next: versionOf(NEXT, CURRENT) };
  const [signing, next] = [await keyIn(store, versions.current), await keyIn(store, versions.next)];
  const group = await readGroup(store);
  const registered = await registeredKeys(store);
  return {
    ...(group === undefined ? { group } : { group: { id: group.id, eTag: group.eTag } }),
    versions,
    keys: {
      group,
      signing,
      // Without its public key, as after a deletion by hand, it can never sign.
      next: next !== undefined && registered.includes(next) ? next : undefined,
      signingSince: LastChangedDate?.getTime() ?? 0,
      registered,
    },
  };
}

async function keyIn({ secrets, secretId }: KeyStore, version: string | undefined): Promise<string | undefined> {
  if (version === undefined) return undefined;
  const { SecretString = '' } = await secrets.send(
    new GetSecretValueCommand({ SecretId: secretId, VersionId: version }),
  );
  const read = signingKey.safeParse(parsedJson(SecretString));
  if (read.success) return read.data.keyPairId;
  throw new Failure(
    `The secret ${secretId} has a version without a key (${version}): delete the value or the stage of that version, and run this again.`,
  );
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const keyGroup = z.object({
  KeyGroup: z.object({
    Id: z.string(),
    LastModifiedTime: z.date(),
    KeyGroupConfig: z.object({ Name: z.string(), Items: z.array(z.string()) }),
  }),
});

async function readGroup({ cloudFront, name }: KeyStore) {
  let Marker: string | undefined;
  do {
    const { KeyGroupList } = await cloudFront.send(new ListKeyGroupsCommand({ Marker }));
    const listed = (KeyGroupList?.Items ?? []).map((item) => keyGroup.parse(item).KeyGroup);
    const found = listed.find(({ KeyGroupConfig }) => KeyGroupConfig.Name === name);
    if (found !== undefined) {
      const { ETag = '', ...rest } = await cloudFront.send(new GetKeyGroupCommand({ Id: found.Id }));
      const { KeyGroupConfig, LastModifiedTime } = keyGroup.parse(rest).KeyGroup;
      return { id: found.Id, eTag: ETag, keys: KeyGroupConfig.Items, changedAt: LastModifiedTime.getTime() };
    }
    Marker = KeyGroupList?.NextMarker;
  } while (Marker !== undefined && Marker !== '');
  return undefined;
}

async function registeredKeys({ cloudFront, name }: KeyStore): Promise<string[]> {
  // Not a prefix alone: the name of one stack can begin with that of another.
  const ours = new RegExp(`^${name}-cookies-\\d+$`);
  const found: string[] = [];
  let Marker: string | undefined;
  do {
    const { PublicKeyList } = await cloudFront.send(new ListPublicKeysCommand({ Marker }));
    for (const { Id, Name } of PublicKeyList?.Items ?? []) {
      if (Id !== undefined && ours.test(Name ?? '')) found.push(Id);
    }
    Marker = PublicKeyList?.NextMarker;
  } while (Marker !== undefined && Marker !== '');
  return found;
}
