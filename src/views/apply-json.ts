import { toJson } from '../domain/escape/json.ts';
import type { ApplyView } from './apply-view.ts';

/** One JSON object for each line: the event, after the version of the format: `{"format":1,"at":…,"type":…}`. */
export function createApplyJson(write: (text: string) => void): ApplyView {
  return {
    handle: (event) => write(applyJsonLine(event)),
    end: () => {},
  };
}

export function applyJsonLine(line: { readonly at: string; readonly type: string }): string {
  return `${toJson({ format: 1, ...line })}\n`;
}
