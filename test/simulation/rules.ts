import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Node, SyntaxKind } from 'typescript/unstable/ast';
import { isBinaryExpression } from 'typescript/unstable/ast/is';
import { API } from 'typescript/unstable/sync';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A promise of the program, where its source keeps it: what follows the comment `// Rule: NAME`. */
export interface Rule {
  readonly name: string;
  /** Path from the root. */
  readonly file: string;
  /** Of the whole file. */
  readonly text: string;
  /** The largest that begins there, but one operand of `&&`, `||`, `??` or `+`. */
  readonly node: Node;
}

const MARKER = /\/\/ Rule:(.*)/g;
const NAME = /^ [a-z0-9]+(-[a-z0-9]+)*$/;
const COMMENTS = /^(\s|\/\/.*)*$/;
const CHAINS: ReadonlySet<SyntaxKind> = new Set([
  SyntaxKind.AmpersandAmpersandToken,
  SyntaxKind.BarBarToken,
  SyntaxKind.QuestionQuestionToken,
  SyntaxKind.PlusToken,
]);

/** All that `src` marks. Throws where a name is marked twice, or nothing follows it. */
export function markedRules(): ReadonlyMap<string, Rule> {
  const api = new API({ cwd: ROOT });
  const [project] = api.updateSnapshot({ openProjects: [join(ROOT, 'tsconfig.json')] }).getProjects();
  const rules = new Map<string, Rule>();
  for (const path of readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })) {
    if (!path.endsWith('.ts')) continue;
    const file = join('src', path);
    const text = readFileSync(join(ROOT, file), 'utf8');
    for (const { 0: marker, 1: said = '', index } of text.matchAll(MARKER)) {
      if (!NAME.test(said)) throw new Error(`${file}: “${marker}” is no name of a rule`);
      const name = said.trim();
      const end = index + marker.length;
      const source = project?.program.getSourceFile(join(ROOT, file));
      const node = source?.forEachChild((child) => firstAfter(end, child));
      if (!node || !COMMENTS.test(text.slice(end, node.getStart())))
        throw new Error(`${file}: nothing follows the rule ${name}`);
      if (rules.has(name)) throw new Error(`${file}: ${name} is marked twice`);
      rules.set(name, { name, file, text, node });
    }
  }
  api.close();
  return rules;
}

function firstAfter(position: number, node: Node): Node | undefined {
  if (node.end <= position) return undefined;
  if (node.getStart() >= position && !isChain(node)) return node;
  return node.forEachChild((child) => firstAfter(position, child));
}

function isChain(node: Node): boolean {
  return isBinaryExpression(node) && CHAINS.has(node.operatorToken.kind);
}
