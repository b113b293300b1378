/**
 * Text for the log of a pipeline, whose runner takes some lines as commands. vbsctl never prints one on purpose.
 *
 * - Anywhere in a line: `##[…]` (GitHub's first form, actions/runner ActionCommand.cs; Azure Pipelines), `##vso[…]`
 *   (Azure Pipelines), `##teamcity[…]`.
 * - At the start of a line, after blanks: `::command::` (GitHub, Gitea, Forgejo).
 * - At the very start of a line: `---`, `+++`, `~~~`, `^^^` (Buildkite's groups).
 * - GitLab's and Travis's sections and Jenkins's notes need a carriage return or an escape sequence, which our texts
 *   never contain (`harmlessText`).
 */

/** A command may follow a colour: some tools remove colours before they read a line. */
const COLOUR = String.raw`\x1b\[[\d;]*m`;
const ANYWHERE = /##(?=[\w.-]*\[)/g;
const LINE_START = new RegExp(String.raw`^((?:[^\S\n]|${COLOUR})*)(::)`, 'gm');
const COLUMN_ONE = new RegExp(String.raw`^((?:${COLOUR})*)(---|\+\+\+|~~~|\^\^\^)(?=\s|$)`, 'gm');
/** A cheap first test, because most texts contain none of them. */
const SUSPECT = /##|::|---|\+\+\+|~~~|\^\^\^/;

/** The lines, with the first character of every such command replaced by its code: `\x3a:add-mask::`. */
export function withoutLogCommands(text: string): string {
  if (!SUSPECT.test(text)) return text;
  return text
    .replace(ANYWHERE, String.raw`\x23#`)
    .replace(LINE_START, codeOfFirst)
    .replace(COLUMN_ONE, codeOfFirst);
}

function codeOfFirst(_: string, before: string, command: string): string {
  return `${before}\\x${command.charCodeAt(0).toString(16)}${command.slice(1)}`;
}

const BLANK = new RegExp(`^(?:[^\\S\\n]|${COLOUR})*$`);

/** Whether the last line of a text is not empty. */
export function endsMidLine(text: string): boolean {
  return !BLANK.test(text.slice(text.lastIndexOf('\n') + 1));
}
