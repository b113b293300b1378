import type { AccessReport, SettingsReport, ShownSetting, StepReport } from '../domain/access-report.ts';
import { projectText } from '../domain/cloud-project.ts';
import { diagnosticLines, explanationLines } from './diagnostics.ts';
import { tableLines } from './table.ts';
import { indent, joinLines, padEnd, paragraphs, sanitize, type TextOptions } from './terminal.ts';

/** `vbsctl auth show`: each setting and its source. Problems are reported as diagnostics, not here. */
export function settingsText(report: SettingsReport, options: TextOptions): string {
  const { style, width } = options;
  const head = `${style.strong(sanitize(report.source))} (${sanitize(report.chosen_by)})`;
  const columns = [
    { title: 'SETTING', cell: ({ key }: ShownSetting) => key },
    { title: 'VALUE', cell: ({ value, secret }: ShownSetting) => (secret ? SECRET : (value ?? '')) },
    { title: 'FROM', cell: ({ from }: ShownSetting) => from },
  ];
  const table =
    report.values.length === 0 ? ['Nothing is set.'] : tableLines(columns, report.values, options);
  const unused =
    report.unused.length === 0
      ? []
      : ['', ...paragraphs(`Set there, but not used by vbsctl: ${report.unused.join(', ')}`, width)];
  return joinLines([head, '', ...table, ...unused.map(style.faint)]);
}

/** Fixed, so that it does not reveal the length. */
const SECRET = '(secret)';

/** `vbsctl auth check`: the steps; a failed one with its reason and remedy. */
export function accessText(report: AccessReport, options: TextOptions): string {
  const { style } = options;
  const steps = report.steps.flatMap((step) => reportLines(step, options));
  const reached = report.target ? `: ${projectText(report.target)}` : '';
  const end = report.ok ? `Everything that a restore needs is available${reached}.` : 'A restore would fail.';
  const paint = report.ok ? style.good : style.bad;
  return joinLines([...steps, '', ...paragraphs(end, options.width).map(paint)]);
}

const OUTCOME_WIDTH = 9;
const STEP_WIDTH = 13;
const MARGIN = OUTCOME_WIDTH + STEP_WIDTH;

function reportLines(
  { step, outcome, result: said, diagnostics }: StepReport,
  options: TextOptions,
): string[] {
  const { style } = options;
  const width = Math.max(40, options.width - MARGIN);
  const [first = '', ...more] = paragraphs(said, width);
  const head = style[STYLES[outcome]](padEnd(outcome, OUTCOME_WIDTH)) + padEnd(step, STEP_WIDTH);
  // A single failure: its summary stands in the first line already.
  const isOneFailure = outcome === 'failed' && diagnostics.length === 1;
  const show = isOneFailure ? explanationLines : diagnosticLines;
  const below = diagnostics.flatMap((each) => show(each, { style, width }));
  return [
    head + (outcome === 'skipped' ? style.faint(first) : first),
    ...indent([...more, ...below], MARGIN),
  ];
}

const STYLES = { ok: 'good', warning: 'warn', failed: 'bad', skipped: 'faint' } as const;
