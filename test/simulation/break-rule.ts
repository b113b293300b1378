import { type CaseClause, type Node, SyntaxKind } from 'typescript/unstable/ast';
import {
  isArrayLiteralExpression,
  isArrowFunction,
  isAwaitExpression,
  isBinaryExpression,
  isBlock,
  isCallExpression,
  isCaseClause,
  isConditionalExpression,
  isExpression,
  isExpressionStatement,
  isIfStatement,
  isPropertyAssignment,
  isReturnStatement,
  isSpreadElement,
  isStatement,
  isVariableStatement,
} from 'typescript/unstable/ast/is';
import { unreachable } from '../../src/domain/errors.ts';
import type { Rule } from './rules.ts';

/**
 * A way to break a rule that holds whatever its source calls things. What a statement *gives* is what it returns, assigns
 * or calls, an `if` what its branch does; what a property or an operand gives is its value.
 */
export type Break =
  /** The statement is left out; of a case the label, so that the default takes it. */
  | 'skip'
  /** The condition of the `if` or of `? :`, else what it gives. */
  | 'always'
  | 'never'
  /** Nothing waits for it. */
  | 'early'
  /** It comes after the statement that follows it. */
  | 'late'
  /** Half of the number. */
  | 'half'
  /** Without the last argument or item. */
  | 'shorter'
  /** Gives this plain value; a case does so for itself alone. */
  | { readonly gives: unknown }
  /** Gives the same but for these properties. */
  | { readonly changes: object }
  /** Is done once more when it gave something with these properties. */
  | { readonly again: object }
  /** In the words of its source, where plain values do not say it: gives this; holds, or is done, only if. */
  | { readonly code: string }
  | { readonly onlyIf: string };

/** Rule → how it is broken. */
export type Breaks = Readonly<Record<string, Break>>;

/** The files in which these rules stand, broken. Throws for a rule that nothing marks, or that cannot be broken so. */
export function brokenTexts(rules: ReadonlyMap<string, Rule>, breaks: Breaks): ReadonlyMap<string, string> {
  const files = new Map<string, { readonly text: string; readonly edits: Edit[] }>();
  for (const [name, how] of Object.entries(breaks)) {
    const rule = rules.get(name);
    if (!rule) throw new Error(`no source marks the rule ${name}`);
    const { file, text } = rule;
    files.set(file, { text, edits: [...(files.get(file)?.edits ?? []), breakRule(rule, how)] });
  }
  return new Map([...files].map(([file, { text, edits }]) => [file, edited(text, edits)]));
}

function edited(text: string, edits: readonly Edit[]): string {
  let end = text.length;
  return edits
    .toSorted((a, b) => b.from - a.from)
    .reduce((after, { from, to, code }) => {
      if (to > end) throw new Error(`two breaks overlap: ${text.slice(from, to)}`);
      end = from;
      return after.slice(0, from) + code + after.slice(to);
    }, text);
}

interface Edit {
  readonly from: number;
  readonly to: number;
  readonly code: string;
}

function breakRule(rule: Rule, how: Break): Edit {
  const edit = typeof how === 'string' ? breakPlainly(rule, how) : breakWith(rule, how);
  if (!edit) throw new Error(`${rule.file}: ${rule.name} cannot be broken by ${JSON.stringify(how)}`);
  return edit;
}

function breakPlainly({ node, text }: Rule, how: Extract<Break, string>): Edit | undefined {
  switch (how) {
    case 'skip':
      if (isCaseClause(node)) return replace(node, '', labelEnd(node, text));
      return isStatement(node) ? replace(node, ';') : undefined;
    case 'always':
      return replace(conditionOf(node), 'true');
    case 'never':
      return replace(conditionOf(node), 'false');
    case 'early': {
      const given = givenBy(node);
      if (!given || !isAwaitExpression(given)) return undefined;
      return replace(given, `void ${codeOf(given.expression, text)}.catch(() => {})`);
    }
    case 'late': {
      const next = childrenOf(node.parent).find((other) => other.getStart() >= node.end);
      return next && replace(node, `${codeOf(next, text)}\n${codeOf(node, text)}`, next.end);
    }
    case 'half': {
      const given = givenBy(node);
      return given && replace(given, `0.5 * (${codeOf(given, text)})`);
    }
    case 'shorter': {
      const [last, before] = itemsOf(givenBy(node)).toReversed();
      return last && before && { from: before.end, to: last.end, code: '' };
    }
    default:
      return unreachable(how);
  }
}

function breakWith({ node, text }: Rule, how: Exclude<Break, string>): Edit | undefined {
  const given = givenBy(node);
  const code = given && codeOf(given, text);
  if ('onlyIf' in how)
    return isIfStatement(node)
      ? replace(node.expression, `(${codeOf(node.expression, text)}) && (${how.onlyIf})`)
      : isStatement(node)
        ? replace(node, `if (${how.onlyIf}) ${codeOf(node, text)}`)
        : undefined;
  if ('code' in how) return replace(given, `(${how.code})`);
  if ('changes' in how) return replace(given, `({ ...(${code}), ...${literal(how.changes)} })`);
  if ('again' in how)
    return replace(
      given,
      `await (async () => {
        const given = ${code};
        return Object.entries(${literal(how.again)}).every(([key, value]) => given[key] === value) ? ${code} : given;
      })()`,
    );
  if (!isCaseClause(node)) return replace(given, literal(how.gives));
  // Before all other cases, where none falls into it.
  const [first] = childrenOf(node.parent);
  const label = text.slice(node.getStart(), labelEnd(node, text));
  return (
    first && {
      from: first.getStart(),
      to: first.getStart(),
      code: `${label} return ${literal(how.gives)};\n`,
    }
  );
}

function conditionOf(node: Node): Node | undefined {
  if (isIfStatement(node)) return node.expression;
  const given = givenBy(node);
  return given && isConditionalExpression(given) ? given.condition : given;
}

function givenBy(node: Node): Node | undefined {
  if (isIfStatement(node)) return givenBy(node.thenStatement);
  if (isBlock(node)) return node.statements.length === 1 ? node.forEachChild(givenBy) : undefined;
  if (isReturnStatement(node) || isSpreadElement(node)) return node.expression;
  if (isVariableStatement(node)) return node.declarationList.declarations[0]?.initializer;
  if (isPropertyAssignment(node)) return givenBy(node.initializer);
  if (isArrowFunction(node)) return givenBy(node.body);
  if (!isExpressionStatement(node)) return isExpression(node) ? node : undefined;
  const { expression } = node;
  return isBinaryExpression(expression) && expression.operatorToken.kind === SyntaxKind.EqualsToken
    ? expression.right
    : expression;
}

function itemsOf(node: Node | undefined): readonly Node[] {
  if (node && isCallExpression(node)) return node.arguments;
  return node && isArrayLiteralExpression(node) ? node.elements : [];
}

function childrenOf(node: Node): readonly Node[] {
  const children: Node[] = [];
  node.forEachChild((child) => void children.push(child));
  return children;
}

function labelEnd(node: CaseClause, text: string): number {
  return text.indexOf(':', node.expression.end) + 1;
}

function codeOf(node: Node, text: string): string {
  return text.slice(node.getStart(), node.end);
}

function replace(node: Node | undefined, code: string, to = node?.end): Edit | undefined {
  return node && to !== undefined ? { from: node.getStart(), to, code } : undefined;
}

/** As JSON, but for what JSON does not have: `undefined`, and numbers without an end. */
function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join()}]`;
  if (typeof value !== 'object' || value === null)
    return typeof value === 'string' ? JSON.stringify(value) : String(value);
  return `({ ${Object.entries(value)
    .map(([key, one]) => `${JSON.stringify(key)}: ${literal(one)}`)
    .join()} })`;
}
