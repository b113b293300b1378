// Short on the terminal, complete in reports/tests.json (or VBSCTL_REPORT): the figures that CI prints are read
// from there.
const { mkdirSync, writeFileSync } = require('node:fs');
const { dirname } = require('node:path');
const { reporters, Runner } = require('mocha');

const REPORT = process.env.VBSCTL_REPORT ?? 'reports/tests.json';

module.exports = class extends reporters.Dot {
  constructor(runner, options) {
    super(runner, options);
    const skipped = [];
    runner.on(Runner.constants.EVENT_TEST_PENDING, (test) => skipped.push(test.fullTitle()));
    runner.once(Runner.constants.EVENT_RUN_END, () => {
      const failures = this.failures.map((test) => ({ title: test.fullTitle(), error: test.err?.message }));
      for (const title of skipped) console.log(`  skipped: ${title}`);
      mkdirSync(dirname(REPORT), { recursive: true });
      writeFileSync(REPORT, `${JSON.stringify({ stats: this.stats, failures, skipped }, undefined, 2)}\n`);
    });
  }
};
