import { expect } from 'chai';
import { ephemeralHost, refuseEphemeralState } from '../../src/cli/ephemeral-host.ts';
import { Failure } from '../../src/domain/errors.ts';
import { paperIo } from './program.ts';

describe('an ephemeral machine', () => {
  for (const CI of ['true', '1', 'yes', 'woodpecker', 'TRUE'])
    it(`is detected with CI=${CI}`, () => {
      expect(ephemeralHost({ CI })).to.include('CI job').and.include(CI);
    });
  for (const CI of ['', '0', 'false', 'False', 'no', 'off', undefined])
    it(`is not detected with CI=${CI}`, () => {
      expect(ephemeralHost({ CI })).to.equal(undefined);
    });
  it('can be a pod', () => {
    expect(ephemeralHost({ KUBERNETES_SERVICE_HOST: '10.0.0.1' })).to.include('pod');
    expect(ephemeralHost({ KUBERNETES_SERVICE_HOST: '' })).to.equal(undefined);
  });

  it('is also detected by the variable of its service, whatever CI is', () => {
    for (const name of ['GITHUB_ACTIONS', 'GITLAB_CI', 'TF_BUILD', 'JENKINS_URL', 'CODEBUILD_BUILD_ID'])
      expect(ephemeralHost({ CI: 'false', [name]: 'True' })).to.equal(`a pipeline (${name} is set)`);
    expect(ephemeralHost({ AWS_LAMBDA_FUNCTION_NAME: 'f' })).to.include('a container (AWS_LAMBDA');
    expect(ephemeralHost({ CI: '', GITHUB_ACTIONS: 'false', BUILDKITE: '0' })).to.equal(undefined);
  });

  it('may not have its state in a local file, unless an option names the file', () => {
    const io = paperIo({ env: { CI: 'true' } });
    for (const url of ['https://git.example/s', 's3://b/k', 'postgres://db/x'])
      expect(() => refuseEphemeralState(io, url, false), url).to.not.throw();
    expect(() => refuseEphemeralState(io, 'a.json', true)).to.not.throw();
    expect(() => refuseEphemeralState(paperIo(), 'a.json', false)).to.not.throw();
    expect(() => refuseEphemeralState(io, 'a.json', false))
      .to.throw(Failure)
      .that.satisfies((failure: Failure) => {
        expect(failure.exitCode).to.equal(5);
        expect(failure.diagnostics[0]?.remedy).to.include('--state a.json').and.include('s3://');
        return true;
      });
  });
});
