// Short on the terminal, complete in a file (reports/tests.json): the figures that CI prints are read from there.
// Options: `file`; `style=spec`, for tests so long that each is worth a line of its own.
const { mkdirSync, writeFileSync } = require('node:fs');
const { dirname } = require('node:path');
const { reporters, Runner } = require('mocha');

const SLOWEST_SHOWN = 10;

module.exports = class {
  constructor(runner, options) {
    const { file = 'reports/tests.json', style } = options.reporterOptions ?? {};
    const terminal = new (style === 'spec' ? reporters.Spec : reporters.Dot)(runner, options);
    const skipped = [];
    const slowest = [];
    runner.on(Runner.constants.EVENT_TEST_END, (test) => {
      slowest.push({ title: test.fullTitle(), ms: test.duration ?? 0 });
      slowest.sort((a, b) => b.ms - a.ms).splice(SLOWEST_SHOWN);
    });
    runner.on(Runner.constants.EVENT_TEST_PENDING, (test) => skipped.push(test.fullTitle()));
    runner.once(Runner.constants.EVENT_RUN_END, () => {
      const { stats } = terminal;
      const failures = terminal.failures.map((test) => ({
        title: test.fullTitle(),
        error: test.err?.message,
      }));
      for (const title of skipped) console.log(`  skipped: ${title}`);
      console.log('  The slowest tests:');
      for (const { title, ms } of slowest) console.log(`    ${(ms / 1_000).toFixed(1)} s  ${title}`);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, `${JSON.stringify({ stats, failures, skipped, slowest }, undefined, 2)}\n`);
    });
  }
};
