import { expect } from 'chai';
import type { Io } from '../../src/cli/io.ts';
import { showInterrupt } from '../../src/cli/print.ts';

describe('the command to continue after a stop', () => {
  const told = (...blocking: string[]) => {
    let text = '';
    const write = (more: string) => {
      text += more;
    };
    const stop = AbortSignal.abort(new Error('stopped by SIGINT'));
    showInterrupt(
      { env: {}, stop, stderr: { write, isTty: false, columns: 100 } } as unknown as Io,
      blocking,
    );
    return text.replace(/\s+/g, ' ');
  };

  it('is the same command', () => {
    expect(told()).to.contain('stopped by SIGINT; nothing new was started after that');
    expect(told()).to.contain('→ run the same command again');
  });

  it('has further flags if the same command would be refused', () => {
    expect(told('pay/boot', 'pay/log'))
      .to.contain('→ first resolve pay/boot, pay/log as described above, or add --skip-blocked')
      .and.contain('then run the same command again');
  });
});
