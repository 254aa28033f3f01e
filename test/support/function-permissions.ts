import { at, type Json, ofType, statementsOf, templateFor } from '../../scripts/template/template.ts';

/** What a function's own code may call, according to its role in the template. */
export interface FunctionPermission {
  /** `ResizeImage` of ResizeImageFunction. */
  readonly stem: string;
  readonly sid: string;
  /** The call's IAM action. */
  readonly action: string;
  /** `UploadBucket`, or `UploadBucket/*` for its objects. The emulator enforces any narrower part. */
  readonly on: string;
}

// Used by Lambda, S3, Step Functions and KMS on the function's behalf.
const madeByAws = [
  ...['TakeUploads', 'WriteLogs', 'WriteTraces', 'TellGoneFromDenied', 'UseDataKey', 'ReadResults'],
  ...['ReadChanges', 'KeepPlacesOfUnrecordedChanges'],
];

const template = templateFor('local');
export const functionPermissions: readonly FunctionPermission[] = ofType(template, 'AWS::Serverless::Function').flatMap(
  ([id]) => {
    const stem = id.replace(/Function$/, '');
    const role = template.resources.get(`${stem}Role`);
    if (role === undefined) throw new Error(`template.yaml has no role ${stem}Role.`);
    return statementsOf(role)
      .filter(({ Sid }) => !madeByAws.includes(Sid))
      .flatMap(({ Sid, Action, Resource }) =>
        Action.flatMap((action) =>
          [...new Set(Resource.map(resourceName))].map((on) => ({ stem, sid: Sid, action, on })),
        ),
      );
  },
);

function resourceName(resource: Json): string {
  const [, id = '', inside] =
    /^(?:\$\{)?(\w+)(?:\.Arn\}?)?(\/.*)?$/.exec(
      String(at(resource, 'Ref') ?? at(resource, 'Fn::GetAtt') ?? at(resource, 'Fn::Sub')),
    ) ?? [];
  return inside === undefined ? id : `${id}/*`;
}
