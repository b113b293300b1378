import { expect } from 'chai';
import type { Backup, Volume } from '../../src/domain/cloud.ts';
import { breachesOf } from '../../src/domain/policy-check.ts';
import { MASK } from '../../src/domain/secrets.ts';

const ID = 'c96e4a94-927a-425c-8795-63f9964cfebd';
const BACKUP: Backup = {
  id: 'b',
  name: 'nightly',
  status: 'available',
  size: 10,
  volume_id: ID,
  created_at: '2026-11-23T00:00:00Z',
};

function breaches(pattern: string, more: Partial<Volume> = {}) {
  const volume: Volume = { id: ID, name: 'data', status: 'available', size: 10, attachments: [], ...more };
  return breachesOf(volume, BACKUP, { protected_volumes: [pattern] }, 0).map(({ code }) => code);
}

describe('policy.protected_volumes', () => {
  const bare = ID.replaceAll('-', '');
  for (const written of [
    ID,
    ID.toUpperCase(),
    bare,
    bare.toUpperCase(),
    `{${ID}}`,
    `{${bare}}`,
    `urn:uuid:${ID}`,
  ])
    it(`matches an id written as ${written}`, () => {
      expect(breaches(written)).to.deep.equal(['protected-volume']);
      expect(breaches(written, { id: bare })).to.deep.equal(['protected-volume']);
      expect(breaches(written, { id: `d${ID.slice(1)}` })).to.deep.equal([]);
      // An id is no name that a credential may hide.
      expect(breaches(written, { id: `d${ID.slice(1)}`, name: `x${MASK}` })).to.deep.equal([]);
    });

  it('matches a name in either Unicode form', () => {
    for (const form of ['NFC', 'NFD'] as const)
      for (const other of ['NFC', 'NFD'] as const)
        expect(breaches('größe-*'.normalize(form), { name: 'größe-1'.normalize(other) })).to.deep.equal([
          'protected-volume',
        ]);
  });

  it('treats a part of an id as a name', () => {
    for (const pattern of ['c96e*', `${ID}-1`, 'cafe']) expect(breaches(pattern)).to.deep.equal([]);
  });
});
