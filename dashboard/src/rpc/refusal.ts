// What the server says when it does not answer. A refusal is an answer: it says which
// field is wrong, what the data lack, or how far the question may go.

import { Code, ConnectError } from '@connectrpc/connect';

import {
  DataCannotAnswerSchema,
  type DataCannotAnswer_MissingAxis,
} from '../gen/bitbudget/v1/error_details_pb';
import { BadRequestSchema } from '../gen/google/rpc/error_details_pb';

export type RefusalKind = 'wrong question' | 'outside the law' | 'data cannot answer' | 'failure';

export interface Refusal {
  kind: RefusalKind;
  message: string;
  /** What to do about it; empty if the message says all. */
  advice: string;
  missingAxes: DataCannotAnswer_MissingAxis[];
  /** Problems by field of the request, in the names of the generated types. */
  fieldProblems: Record<string, string>;
}

const KINDS: Partial<Record<Code, RefusalKind>> = {
  [Code.InvalidArgument]: 'wrong question',
  [Code.OutOfRange]: 'outside the law',
  [Code.FailedPrecondition]: 'data cannot answer',
};

function lastName(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1).replace(/\[\d+\]$/, '');
}

/** "memory_model.kv_cache_bits" of the contract is "kvCacheBits" in a form. */
export function fieldName(path: string): string {
  return lastName(path).replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** Whether nobody answered, or somebody who is about to leave. */
export function isUnreachable(error: unknown): boolean {
  if (error instanceof TypeError) return true; // as fetch says that it found nobody
  const { code, cause } = ConnectError.from(error);
  return code === Code.Unavailable || cause instanceof TypeError;
}

export function isNotFound(error: unknown): boolean {
  return ConnectError.from(error).code === Code.NotFound;
}

export function isCancelled(error: unknown): boolean {
  return ConnectError.from(error).code === Code.Canceled;
}

export function refusalOf(reason: unknown): Refusal {
  const error = ConnectError.from(reason);
  const violations = error
    .findDetails(BadRequestSchema)
    .flatMap((detail) => detail.fieldViolations)
    .map(({ field, description }) => [fieldName(field), description] as const);
  const [cannot] = error.findDetails(DataCannotAnswerSchema);
  return {
    kind: KINDS[error.code] ?? 'failure',
    message: error.rawMessage,
    advice: cannot && !error.rawMessage.includes(cannot.explanation) ? cannot.explanation : '',
    missingAxes: cannot?.missingAxes ?? [],
    fieldProblems: Object.fromEntries(violations),
  };
}
