import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';

/**
 * What is put into a remedy, over all sources. The view takes words of ours for commands there, so what somebody else
 * wrote passes a function that quotes it, and everything else stands in the list below.
 */

const QUOTES =
  /^(quoted|quotedWhole|shellWord|shellPath|shellOperand|named|positionText|atPosition|resolveCommand|locationWord|idWord|called)\(/;

/** Our own words, numbers, times, texts that were held against a pattern, and parts of a remedy that are made elsewhere. */
const OWN: Readonly<Record<string, readonly string[]>> = {
  'app/refusals.ts': ['own'],
  'app/resolve.ts': ['own'],
  'app/migrate.ts': ['addressWarning(moved_to.location)', 'migrateBackCommand(moved_to, location)'],
  'app/push.ts': ['addressWarning(moved_to.location)', 'addressWarning(unsaved.state)'],
  'cli/user-paths.ts': ['flag'],
  'cli/commands/run-apply-saved.ts': ['misplaced'],
  'cli/commands/run-apply.ts': ['misplaced'],
  'cli/commands/run-emulator-detach.ts': ['list'],
  'cli/commands/run-get.ts': ['commands'],
  'cli/commands/run-help.ts': ["Object.keys(TOPICS).join(', ')", 'meant'],
  'cli/errored-state.ts': ['first'],
  'cli/command-line.ts': ['command.name()'],
  'cli/found-config.ts': ['variable'],
  'cli/foreign-syntax.ts': ['command.name()', 'word'],
  'cli/ed25519-keys.ts': ['remedy'],
  'cli/print.ts': ['listed(blocking.map(quotedWhole), 3)'],
  'cli/program.ts': ['suggestion'],
  'cli/read-project.ts': ['command', 'what'],
  'cli/library-files.ts': ['name'],
  'domain/policy-check.ts': ['edit', 'waiver'],
  'domain/preflight.ts': ['backup.size', "field.replace(' ', '_')"],
  'domain/push-risks.ts': ['remedy', 'risk'],
  'drivers/auth/auth-failures.ts': [
    'checkLogin(settings)',
    "namesOf('auth_url')",
    "namesOf('cacert')",
    "namesOf('project_id')",
    "namesOf('region_name')",
    "namesOf('vbs_endpoint_override', 'evs_endpoint_override')",
    "odd.map(quotedWhole).join(' and ')",
    "settings.namesOf('auth_url')",
    'whenToAskAgain(failure)',
  ],
  'drivers/auth/certificates.ts': ['namesOf(name)', 'settings.namesOf(name)'],
  'drivers/auth/cloud-files.ts': ['variable'],
  'drivers/auth/parse-cloud-file.ts': ['at.line'],
  'drivers/connect.ts': ["namesOf('cert')"],
  'drivers/endpoints.ts': [
    "joinNames(regions.map(quoted), ' or ')",
    'namesOf(overrideOf(service))',
    "namesOf('region_name')",
  ],
  'emulator/model.ts': ['request.backup_id', 'request.volume_id', 'sizes'],
  'emulator/signature.ts': ['date'],
  'manifest/check-document.ts': [
    'fit',
    'key',
    "keys.join(' or ')",
    'meant',
    "parts.join('-')",
    "shownExamples.join(', ')",
    'text',
    'wanted(v)',
    "words.join(' or ')",
  ],
  'manifest/config-file.ts': ['main === undefined ? keeper : quotedWhole(main)'],
  'manifest/found-limits.ts': ['key'],
  'manifest/kinds.ts': ['meant', 'wanted'],
  'manifest/read-config.ts': ['smaller', 'larger'],
  'manifest/read-yaml.ts': ['value'],
  'planner/another-volume.ts': ['backup.size', "seconds(backup.created_at ?? '')", 'source'],
  'planner/checks.ts': ['whenToAskAgain(reading.failure)'],
  'planner/notices.ts': ['backup.created_at', 'generation'],
  'planner/open-records.ts': ['raiseGeneration(record, context)'],
  'planner/plan-staleness.ts': ['clocks'],
  'planner/select.ts': ['field', "selector.name === undefined ? '' : 'backup.name, '", 'what'],
  'state/postgres/postgres-session.ts': ['URL_PARAMETERS[unusable.part]'],
  'state/answer-limits.ts': ['sizeText(STATE_BYTES_MAX)'],
  'state/http/http-settings.ts': ['name'],
  'state/migrated-state.ts': ['addressWarning(to.location)', 'migrateBackCommand(to, location)'],
  'state/open-backend.ts': ['almost'],
  'state/plan-codec.ts': ['minorOf(made)'],
  'state/postgres/postgres-location.ts': [
    "[...OWN_PARAMETERS, ...CLIENT_PARAMETERS].join(', ')",
    "SSL_MODES.join(', ')",
  ],
  'state/s3/s3-location.ts': ["PARAMETERS.join(', ')"],
  'views/lock-text.ts': ["lock.id === undefined ? 'ID' : shellOperand(lock.id)"],
};

/** The end of the string, template or bracket that begins at `at`, or of the single character. */
function endOf(source: string, at: number): number {
  const open = source[at] ?? '';
  if ('\'"'.includes(open)) {
    let end = at + 1;
    while (source[end] !== open) end += source[end] === '\\' ? 2 : 1;
    return end + 1;
  }
  if (open === '`') {
    let end = at + 1;
    while (source[end] !== '`') {
      if (source.startsWith('${', end)) end = endOf(source, end + 1);
      else end += source[end] === '\\' ? 2 : 1;
    }
    return end + 1;
  }
  if (!'([{'.includes(open)) return at + 1;
  let end = at + 1;
  while (!')]}'.includes(source[end] ?? ')')) end = endOf(source, end);
  return end + 1;
}

/** The expressions from `at` to the bracket that closes what is around them, divided at commas. */
function expressions(source: string, at: number): string[] {
  const found: string[] = [];
  let begin = at;
  let end = at;
  while (end < source.length && !')]};'.includes(source[end] ?? '')) {
    if (source[end] === ',') {
      found.push(source.slice(begin, end));
      begin = end + 1;
    }
    end = endOf(source, end);
  }
  return [...found, source.slice(begin, end)].map((text) => text.trim()).filter((text) => text !== '');
}

/** What stands in `${}` in the templates of an expression; of a choice between templates, what stands in those. */
function spans(expression: string): string[] {
  const found: string[] = [];
  for (
    let at = 0;
    at < expression.length;
    at = '\'"`'.includes(expression[at] ?? '') ? endOf(expression, at) : at + 1
  ) {
    if (expression[at] !== '`') continue;
    const end = endOf(expression, at);
    for (let inner = at + 1; inner < end; inner++) {
      if (!expression.startsWith('${', inner)) continue;
      const close = endOf(expression, inner + 1);
      const span = expression
        .slice(inner + 2, close - 1)
        .replace(/\s+/g, ' ')
        .trim();
      found.push(...(span.includes('`') && !QUOTES.test(span) ? spans(span) : [span]));
      inner = close - 1;
    }
  }
  return found;
}

function remediesOf(source: string): string[] {
  const named = [...source.matchAll(/\bremedy(?::| =)\s/g)].flatMap(({ index }) =>
    expressions(source, source.indexOf(' ', index + 7)).slice(0, 1),
  );
  // Functions of which the last argument, but for a cause, is the remedy.
  const passed = [
    ...source.matchAll(
      /(?<!function )\b(?:unusable|refusedJournal|invalidUrl|invalidLocation|usage|refused|occupied|answer|badKey|badFaults|problemAt|exceededLimit|report|fileProblem|Unreadable)\(/g,
    ),
  ].flatMap(({ index, 0: call }) =>
    expressions(source, index + call.length)
      .slice(1)
      .filter((argument) => argument !== 'cause')
      .slice(-1),
  );
  return [...named, ...passed];
}

/** Without comments, where an apostrophe begins no string. */
function remediesIn(name: string): string[] {
  return remediesOf(readFileSync(join('src', name), 'utf8').replace(/^ *(?:\/\/|\/?\*).*$/gm, ''));
}

describe('the remedies in the sources', () => {
  it('contain foreign text only in quotes', () => {
    const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.ts'),
    );
    const bare = files.flatMap((name) =>
      remediesIn(name)
        .flatMap(spans)
        .filter((span) => !QUOTES.test(span) && !/^[A-Z_]+$/.test(span) && !OWN[name]?.includes(span))
        .map((span) => `${name}: ${span}`),
    );
    expect(bare).to.deep.equal([]);
  });

  it('have no exception that is no longer needed', () => {
    const left = Object.entries(OWN).flatMap(([name, known]) => {
      const used = new Set(remediesIn(name).flatMap(spans));
      return known.filter((span) => !used.has(span)).map((span) => `${name}: ${span}`);
    });
    expect(left).to.deep.equal([]);
  });

  it('are found in the sources', () => {
    const source =
      "x(1, { remedy: a ? `b #{c}` : `d #{quoted(e)} #{f ? '' : `g #{h}`}`, i: `#{j}` }); unusable(k, l, `m #{n}`, cause);";
    expect(remediesOf(source.replaceAll('#{', '${')).flatMap(spans)).to.deep.equal([
      'c',
      'quoted(e)',
      'h',
      'n',
    ]);
  });
});
