// How a page of questions is laid out: the form beside the answer, above it where it is narrow.

import type { ComponentChildren } from 'preact';

interface QuestionAndAnswerProps {
  form: ComponentChildren;
  children: ComponentChildren;
}

export function QuestionAndAnswer({ form, children }: QuestionAndAnswerProps) {
  return (
    <div class="question-and-answer">
      {form}
      <div class="answers">{children}</div>
    </div>
  );
}
