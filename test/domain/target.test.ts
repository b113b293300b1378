import { expect } from 'chai';
import { canonicalAuthUrl, describeTarget, sameTarget } from '../../src/domain/target.ts';

const TARGET = { auth_url: 'https://iam.example/v3', region: 'eu-de', project_id: 'p1' };

describe('sameTarget', () => {
  const same = [
    'https://iam.example',
    'https://iam.example/',
    'https://iam.example/v3/',
    'https://iam.example/v3//',
    'https://IAM.Example/v3',
    'https://iam.example:443/v3',
    'HTTPS://iam.example/v3',
  ];
  for (const auth_url of same)
    it(`${auth_url} is the same Keystone`, () => {
      expect(sameTarget(TARGET, { ...TARGET, auth_url })).to.equal(true);
      expect(sameTarget({ ...TARGET, auth_url }, TARGET)).to.equal(true);
    });

  const other = [
    'http://iam.example/v3',
    'https://iam.example:5000/v3',
    'https://iam.example/identity/v3',
    'https://iam.example/v2',
    'https://iam.example.org/v3',
    'not a url',
  ];
  for (const auth_url of other)
    it(`${auth_url} is another one`, () => {
      expect(sameTarget(TARGET, { ...TARGET, auth_url })).to.equal(false);
    });

  it('goes by region and project id, not by the name of the project', () => {
    expect(sameTarget(TARGET, { ...TARGET, region: 'eu-nl' })).to.equal(false);
    expect(sameTarget(TARGET, { ...TARGET, project_id: 'p2' })).to.equal(false);
    expect(sameTarget(TARGET, { ...TARGET, project_name: 'payments' })).to.equal(true);
  });
});

describe('canonicalAuthUrl', () => {
  it('leaves credentials and query out', () => {
    expect(canonicalAuthUrl('https://ada:secret@iam.example/v3?x=1#y')).to.equal('https://iam.example');
  });

  it('keeps what is no URL', () => {
    expect(canonicalAuthUrl('nowhere/v3/')).to.equal('nowhere');
  });
});

describe('describeTarget', () => {
  it('names the project if it can', () => {
    expect(describeTarget(TARGET)).to.equal('project p1, region eu-de, https://iam.example/v3');
    expect(describeTarget({ ...TARGET, project_name: 'payments' })).to.equal(
      'project payments (p1), region eu-de, https://iam.example/v3',
    );
  });
});
