import type { AccessReport, SettingsReport, ShownSetting, StepReport } from '../domain/access-report.ts';
import { projectText } from '../domain/cloud-project.ts';
import { unreachable } from '../domain/errors.ts';
import { diagnosticLines, remedyLines } from './diagnostics.ts';
import { tableLines } from './table.ts';
import {
  indent,
  joinLines,
  type Paint,
  padEnd,
  paragraphs,
  type Style,
  sanitize,
  type TextOptions,
} from './terminal.ts';

/** `vbsctl auth show`: each setting and what gave it. Problems are not in it: they are diagnostics. */
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
  return joinLines([head, '', ...table, ...unused.map((line) => style.faint(line))]);
}

/** The same for all, so that it tells nothing. */
const SECRET = '(secret)';

/** `vbsctl auth check`: step by step, what failed with its reason and the way out. */
export function accessText(report: AccessReport, options: TextOptions): string {
  const { style } = options;
  const steps = report.steps.flatMap((step) => stepLines(step, options));
  const reached = report.target ? `: ${projectText(report.target)}` : '';
  const end = report.ok ? `Everything that a restore needs is available${reached}.` : 'A restore would fail.';
  const paint = report.ok ? style.good : style.bad;
  return joinLines([...steps, '', ...paragraphs(end, options.width).map(paint)]);
}

const OUTCOME_WIDTH = 9;
const STEP_WIDTH = 13;
const MARGIN = OUTCOME_WIDTH + STEP_WIDTH;

function stepLines({ step, outcome, said, diagnostics }: StepReport, options: TextOptions): string[] {
  const { style } = options;
  const width = Math.max(40, options.width - MARGIN);
  const [first = '', ...more] = paragraphs(said, width);
  const head = paintOf(outcome, style)(padEnd(outcome, OUTCOME_WIDTH)) + padEnd(step, STEP_WIDTH);
  const isSkipped = outcome === 'skipped';
  // What failed is the headline already.
  const [cause] = outcome === 'failed' && diagnostics.length === 1 ? diagnostics : [];
  const below = cause
    ? [
        ...(cause.detail === undefined ? [] : paragraphs(cause.detail, width)),
        ...(cause.remedy === undefined ? [] : remedyLines(cause.remedy, { style, width })),
      ]
    : diagnostics.flatMap((each) => diagnosticLines(each, { style, width }));
  return [head + (isSkipped ? style.faint(first) : first), ...indent([...more, ...below], MARGIN)];
}

function paintOf(outcome: StepReport['outcome'], style: Style): Paint {
  switch (outcome) {
    case 'ok':
      return style.good;
    case 'warning':
      return style.warn;
    case 'failed':
      return style.bad;
    case 'skipped':
      return style.faint;
    default:
      return unreachable(outcome);
  }
}
