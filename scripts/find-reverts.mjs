/**
 * Lists commits that put a file back to an older content: what a commit does that was made on a stale tree, and a merge
 * that drops one of its sides. One of them once took back a finished feature together with its tests, and nothing failed.
 * (A file that is gone again is not looked at: most removals are meant.)
 *
 *     npm run check:reverts               all commits of HEAD
 *     npm run check:reverts -- main..HEAD only these
 *
 * A revert on purpose says so: in the message of the commit ("This reverts commit …" as `git revert` writes it, or a trailer
 * `Goes-back: why`), or, where it was not, in scripts/known-reverts.json with the reason. Everything else fails (exit 1).
 * A shallow clone has no older contents to compare with: said, and no failure.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ABSENT = /^0+$/;
const MEANT = /^This reverts commit [0-9a-f]{7,}|^Goes-back: \S/m;
const OUTPUT_BYTES_MAX = 512 * 1024 * 1024;

/**
 * Commits of `range` that put files back to a content of one of their ancestors. `known`: by whole commit id, the reason
 * why it is all right.
 *
 * @param {string} folder of the repository
 * @param {{ range: string, known: Readonly<Record<string, string>> }} options
 * @returns {{ kind: 'shallow' } | { kind: 'looked', commits: number, reverts: Revert[] }}
 *
 * @typedef {{ commit: string, subject: string, meant: string | undefined, files: { path: string, as_in: string }[] }} Revert
 */
function findReverts(folder, { range, known }) {
  const git = (...args) =>
    execFileSync('git', ['-C', folder, ...args], {
      encoding: 'utf8',
      maxBuffer: OUTPUT_BYTES_MAX,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  if (git('rev-parse', '--is-shallow-repository').trim() === 'true') return { kind: 'shallow' };
  const asked = new Set(git('rev-list', range).split('\n').filter(Boolean));
  const tip = git('rev-parse', range.replace(/^.*\.\./, '') || 'HEAD').trim();
  const ancestors = new Ancestors(git('rev-list', '--topo-order', '--reverse', '--parents', tip));

  /** By path and content: the commits that brought it. */
  const brought = new Map();
  const reverts = [];
  for (const { commit, parents, changes } of historyOf(git, tip)) {
    const files = asked.has(commit)
      ? [...changes.flatMap((change) => wentBack(change, commit)), ...droppedByMerge(parents, commit)]
      : [];
    for (const { path, to } of changes) {
      const key = `${to} ${path}`;
      if (!brought.has(key)) brought.set(key, []);
      brought.get(key).push(commit);
    }
    if (files.length > 0) reverts.push(revertOf(commit, files));
  }
  return { kind: 'looked', commits: asked.size, reverts };

  /** A content that an ancestor brought, where the parents have another one by now. */
  function wentBack({ path, to, from }, commit) {
    if (ABSENT.test(to) || from.includes(to)) return [];
    const source = brought.get(`${to} ${path}`)?.findLast((earlier) => ancestors.has(commit, earlier));
    return source === undefined ? [] : [{ path, as_in: source }];
  }

  /** Files that one side of a merge changed, and that are after it as they were before both. */
  function droppedByMerge(parents, commit) {
    if (parents.length !== 2) return [];
    const base =
      git('merge-base', ...parents)
        .trim()
        .split('\n', 1)[0] ?? '';
    const changed = (to) =>
      git('diff-tree', '-r', '-z', '--no-renames', '--name-only', '--diff-filter=M', base, to)
        .split('\0')
        .filter(Boolean);
    const kept = new Set(changed(commit));
    const dropped = new Set(parents.flatMap(changed).filter((path) => !kept.has(path)));
    // What is gone after the merge was removed, not put back.
    const there = new Set(git('ls-tree', '-r', '-z', '--name-only', commit).split('\0'));
    return [...dropped].filter((path) => there.has(path)).map((path) => ({ path, as_in: base }));
  }

  function revertOf(commit, files) {
    const message = git('show', '--no-patch', '--format=%B', commit);
    const meant = known[commit] ?? MEANT.exec(message)?.[0];
    return { commit, subject: message.split('\n', 1)[0] ?? '', meant, files };
  }
}

/** Every commit from the oldest on, with the files that differ from all of its parents (a merge that takes one side does not). */
function* historyOf(git, tip) {
  // --cc with --raw: of merges only what no parent has; -z: paths as they are.
  const log = git(
    'log',
    '--topo-order',
    '--reverse',
    '--format=%x01%H %P',
    '--raw',
    '-z',
    '-c',
    '--no-abbrev',
    '--no-renames',
    tip,
  );
  for (const part of log.split('\x01').slice(1)) {
    const [head = '', ...fields] = part.split('\0').map((field) => field.replace(/^\n/, ''));
    const [commit = '', ...parents] = head.trim().split(' ').filter(Boolean);
    const changes = [];
    for (let n = 0; n < fields.length; n++) {
      const sides = /^:+/.exec(fields[n] ?? '')?.[0].length;
      if (sides === undefined) continue;
      // ":mode… mode oid… oid status": a mode and an id for each parent, then those of the result.
      const ids = (fields[n] ?? '').split(' ').slice(sides + 1, 2 * sides + 2);
      changes.push({ path: fields[++n] ?? '', from: ids.slice(0, sides), to: ids[sides] ?? '' });
    }
    yield { commit, parents, changes };
  }
}

/** Which commits lie before which: a set of bits for each commit, of all that it contains. */
class Ancestors {
  #number = new Map();
  #sets = [];

  /** @param {string} list of `git rev-list --topo-order --reverse --parents` */
  constructor(list) {
    const lines = list.split('\n').filter(Boolean);
    for (const [number, line] of lines.entries()) {
      const [commit, ...parents] = line.split(' ');
      this.#number.set(commit, number);
      const set = new Uint32Array((number >>> 5) + 1);
      for (const parent of parents) {
        const of = this.#number.get(parent);
        if (of === undefined) continue;
        for (const [index, bits] of this.#sets[of].entries()) set[index] |= bits;
        set[of >>> 5] |= 1 << (of & 31);
      }
      this.#sets.push(set);
    }
  }

  has(commit, ancestor) {
    const number = this.#number.get(ancestor) ?? -1;
    const bits = this.#sets[this.#number.get(commit) ?? -1]?.[number >>> 5] ?? 0;
    return number >= 0 && (bits & (1 << (number & 31))) !== 0;
  }
}

/** The report for people, and the exit code. */
function reportOf(found) {
  if (found.kind === 'shallow')
    return {
      code: 0,
      text: 'check:reverts: this clone is shallow, so there are no older contents to compare with; nothing was checked (git fetch --unshallow)\n',
    };
  const unknown = found.reverts.filter(({ meant }) => meant === undefined);
  const lines = unknown.flatMap(({ commit, subject, files }) => [
    `${commit.slice(0, 12)} ${subject}`,
    ...files.map(({ path, as_in }) => `  ${path} is as it was in ${as_in.slice(0, 12)} again`),
  ]);
  const sum = `check:reverts: ${found.commits} commits; ${found.reverts.length - unknown.length} put files back and say why, ${unknown.length} do not`;
  const remedy =
    unknown.length === 0
      ? []
      : [
          'A commit made on a stale tree takes back the work of others. If it is meant: add "Goes-back: why" to its message,',
          'or its whole id with the reason to scripts/known-reverts.json.',
        ];
  return { code: unknown.length === 0 ? 0 : 1, text: [...lines, sum, ...remedy, ''].join('\n') };
}

const KNOWN = 'scripts/known-reverts.json';
const folder = process.cwd();
let report;
try {
  const known = existsSync(join(folder, KNOWN)) ? JSON.parse(readFileSync(join(folder, KNOWN), 'utf8')) : {};
  report = reportOf(findReverts(folder, { range: process.argv[2] ?? 'HEAD', known }));
} catch (error) {
  // An unpacked archive has no history either.
  if (error.status === undefined) throw error;
  const [why] = String(error.stderr).trim().split('\n');
  report = { code: 0, text: `check:reverts: there is no history here (${why}), so nothing was checked\n` };
}
process.stdout.write(report.text);
process.exitCode = report.code;
