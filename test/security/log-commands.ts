/**
 * What the runners of pipelines would take for a command in what was printed, read as they read it (and no code of
 * vbsctl's): GitHub's runner trims a line's start and looks for `::`, and for `##[` anywhere (ActionCommand.cs); Azure's
 * agent looks for `##vso[` anywhere; GitLab's and Travis's sections end in a carriage return and an escape sequence.
 */
export function logCommandsIn(text: string): string[] {
  const found = [...text.matchAll(SECTION)].map(([hit]) => hit);
  for (const line of text.split(/\r\n|\r|\n/)) {
    // Some tools take colours out before they read.
    for (const each of new Set([line, line.replace(COLOUR, '')])) {
      const acts =
        each.trimStart().startsWith('::') ||
        /##[a-z_.-]*\[/i.test(each) ||
        /^(?:---|\+\+\+|~~~|\^\^\^)(?:\s|$)/.test(each);
      if (acts) found.push(each);
    }
  }
  return found;
}

const ESC = '\u001b';
const SECTION = new RegExp(`(?:section_(?:start|end):|travis_\\w+:)[^\n]*\r|${ESC}\\[8m`, 'g');
const COLOUR = new RegExp(`${ESC}\\[[\\d;]*m`, 'g');
