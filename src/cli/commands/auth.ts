import { cloud, config, output } from '../options/shared.ts';
import type { CommandDefinition, CommandGroup } from './definition.ts';
import type { AuthFlags } from './run-auth.ts';

const show: CommandDefinition<AuthFlags> = {
  name: 'show',
  summary: 'Show each setting and where it comes from; hides secrets',
  options: [config, cloud, output],
  examples: [
    ['vbsctl auth show', 'the settings in use'],
    ['vbsctl auth show --cloud otc --output json', 'of an entry of clouds.yaml, as JSON'],
  ],
  run: async (io, flags) => await (await import('./run-auth.ts')).authShow(io, flags),
};

const check: CommandDefinition<AuthFlags> = {
  name: 'check',
  summary: 'Test the connection, the credentials and their rights; changes nothing',
  options: [config, cloud, output],
  examples: [
    ['vbsctl auth check', 'connection, credentials, project, endpoints, rights, clock'],
    ['vbsctl auth check --cloud otc --output json', 'of an entry of clouds.yaml, as JSON'],
  ],
  run: async (io, flags) => await (await import('./run-auth.ts')).authCheck(io, flags),
};

export const auth: CommandGroup = {
  name: 'auth',
  summary: 'Show and test the access to the cloud',
  examples: [['vbsctl auth check', 'before the first plan, and when the cloud refuses a request']],
  commands: [show, check],
};
