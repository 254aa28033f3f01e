/** CloudFront's keys and a secret, as far as gallery/deploy uses them, with a clock that only the test moves. */
import {
  CloudFrontClient,
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
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { mockClient } from '../../../test/support/mock-client.ts';

const MINUTE = 60_000;

/** From this time on. */
interface Since<Value> {
  readonly at: number;
  readonly value: Value;
}

export function inMemoryKeys() {
  const cloudFront = mockClient(CloudFrontClient);
  const secrets = mockClient(SecretsManagerClient);
  let time = Date.UTC(2026, 0, 1);
  let made = 0;
  let writesLeft = Number.POSITIVE_INFINITY;
  let endsBefore = true;
  const publicKeys = new Map<string, { Name: string; EncodedKey: string }>();
  let group: { Name: string; Items: string[]; version: number } | undefined;
  const versions = new Map<string, { value: string; stages: string[] }>();
  const groups: Since<readonly string[]>[] = [];
  const signing: Since<string>[] = [];

  /** Each command that changes something can be the last one of the process: before it arrives, or before its answer does. */
  const write = <Result>(change: () => Result): Result => {
    writesLeft -= 1;
    if (writesLeft < 0 || (writesLeft === 0 && endsBefore)) throw new Error('killed');
    const result = change();
    if (writesLeft === 0) throw new Error('killed');
    return result;
  };
  const described = (found: NonNullable<typeof group>) => ({
    Id: 'group',
    LastModifiedTime: new Date(groups.at(-1)?.at ?? 0),
    KeyGroupConfig: { Name: found.Name, Items: found.Items },
  });
  const setGroup = (Name: string, Items: string[]) => {
    if (Items.some((id) => !publicKeys.has(id))) throw new Error('NoSuchPublicKey');
    group = { Name, Items, version: (group?.version ?? 0) + 1 };
    groups.push({ at: time, value: Items });
    return { KeyGroup: described(group), ETag: String(group.version) };
  };
  const move = (stage: string, to: string) => {
    for (const version of versions.values()) version.stages = version.stages.filter((one) => one !== stage);
    versions.get(to)?.stages.push(stage);
    if (stage === 'AWSCURRENT') signing.push({ at: time, value: JSON.parse(versions.get(to)?.value ?? '').keyPairId });
    changedAt = time;
  };
  let changedAt = 0;

  cloudFront.on(ListKeyGroupsCommand).callsFake(() => ({
    KeyGroupList: { Items: group === undefined ? [] : [{ KeyGroup: described(group) }] },
  }));
  cloudFront.on(GetKeyGroupCommand).callsFake(() => {
    if (group === undefined) throw new Error('NoSuchResource');
    return { KeyGroup: described(group), ETag: String(group.version) };
  });
  cloudFront
    .on(CreateKeyGroupCommand)
    .callsFake(({ KeyGroupConfig: { Name, Items } }) => write(() => setGroup(Name, Items)));
  cloudFront.on(UpdateKeyGroupCommand).callsFake(({ IfMatch, KeyGroupConfig: { Name, Items } }) =>
    write(() => {
      if (IfMatch !== String(group?.version)) throw new Error('PreconditionFailed');
      return setGroup(Name, Items);
    }),
  );
  cloudFront.on(CreatePublicKeyCommand).callsFake(({ PublicKeyConfig: { Name, EncodedKey } }) =>
    write(() => {
      made += 1;
      const Id = `K${made}`;
      publicKeys.set(Id, { Name, EncodedKey });
      return { PublicKey: { Id } };
    }),
  );
  cloudFront.on(ListPublicKeysCommand).callsFake(() => ({
    PublicKeyList: { Items: [...publicKeys].map(([Id, { Name }]) => ({ Id, Name })) },
  }));
  cloudFront.on(GetPublicKeyCommand).callsFake(({ Id }) => ({ ETag: `of ${Id}` }));
  cloudFront.on(DeletePublicKeyCommand).callsFake(({ Id, IfMatch }) =>
    write(() => {
      if (group?.Items.includes(Id)) throw new Error('PublicKeyInUse');
      if (IfMatch !== `of ${Id}`) throw new Error('InvalidIfMatchVersion');
      publicKeys.delete(Id);
      return {};
    }),
  );
  secrets.on(DescribeSecretCommand).callsFake(() => ({
    VersionIdsToStages: Object.fromEntries([...versions].map(([id, { stages }]) => [id, stages])),
    LastChangedDate: new Date(changedAt),
  }));
  secrets.on(GetSecretValueCommand).callsFake(({ VersionId }) => ({ SecretString: versions.get(VersionId)?.value }));
  secrets.on(PutSecretValueCommand).callsFake(({ SecretString, VersionStages: [stage] }) =>
    write(() => {
      const id = `version-${versions.size + 1}`;
      versions.set(id, { value: SecretString, stages: [] });
      move(stage, id);
      return {};
    }),
  );
  secrets.on(UpdateSecretVersionStageCommand).callsFake(({ VersionStage, MoveToVersionId, RemoveFromVersionId }) =>
    write(() => {
      if (!versions.get(RemoveFromVersionId)?.stages.includes(VersionStage)) throw new Error('InvalidParameter');
      move(VersionStage, MoveToVersionId);
      return {};
    }),
  );

  return {
    /** For what else a test needs of CloudFront. */
    cloudFront,
    store: {
      cloudFront: new CloudFrontClient({}),
      secrets: new SecretsManagerClient({}),
      ...{ name: 'gallery-dev-eu-west-1', secretId: 'gallery-dev/cookie-key' },
    },
    publicKeys,
    now: () => time,
    pass(minutes: number) {
      time += minutes * MINUTE;
    },
    /** The process ends at the given write, counted from 1. */
    killAt(count: number, when: 'before' | 'after') {
      writesLeft = count;
      endsBefore = when === 'before';
    },
    survive() {
      writesLeft = Number.POSITIVE_INFINITY;
    },
    accepted: () => group?.Items ?? [],
    signsWith: () => signing.at(-1)?.value,
    secretOf: (keyPairId: string | undefined) =>
      [...versions.values()].find(({ value }) => JSON.parse(value).keyPairId === keyPairId)?.value ?? '',
    /**
     * The minutes at which some browser has a cookie that some location of CloudFront refuses. A function keeps a key for five minutes, a
     * cookie lasts for an hour, and a location may be fifteen minutes behind. The first quarter of an hour is that of the first deployment.
     */
    refusals(): string[] {
      const start = (signing[0]?.at ?? 0) + 15 * MINUTE;
      return signing.flatMap(({ at, value: key }, index) => {
        const last = (signing[index + 1]?.at ?? time) + 65 * MINUTE;
        const found: string[] = [];
        for (let minute = Math.max(at, start); minute <= Math.min(last, time); minute += MINUTE) {
          const visible = groups.filter(
            (one, place) =>
              one.at <= minute && (groups[place + 1]?.at ?? Number.POSITIVE_INFINITY) > minute - 15 * MINUTE,
          );
          if (visible.some(({ value }) => !value.includes(key)))
            found.push(`${key} at ${new Date(minute).toISOString()}`);
        }
        return found;
      });
    },
  };
}
