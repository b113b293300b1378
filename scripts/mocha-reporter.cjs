// Short on the terminal, complete in a file (reports/tests.json): the figures that CI prints are read from there.
// Options: `file`; `style=spec`, for tests so long that each is worth a line of its own.
const { mkdirSync, writeFileSync } = require('node:fs');
const { dirname } = require('node:path');
const { reporters, Runner } = require('mocha');

module.exports = class {
  constructor(runner, options) {
    const { file = 'reports/tests.json', style } = options.reporterOptions ?? {};
    const terminal = new (style === 'spec' ? reporters.Spec : reporters.Dot)(runner, options);
    const skipped = [];
    runner.on(Runner.constants.EVENT_TEST_PENDING, (test) => skipped.push(test.fullTitle()));
    runner.once(Runner.constants.EVENT_RUN_END, () => {
      const { stats } = terminal;
      const failures = terminal.failures.map((test) => ({
        title: test.fullTitle(),
        error: test.err?.message,
      }));
      for (const title of skipped) console.log(`  skipped: ${title}`);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, `${JSON.stringify({ stats, failures, skipped }, undefined, 2)}\n`);
    });
  }
};
