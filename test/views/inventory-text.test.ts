import { expect } from 'chai';
import fc from 'fast-check';
import { parse } from 'yaml';
import { inventoryOf } from '../../src/inventory/rows.ts';
import { backupsText, namesText, serversText, volumesText } from '../../src/views/inventory-text.ts';
import { toYaml } from '../../src/views/yaml-text.ts';
import { BACKUPS, NOW, PROJECT_ID, SERVERS, VOLUMES } from '../inventory/project.ts';
import { at } from './fixtures.ts';
import { expectGolden, expectHarmless } from './golden.ts';

const { backups, volumes, servers } = inventoryOf({
  volumes: VOLUMES,
  backups: BACKUPS,
  servers: SERVERS,
  projectId: PROJECT_ID,
});

describe('the text of the inventory', () => {
  const options = (width: number) => ({ ...at(width), now: NOW });

  it('matches the golden files for backups, disks and servers', () => {
    expectGolden(
      'inventory',
      [100, 180]
        .flatMap((width) => [
          backupsText(backups, options(width)),
          volumesText(volumes, options(width)),
          serversText(servers, options(width)),
        ])
        .join('\n'),
    );
  });

  it('says that nothing matches', () => {
    expect(backupsText([], options(80))).to.equal('No backup found.\n');
  });

  it('names what can be given back: the name where it is one and only one, else the id', () => {
    const rows = [
      { id: '1', name: 'a' },
      { id: '2', name: 'b' },
      { id: '3', name: 'b' },
      { id: '4', name: '' },
      { id: '5', name: '$(reboot)' },
      { id: '6', name: '--all' },
      { id: '7', name: '1' },
      { id: '8', name: 'c96e4a94-927a-425c-8795-63f9964cfebd' },
      { id: '9', name: 'C96E4A94927A425C879563F9964CFEBD' },
    ];
    expect(namesText(rows)).to.equal('a\n2\n3\n4\n5\n6\n7\n8\n9\n');
  });

  it('writes YAML that is read as the same data, harmless to look at', () => {
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { depthSize: 'small' },
        fc.string({ unit: 'binary' }),
        fc.constantFrom('no', 'NULL', '0x10', '1e3', '- a', '# b', '', '~', 'ab-cd', 'false', 'available'),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('any'), { maxLength: 4 }),
        fc.dictionary(fc.stringMatching(/^[a-z_]{1,8}$/), tie('any'), { maxKeys: 4 }),
      ),
    })).any;
    fc.assert(
      fc.property(value, (data) => {
        const text = toYaml(data);
        expectHarmless(text);
        // The dictionaries of fast-check have no prototype.
        expect(parse(text)).to.deep.equal(JSON.parse(JSON.stringify(data)));
      }),
      { numRuns: 300 },
    );
  });
});
