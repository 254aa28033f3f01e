import { describePractices } from '../../test/support/documented-practices.ts';

describePractices('lab/docs/practices.md');
