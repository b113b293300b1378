import { expect } from 'chai';
import { canonicalAuthUrl, projectText, sameProject } from '../../src/domain/cloud-project.ts';

const TARGET = { auth_url: 'https://iam.example/v3', region: 'eu-de', project_id: 'p1' };

describe('sameProject', () => {
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
    it(`is true for ${auth_url}`, () => {
      expect(sameProject(TARGET, { ...TARGET, auth_url })).to.equal(true);
      expect(sameProject({ ...TARGET, auth_url }, TARGET)).to.equal(true);
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
    it(`is false for ${auth_url}`, () => {
      expect(sameProject(TARGET, { ...TARGET, auth_url })).to.equal(false);
    });

  it('compares region and project id, not the project name', () => {
    expect(sameProject(TARGET, { ...TARGET, region: 'eu-nl' })).to.equal(false);
    expect(sameProject(TARGET, { ...TARGET, project_id: 'p2' })).to.equal(false);
    expect(sameProject(TARGET, { ...TARGET, project_name: 'payments' })).to.equal(true);
  });
});

describe('canonicalAuthUrl', () => {
  it('removes credentials and query', () => {
    expect(canonicalAuthUrl('https://ada:secret@iam.example/v3?x=1#y')).to.equal('https://iam.example');
  });

  it('keeps a text that is not a URL', () => {
    expect(canonicalAuthUrl('nowhere/v3/')).to.equal('nowhere');
  });
});

describe('projectText', () => {
  it('contains the project name if it is known', () => {
    expect(projectText(TARGET)).to.equal('project p1, region eu-de, https://iam.example/v3');
    expect(projectText({ ...TARGET, project_name: 'payments' })).to.equal(
      'project payments (p1), region eu-de, https://iam.example/v3',
    );
  });
});
