import { expect } from 'chai';
import fc from 'fast-check';
import { shownLocation } from '../../src/domain/shown-location.ts';

describe('the shown location of a state', () => {
  for (const [given, shown] of [
    ['vbsctl.state.json', 'vbsctl.state.json'],
    ['/srv/a@b?c=d', '/srv/a@b?c=d'],
    ['https://TOKEN@host/s?sig=abc', 'https://host/s?sig=…'],
    ['https://user:pw@host:8443/s', 'https://host:8443/s'],
    ['https://a@b@host/s', 'https://host/s'],
    ['https://host/s@2?token=x&X-Amz-Signature=y#frag', 'https://host/s@2?token=…&X-Amz-Signature=…'],
    ['https://host/s?onlysecret', 'https://host/s?…'],
    ['HTTPS://host?a=b?c=d', 'HTTPS://host?a=…'],
    ['postgres://ops@db:5432/d?sslmode=disable&state=p', 'postgres://ops@db:5432/d?sslmode=disable&state=p'],
    ['postgres://ops:pw@db/d', 'postgres://ops@db/d'],
    ['postgres://ops@h/d%b', 'postgres://ops@h/d%b'],
    [
      's3://b/k%ZZ?region=eu&endpoint=https://T@obs.example',
      's3://b/k%ZZ?region=eu&endpoint=https://obs.example',
    ],
    ['s3://b/k?endpoint=garbage', 's3://b/k?endpoint=…'],
    ['https://se cret@ho st/\n?k=v', 'https://ho st/\n?k=…'],
  ] as const)
    it(given.replace(/\n/g, '\\n'), () => {
      expect(shownLocation(given)).to.equal(shown);
    });

  it('never contains a login or a query value, and is unchanged when masked twice', () => {
    const part = fc.stringMatching(/^[a-z%@:=&?.-]{0,8}$/);
    fc.assert(
      fc.property(part, part, part, (before, path, after) => {
        const shown = shownLocation(
          `https://${before}S3CRET${before.replace(/[?#]/g, '')}@host/${path}?k=S3CRET${after}`,
        );
        if (!before.includes('?')) expect(shown).to.not.include('S3CRET');
        expect(shownLocation(shown)).to.equal(shown);
      }),
    );
  });
});
