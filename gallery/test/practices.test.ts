import { describePractices } from '../../test/support/documented-practices.ts';

describePractices('gallery/docs/practices.md', {
  template: 'gallery/template.yaml',
  parameters: { CookieKeyGroupId: 'group', Firewall: 'true' },
});
